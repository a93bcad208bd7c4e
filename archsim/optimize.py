"""Finding how many copies of its weights each projection of a model should have on a machine, and playing it."""

import json
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from typing import Literal

from archsim.graph.graph import Graph
from archsim.graph.job import Job
from archsim.machine.load import change
from archsim.machine.machine import Machine
from archsim.mapping.bits import Bits, as_setting
from archsim.mapping.replication import Allotment, Work, allot, single
from archsim.result.result import Result
from archsim.simulation import simulate
from archsim.works import tiles_of_chips, works

Goal = Literal["latency", "throughput", "energy"]
_FILLED = 2
"""Times the batch: so many inputs fill the pipeline, and as many more each take its interval."""


@dataclass(frozen=True)
class Optimized:
    """An allotment, what it was found for, and what is predicted and simulated before and after.

    bits: by projection, those that were asked for; settings: that make the machine of it; before: with one copy of each
    projection and the same bits, or, as a baseline, the machine's own. interval_s: of an input in the long run, before
    and after, where throughput was asked for.
    """

    allotment: Allotment
    works: tuple[Work, ...]
    tiles: int
    bits: Dict[str, Bits]
    settings: tuple[str, ...]
    single: Allotment
    before: Result
    after: Result
    interval_s: tuple[float, float] | None = None


def optimize(
    machine: Machine,
    graph: Graph,
    job: Job,
    goal: Goal,
    *,
    tiles: int | None = None,
    bits: Dict[str, Bits] | None = None,
    baseline: bool = False,
) -> Optimized:
    """Copies for a goal on `tiles` tiles (default: all of the chips that the model takes with one copy each).

    bits: by projection, where they are not the machine file's. baseline: compare with the machine's own bits. For the
    least energy there is one copy of each projection: products spend the same on any, and ways are shortest. Raises
    ArchsimError where the tiles are too few. Throughput is that of a batch as large as the job's.
    """
    bare = change(machine, ("mapping.copies={}", "mapping.replicate=none"))
    room = tiles or tiles_of_chips(bare, graph, job)
    given = works(bare, graph, job, bits)
    found = single(given, room) if goal == "energy" else allot(given, room, goal)
    copies = f"mapping.copies={json.dumps({key: n for key, n in found.copies.items() if n > 1})}"
    narrower = (as_setting(bits),) if bits else ()
    plain = change(bare, ("mapping.bits={}",)) if baseline else change(bare, narrower)
    first = works(plain, graph, job)
    seq = None if graph.length is not None else job.seq
    pair = plain, change(bare, (*narrower, copies))

    def run(each: Machine, batch: int) -> Result:
        return simulate(each, graph, phase=job.phase, seq=seq, new_tokens=job.new_tokens, batch=batch)

    before, after = (run(each, job.batch) for each in pair)
    many = _FILLED * job.batch
    steady = [
        (run(each, 2 * many).latency_s - run(each, many).latency_s) / many for each in pair if goal == "throughput"
    ]
    return Optimized(
        allotment=found,
        works=given,
        tiles=room,
        bits=bits or {},
        settings=(*narrower, copies),
        single=single(first, sum(work.tiles for work in first)),
        interval_s=(steady[0], steady[1]) if steady else None,
        before=before,
        after=after,
    )
