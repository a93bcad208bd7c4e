"""The line from Machine and Graph to Result."""

from collections.abc import Callable, MutableMapping
from time import perf_counter

from archsim.core.timing import Timer
from archsim.graph.graph import Graph
from archsim.lowering.job import make_job
from archsim.lowering.lower import lower
from archsim.machine.machine import Machine
from archsim.mapping.placement import place
from archsim.program.simpy import play
from archsim.result.make import make
from archsim.result.result import Result


def simulate(
    machine: Machine,
    model: Graph,
    *,
    phase: str = "prefill",
    seq: int = 128,
    new_tokens: int = 0,
    batch: int = 1,
    grain: str = "projection",
    times: MutableMapping[str, float] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Result:
    """Run `model` on `machine`; raises ArchsimError where it does not fit or cannot be done.

    seq: prompt positions; new_tokens: generated after them; batch: sequences run together.
    grain: `projection`, or `core` for a task per core: slower, to check the usual grain.
    times: filled with the host's seconds by stage.
    progress: told from time to time the stage, how much of it is done, and of how much.
    """
    watch = _Watch({} if times is None else times)
    job = make_job(model, phase, seq, new_tokens, batch, grain)
    keys, together = job.cached + job.positions, 1 if phase == "prefill" else batch
    mapping = place(machine, model, keys=keys, sequences=together)
    watch.stop("map")
    program = lower(mapping, job, Timer(machine))
    watch.stop("lower")
    run = play(program, None if progress is None else lambda done, total: progress("playing tasks", done, total))
    watch.stop("play")
    result = make(mapping, job, run)
    watch.stop("count")
    return result


class _Watch:
    def __init__(self, times: MutableMapping[str, float]) -> None:
        self.times, self.last = times, perf_counter()

    def stop(self, stage: str) -> None:
        now = perf_counter()
        self.times[stage], self.last = now - self.last, now
