"""Finding how many copies of its weights each projection of a model should have on a machine, and playing it."""

import json
from dataclasses import dataclass

from archsim.core.timing import Timer
from archsim.graph.graph import Graph
from archsim.graph.job import Job
from archsim.machine.load import change
from archsim.machine.machine import Machine
from archsim.mapping.placement import place
from archsim.mapping.replication import Allotment, Goal, Work, allot
from archsim.result.result import Result
from archsim.simulation import simulate


@dataclass(frozen=True)
class Optimized:
    """An allotment, what it was found for, and what the simulator says before and after."""

    allotment: Allotment
    works: tuple[Work, ...]
    tiles: int
    setting: str
    before: Result
    after: Result


def optimize(machine: Machine, graph: Graph, job: Job, goal: Goal, *, tiles: int | None = None) -> Optimized:
    """Copies for a goal on `tiles` tiles (default: all of the chips that the model takes with one copy each).

    Raises ArchsimError where they are too few. Throughput is that of a batch as large as the job's.
    """
    bare = change(machine, ("mapping.copies={}", "mapping.replicate=none"))
    mapping = place(bare, graph, job)
    room = tiles or mapping.chips * mapping.tiles_per_chip
    timer = Timer(bare)
    works = tuple(
        Work(
            name=key,
            vectors=max(1, len(job.places(placed.linear))),
            time=max(timer.time(load).interval for load, _ in placed.tiling.loads),
            tiles=placed.tiling.tiles,
        )
        for key, placed in mapping.placed.items()
    )
    found = allot(works, room, goal)
    setting = f"mapping.copies={json.dumps({key: n for key, n in found.copies.items() if n > 1})}"
    seq = None if graph.length is not None else job.seq
    before, after = (
        simulate(each, graph, phase=job.phase, seq=seq, new_tokens=job.new_tokens, batch=job.batch)
        for each in (bare, change(bare, (setting,)))
    )
    return Optimized(found, works, room, setting, before, after)
