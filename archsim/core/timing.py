"""Latency, interval and counts of an MVM, found by playing its Program; remembered per distinct case."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import ceil

from archsim.core.compose import compose
from archsim.core.load import Load
from archsim.core.lower import lower_passes
from archsim.core.passes import Passes, passes_of
from archsim.core.path import Path
from archsim.core.steady import steady
from archsim.machine.machine import Machine
from archsim.program import critical_path
from archsim.program.engines import at_hand, play

PLAYED = 3
"""Products played back to back, for the timeline to show how they overlap."""


@dataclass(frozen=True)
class Timing:
    """Of one MVM: ps from start to end, ps between two in the long run (the mean, rounded up), actions counted.

    latency_by, interval_by: ps by part, of the latency and of the circle of waits that sets the interval;
    timeline: (MVM, stage, read, start, finish) of every pass of the products played, times in ps.
    """

    latency: int
    interval: int
    counts: Mapping[str, int]
    latency_by: Mapping[str, int]
    interval_by: Mapping[str, int]
    timeline: tuple[tuple[int, str, int, int, int], ...]


class Timer:
    """Timings of a machine's paths; each distinct load is played once. `inputs`: their bits, if not the machine's."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._paths: dict[tuple[bool, int | None], Path] = {
            (with_tile, None): compose(machine, with_tile=with_tile) for with_tile in (True, False)
        }
        self._played = lru_cache(maxsize=None)(self._play)

    def time(self, load: Load, *, with_tile: bool = True, inputs: int | None = None) -> Timing:
        """Timing of one load, from tile memory back to tile memory, or through the core alone."""
        return self._played(load, with_tile, inputs)

    def path(self, *, with_tile: bool = True, inputs: int | None = None) -> Path:
        """The stages."""
        if (with_tile, inputs) not in self._paths:
            precision = self._machine.precision.model_copy(update={"inputs": Fraction(inputs or 0)})
            narrower = replace(self._machine, precision=precision)
            self._paths[with_tile, inputs] = compose(narrower, with_tile=with_tile)
        return self._paths[with_tile, inputs]

    def _play(self, load: Load, with_tile: bool, inputs: int | None) -> Timing:  # noqa: FBT001 - the cache's key is positional
        return measure(self.path(with_tile=with_tile, inputs=inputs), load)


def measure(path: Path, load: Load, *, each_action: bool = False) -> Timing:
    """Play some products back to back and read the timing off the Run; the interval is that of the long run."""
    return _measured(passes_of(path, load, each_action=each_action))


@lru_cache(maxsize=256)
def _measured(passes: Passes) -> Timing:
    """Remembered for machines too whose passes are the same."""
    lowered = lower_passes(passes, PLAYED)
    run = play(lowered.program, at_hand())
    times = zip(lowered.labels, run.start.tolist(), run.finish.tolist(), strict=True)
    totals = zip(lowered.program.actions, run.counts().sum(axis=0).tolist(), strict=True)
    pace = steady(passes)
    return Timing(
        latency=int(run.finish[lowered.closing[0]]),
        interval=ceil(pace.interval),
        counts={action: number // PLAYED for action, number in totals},
        latency_by=critical_path(run, lowered.closing[0]).by_part(run),
        interval_by={part: round(time) for part, time in pace.by_part.items()},
        timeline=tuple((*label, start, finish) for label, start, finish in times),
    )
