"""Job: what is run of a model."""

from dataclasses import dataclass

from archsim.errors import UsageError, did_you_mean
from archsim.graph.graph import Graph

PHASES = ("prefill", "decode", "generate")


@dataclass(frozen=True, slots=True)
class Job:
    """`batch` sequences of `seq` prompt positions; `new_tokens` generated for each."""

    phase: str = "prefill"
    seq: int = 128
    new_tokens: int = 0
    batch: int = 1


def make_job(graph: Graph, phase: str, seq: int, new_tokens: int, batch: int) -> Job:
    """A checked Job; raises UsageError."""
    if phase not in PHASES:
        raise UsageError(f"found phase '{phase}'; expected one of them. {did_you_mean(phase, PHASES)}")
    if phase != "prefill" and not graph.decodes:
        raise UsageError(f"{graph.name} is an encoder: it generates nothing. Try --phase prefill.")
    if new_tokens and phase == "prefill":
        raise UsageError(f"found {new_tokens} new tokens in phase 'prefill'. Try --phase generate.")
    for name, value in (("seq", seq), ("batch", batch)):
        if value < 1:
            raise UsageError(f"found --{name} {value}; expected at least 1.")
    if seq + new_tokens > graph.max_positions:
        found = f"{graph.name} has {graph.max_positions} positions, the job needs {seq + new_tokens}"
        raise UsageError(f"{found}. Try --seq {graph.max_positions - new_tokens} or less.")
    return Job(phase, seq, new_tokens, batch)
