"""What a step costs: latency and interval of a token by the positions that it sees, from Programs played at some.

Tokens follow each other through the machine as through a pipeline: the next one may enter an interval after the one
before, and each leaves a latency after it entered. Both are measured at grid points and interpolated between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from archsim.core.timing import Timer
from archsim.errors import UsageError
from archsim.graph.graph import Graph
from archsim.graph.job import Job, Span
from archsim.graph.operators import Matmul
from archsim.lowering.lower import lower
from archsim.machine.machine import Machine
from archsim.mapping.cache import attentions
from archsim.mapping.dynamic import is_written
from archsim.mapping.mapping import Mapping
from archsim.mapping.placement import place
from archsim.program import Run
from archsim.program.engines import play

_TOKENS = 16
"""Tokens that are played one after the other to see which station works most."""
_ALL_UP_TO = 4
"""So many positions are all grid points; then each is so many times the one before:"""
_STEP = 2.0
_LONGEST_PROMPT = 128
"""Prompts up to here are played whole, for what a pipeline that fills and drains takes besides."""
_CROWD = 64
"""Tokens of each prompt of a crowd."""
_CHECKED = 3
"""Points between grid points that are played too, to state the error."""


@dataclass(frozen=True, eq=False)
class StepCosts:
    """Of a machine and a decoder, ps, float64 by positions seen (longest + 1; entry 0 is that of 1).

    latency: from a token's start to the token after it; interval: until the next may start; prompt_interval: the same
    without the head, which a prompt passes once. filling: (longest + 1,), by tokens of a prompt, what its last one
    takes beyond that. error: the largest relative error seen between grid points.
    """

    mapping: Mapping
    latency: NDArray[np.float64]
    interval: NDArray[np.float64]
    prompt_interval: NDArray[np.float64]
    filling: NDArray[np.float64]
    points: tuple[int, ...]
    error: float

    def kept_tokens(self) -> tuple[int | None, int | None, dict[str, int]]:
        """Tokens that the memories hold of all sequences; bits of one; by memory, how many attentions live there.

        None where no memory holds any: they are written into arrays, or the machine names no memory for them.
        """
        homes = self.mapping.homes.values()
        where: dict[str, int] = {}
        for home in homes:
            name = f"{home.module}.{home.part}"
            where[name] = where.get(name, 0) + 1
        written = sum(self._written(readers) for _, readers in attentions(self.mapping.graph))
        if written:
            where[f"arrays of {self.mapping.machine.core}"] = written
        if not homes:
            return None, None, where
        room = min(home.capacity // home.per_position for home in homes)
        return int(room), sum(home.per_position for home in homes), where

    def _written(self, readers: Sequence[Matmul]) -> bool:
        return all(is_written(self.mapping.machine, reader) for reader in readers)


def step_costs(machine: Machine, model: Graph, longest: int) -> StepCosts:
    """Measure for sequences of up to `longest` positions; raises ArchsimError where they do not fit."""
    if model.feedback is None or len(model.streams) != 1:
        raise UsageError(f"{model.name} is no decoder: it serves no requests for tokens.")
    if longest > model.max_positions:
        raise UsageError(f"{model.name} has {model.max_positions:,} positions, a request needs {longest:,}.")
    probe = _Probe(place(machine, model, Job(seq=longest)), Timer(machine))
    points = tuple(_grid(longest))
    measured = np.array([probe.token(seen) for seen in points])
    seen = np.arange(longest + 1, dtype=np.float64)
    latency, interval = (np.interp(seen, points, column) for column in measured.T)
    error = max((_error(probe, seen, latency, interval) for seen in _between(points)), default=0.0)
    prompts = tuple(_grid(min(longest, _LONGEST_PROMPT)))
    played = [probe.prompt(number) for number in prompts]
    interval = interval * _slower(probe, interval, min(longest, _CROWD))
    whole = np.concatenate([[0.0], np.cumsum(interval[1:])])
    more = [time - (whole[n] - interval[1] + latency[n]) for n, time in zip(prompts, played, strict=True)]
    filling = np.interp(seen, prompts, more)
    with_head = np.maximum(interval, probe.head_interval())
    return StepCosts(probe.mapping, latency, with_head, interval, filling, points, error)


def _slower(probe: "_Probe", interval: NDArray[np.float64], length: int) -> float:
    """By how much tokens of a crowd follow each other more slowly than the busiest station allows.

    Buffers are finite, and tokens that come by a unit many times wait for each other: seen between crowds of prompts.
    """
    few, many = (probe.crowd(number, length) for number in (4, 8))
    return max(1.0, (many - few) / (4 * float(interval[1 : length + 1].sum())))


def _grid(longest: int) -> Iterator[int]:
    at = 1
    while at < longest:
        yield at
        at = at + 1 if at < _ALL_UP_TO else round(at * _STEP)
    yield longest


def _between(points: tuple[int, ...]) -> list[int]:
    """Middles of the widest gaps."""
    gaps = sorted(pairwise(points), key=lambda gap: gap[1] - gap[0])[-_CHECKED:]
    return [(low + high) // 2 for low, high in gaps if high - low > 1]


def _error(probe: "_Probe", seen: int, latency: NDArray[np.float64], interval: NDArray[np.float64]) -> float:
    true = probe.token(seen)
    return max(abs(float(latency[seen]) / true[0] - 1), abs(float(interval[seen]) / true[1] - 1))


@dataclass(frozen=True)
class _Probe:
    mapping: Mapping
    timer: Timer

    def token(self, seen: int) -> tuple[float, float]:
        """Latency of a token alone that sees so many positions; the time that the busiest station works for one."""
        alone = float(self._play([Span(seen - 1, 1, 1)]).makespan)
        number = min(_TOKENS, max(2, self.mapping.graph.max_positions - seen))
        first = max(0, min(seen - 1, self.mapping.graph.max_positions - number))
        return alone, _busiest(self._play([Span(first, number, number)]), number)

    def prompt(self, number: int) -> float:
        """From the start of a prompt to its first new token."""
        return float(self._play([Span(0, number, number)]).makespan)

    def crowd(self, number: int, length: int) -> float:
        """Until so many prompts that come at once are through."""
        return float(self._play([Span(0, length, length)] * number).makespan)

    def head_interval(self) -> float:
        """The same of tokens of different sequences, each of which goes through the head, at short lengths."""
        return _busiest(self._play([Span(0, 1, 1)] * _TOKENS), _TOKENS)

    def _play(self, spans: list[Span]) -> Run:
        longest = max(span.cached + span.positions for span in spans)
        job = Job("prefill", seq=longest, batch=len(spans), mixed=tuple(spans))
        return play(lower(self.mapping, job, self.timer))


def _busiest(run: Run, tokens: int) -> float:
    """Time a token at the station that works most."""
    work, servers = run.work()
    return float((work / servers).max() / tokens)
