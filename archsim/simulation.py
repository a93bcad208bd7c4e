"""The line from Machine and Graph to Result."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from time import perf_counter

from archsim.core.timing import Timer
from archsim.graph.graph import Graph
from archsim.graph.job import Job, make_job
from archsim.lowering.lower import lower
from archsim.machine.machine import Machine
from archsim.mapping.mapping import Mapping
from archsim.mapping.placement import place
from archsim.program import Run
from archsim.program.engines import play, quickest
from archsim.result.make import make
from archsim.result.result import Result

Progress = Callable[[str, int, int], None]
"""Told from time to time a stage, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Played:
    """A job on a machine, with the times of all its tasks."""

    mapping: Mapping
    job: Job
    run: Run
    engine: str


def simulate(
    machine: Machine,
    model: Graph,
    *,
    phase: str = "prefill",
    seq: int | None = None,
    new_tokens: int = 0,
    batch: int = 1,
    grain: str = "projection",
    engine: str | None = "compiled",
    times: MutableMapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run `model` on `machine`; raises ArchsimError where it does not fit or cannot be done.

    seq: prompt positions, 128 unless the model fixes them; new_tokens: generated after them.
    batch: sequences run together.
    grain: `projection`, or `core` for a task per core: slower, to check the usual grain.
    engine: `compiled`, or `simpy`, the reference, which finds the same times; None: by the number of tasks the one that
    is through first in a process of its own.
    times: filled with the host's seconds by stage.
    """
    watch = _Watch({} if times is None else times)
    job = make_job(model, phase, seq, new_tokens, batch, grain)
    played = _play(machine, model, job, engine, watch, progress)
    result = make(played.mapping, job, played.run, played.engine)
    watch.stop("count")
    return result


def play_job(
    machine: Machine,
    model: Graph,
    job: Job,
    *,
    engine: str | None = "compiled",
    progress: Progress | None = None,
) -> Played:
    """Map, lower and play a job (`archsim.graph.job.make_job`); raises ArchsimError where it does not fit.

    engine: as in `simulate`.
    """
    return _play(machine, model, job, engine, _Watch({}), progress)


def _play(
    machine: Machine, model: Graph, job: Job, engine: str | None, watch: "_Watch", progress: Progress | None
) -> Played:
    mapping = place(machine, model, job)
    watch.stop("map")
    program = lower(mapping, job, Timer(machine))
    watch.stop("lower")
    engine = quickest(program) if engine is None else engine
    report = None if progress is None else lambda done, total: progress("playing tasks", done, total)
    run = play(program, engine, report)
    watch.stop("play")
    return Played(mapping, job, run, engine)


class _Watch:
    def __init__(self, times: MutableMapping[str, float]) -> None:
        self.times, self.last = times, perf_counter()

    def stop(self, stage: str) -> None:
        now = perf_counter()
        self.times[stage], self.last = now - self.last, now
