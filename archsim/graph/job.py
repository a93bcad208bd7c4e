"""Job: what is run of a model, and at which positions of a sequence each operator then works."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, UsageError, did_you_mean
from archsim.graph.graph import Graph
from archsim.graph.operators import Operator
from archsim.graph.streams import Positions, Route, Stream

PHASES = ("prefill", "decode", "generate")
GRAINS = ("projection", "core")
SEQUENCE = 1 << 32
"""A place is a sequence's number times this, plus a row: a position counted from the first that is worked on."""

Places = NDArray[np.int64]
"""Places in order, int64 (tasks,)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Of one sequence: `positions` that are worked on, which come after `cached` others.

    prompt: of those worked on, how many are known at the start; each later one waits for the token before it.
    arrival: ps before which nothing of the sequence is known.
    """

    cached: int
    positions: int
    prompt: int
    arrival: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """`batch` sequences of `seq` prompt positions, for each of which `new_tokens` tokens are made.

    prefill: the prompt alone. decode: the prompt's keys and values are there; every new token is one pass.
    generate: both; the prompt's last position gives the first new token, so one pass less.
    grain: a task for a projection at a position, or for each of its cores.
    mixed: sequences of different lengths, in place of equal ones.
    """

    phase: str = "prefill"
    seq: int = 128
    new_tokens: int = 0
    batch: int = 1
    grain: str = "projection"
    mixed: tuple[Span, ...] = ()

    def spans(self, stream: Stream) -> tuple[Span, ...]:
        """What is worked on in a stream, by sequence."""
        if self.mixed and stream.length is None:
            return tuple(_thinned(span, stream.every) for span in self.mixed)
        return (self._span(stream),) * self.batch

    def _span(self, stream: Stream) -> Span:
        if not stream.grows:
            length = -(-self.seq // stream.every) if stream.length is None else stream.length
            return Span(length, 0, length) if self.phase == "decode" else Span(0, length, length)
        if stream.prompt is not None:
            return Span(0, stream.prompt + max(0, self.new_tokens - 1), stream.prompt)
        if self.phase == "decode":
            return Span(self.seq, self.new_tokens, 1)
        return Span(0, self.seq + max(0, self.new_tokens - 1), self.seq)

    def length(self, stream: Stream) -> int:
        """Positions of the longest sequence at the end, those worked on before included."""
        return max(span.cached + span.positions for span in self.spans(stream))

    def most_keys(self, operator: Operator) -> int:
        """The most positions that any place of an operator sees."""
        return operator.within(self.length(operator.sees or operator.stream))

    def places(self, operator: Operator) -> Places:
        """Where an operator runs, sequence by sequence, position by position."""
        return _places(self, operator.stream, operator.positions, operator.route)

    def keys(self, operator: Operator) -> NDArray[np.int64]:
        """Positions that each place of an operator sees."""
        places = self.places(operator)
        sequence, row = np.divmod(places, SEQUENCE)
        if operator.seen is not None:
            return operator.seen.last(row) - operator.seen.first(row) + 1
        stream = operator.sees or operator.stream
        spans = self.spans(stream)
        before = np.array([span.cached for span in spans], np.int64)[sequence]
        if stream.causal and operator.sees is None:
            found = before + row + 1
        else:
            found = before + np.array([span.positions for span in spans], np.int64)[sequence]
        if operator.span is None:
            return found
        if operator.sight == "around":
            own, half = before + row, operator.span // 2
            found = np.minimum(own, half) + np.minimum(found - 1 - own, half) + 1
        elif operator.sight == "chunk":
            found = (found - 1) % operator.span + 1
        return np.minimum(found, operator.span)

    def macs(self, graph: Graph) -> int:
        """Multiply-accumulates of all sequences; of a causal model the causal part only."""
        return sum(self.macs_of(operator) for operator in graph.operators)

    def macs_of(self, operator: Operator) -> int:
        """Those of one operator."""
        places = len(self.places(operator))
        if operator.grows and places:
            return operator.macs(int(self.keys(operator).sum()))
        return operator.macs(1) * places


def _thinned(span: Span, every: int) -> Span:
    """One position for so many."""
    if every == 1:
        return span
    return replace(
        span, cached=span.cached // every, positions=-(-span.positions // every), prompt=-(-span.prompt // every)
    )


@lru_cache(maxsize=512)
def _places(job: Job, stream: Stream, positions: Positions, route: Route | None) -> Places:
    pieces = []
    for number, span in enumerate(job.spans(stream)):
        rows = np.arange(span.positions, dtype=np.int64)
        if positions == "first":
            rows = rows[:1]
        elif positions == "last":
            rows = rows[span.prompt - 1 :]
        if route is not None:
            rows = rows[(route.expert - (rows + number) * route.chosen) % route.experts < route.chosen]
        pieces.append(rows + number * SEQUENCE)
    found = np.concatenate([*pieces, np.empty(0, np.int64)])
    found.flags.writeable = False
    return found


def make_job(graph: Graph, phase: str, seq: int | None, new_tokens: int, batch: int, grain: str = "projection") -> Job:
    """A checked Job; raises UsageError. `seq` is None for a model's own length, else for 128 positions."""
    if phase not in PHASES:
        raise UsageError(f"found phase '{phase}'; expected one of them. {did_you_mean(phase, PHASES)}")
    if phase != "prefill" and graph.feedback is None:
        raise UsageError(f"{graph.name} generates nothing. Try --phase prefill.")
    if new_tokens and phase == "prefill":
        raise UsageError(f"found {new_tokens} new tokens in phase 'prefill'. Try --phase generate.")
    if grain not in GRAINS:
        raise UsageError(f"found grain '{grain}'; expected one of them. {did_you_mean(grain, GRAINS)}")
    length = _length(graph, seq)
    for name, value in (("seq", length), ("batch", batch)):
        if value < 1:
            raise UsageError(f"found --{name} {value}; expected at least 1.")
    if new_tokens < 1 and phase != "prefill":
        raise UsageError(f"found --new-tokens {new_tokens}; expected at least 1.")
    job = Job(phase, length, new_tokens, batch, grain)
    _require_positions(graph, job)
    _require_tasks(graph, job)
    return job


def require_operators(graph: Graph) -> None:
    """Raise ArchsimError for a Graph without any, which takes no time."""
    if not graph.operators:
        raise ArchsimError(f"{graph.name} has nothing to compute: its results are constants, or views of what comes in")


MOST_TASKS = 30_000_000
"""Of a job: more would take hours and all memory."""
MOST_MACS = 1 << 60
"""Of a job: counts fit 64 bits."""


def _require_tasks(graph: Graph, job: Job) -> None:
    """Estimated without making any: an operator at a position is one or a few."""
    by_stream = {stream: sum(span.positions for span in job.spans(stream)) for stream in graph.streams}
    tasks = sum(by_stream[each.stream] for each in graph.operators if each.positions == "each")
    macs = sum(by_stream[each.stream] * each.macs(job.most_keys(each)) for each in graph.operators)
    advice = "Try a shorter --seq, a smaller --batch, or fewer --new-tokens."
    if tasks > MOST_TASKS:
        found = f"{graph.name}: the job has {tasks:,} tasks or more; expected at most {MOST_TASKS:,}"
        raise UsageError(f"{found}. {advice}")
    if macs > MOST_MACS:
        found = f"{graph.name}: the job has {macs:,} multiply-accumulates or more; expected at most {MOST_MACS:,}"
        raise UsageError(f"{found}. {advice}")


USUAL_LENGTH = 128
"""Positions of a prompt where nobody says."""


def _length(graph: Graph, seq: int | None) -> int:
    """The job's `seq`: asked for, or what the model itself is fixed to."""
    if graph.length is None:
        return min(USUAL_LENGTH, graph.max_positions) if seq is None else seq
    if seq is not None and seq != graph.length:
        raise UsageError(f"found --seq {seq}, but {graph.name} always has {graph.length} positions. Leave --seq out.")
    return graph.length


def _require_positions(graph: Graph, job: Job) -> None:
    for stream in graph.streams:
        if stream.length is None and job.length(stream) > graph.max_positions:
            found = f"{graph.name} has {graph.max_positions} positions, the job needs {job.length(stream)}"
            left = graph.max_positions - (job.length(stream) - job.seq)
            advice = f"Try --seq {left} or less." if left > 0 else "Try fewer --new-tokens."
            raise UsageError(f"{found}. {advice}")
