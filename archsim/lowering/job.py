"""Job: what is run of a model, and at which positions of a sequence each operator then works."""

from dataclasses import dataclass

from archsim.errors import UsageError, did_you_mean
from archsim.graph.graph import Graph
from archsim.graph.operators import Operator

PHASES = ("prefill", "decode", "generate")
GRAINS = ("projection", "core")


@dataclass(frozen=True, slots=True)
class Job:
    """`batch` sequences of `seq` prompt positions, for each of which `new_tokens` tokens are made.

    prefill: the prompt alone. decode: the prompt's keys and values are there; every new token is one pass.
    generate: both; the prompt's last position gives the first new token, so one pass less.
    grain: a task for a projection at a position, or for each of its cores.
    """

    phase: str = "prefill"
    seq: int = 128
    new_tokens: int = 0
    batch: int = 1
    grain: str = "projection"

    @property
    def positions(self) -> int:
        """Positions of a sequence that are worked on; they come after `cached` others."""
        return {"prefill": self.seq, "decode": self.new_tokens, "generate": self.seq + self.new_tokens - 1}[self.phase]

    @property
    def cached(self) -> int:
        """Positions whose keys and values are there at the start."""
        return self.seq if self.phase == "decode" else 0

    @property
    def prompt(self) -> int:
        """Positions that are known at the start; each later one waits for the token before it."""
        return 1 if self.phase == "decode" else self.seq

    def rows(self, operator: Operator) -> range:
        """The positions at which an operator runs, counted from the first that is worked on."""
        if operator.positions == "first":
            return range(1)
        if operator.positions == "last":
            return range(self.prompt - 1, self.positions)
        return range(self.positions)

    def keys(self, row: int, *, causal: bool) -> int:
        """Positions that one position sees."""
        return self.cached + row + 1 if causal else self.seq

    def macs(self, graph: Graph) -> int:
        """Multiply-accumulates of all sequences; of a causal model the causal part only."""
        return self.batch * sum(
            operator.macs(self.keys(row, causal=graph.causal))
            for operator in graph.operators
            for row in self.rows(operator)
        )


def make_job(graph: Graph, phase: str, seq: int, new_tokens: int, batch: int, grain: str = "projection") -> Job:
    """A checked Job; raises UsageError."""
    if phase not in PHASES:
        raise UsageError(f"found phase '{phase}'; expected one of them. {did_you_mean(phase, PHASES)}")
    if phase != "prefill" and graph.feedback is None:
        raise UsageError(f"{graph.name} is an encoder: it generates nothing. Try --phase prefill.")
    if new_tokens and phase == "prefill":
        raise UsageError(f"found {new_tokens} new tokens in phase 'prefill'. Try --phase generate.")
    if grain not in GRAINS:
        raise UsageError(f"found grain '{grain}'; expected one of them. {did_you_mean(grain, GRAINS)}")
    for name, value in (("seq", seq), ("batch", batch)):
        if value < 1:
            raise UsageError(f"found --{name} {value}; expected at least 1.")
    if new_tokens < 1 and phase != "prefill":
        raise UsageError(f"found --new-tokens {new_tokens}; expected at least 1.")
    job = Job(phase, seq, new_tokens, batch, grain)
    if job.cached + job.positions > graph.max_positions:
        found = f"{graph.name} has {graph.max_positions} positions, the job needs {job.cached + job.positions}"
        left = graph.max_positions - (job.cached + job.positions - seq)
        advice = f"Try --seq {left} or less." if left > 0 else "Try fewer --new-tokens."
        raise UsageError(f"{found}. {advice}")
    return job
