"""Finding how many copies of its weights each projection of a model should have on a machine, and playing it."""

import json
from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.job import Job
from archsim.machine.load import change
from archsim.machine.machine import Machine
from archsim.mapping.bits import Bits, as_setting
from archsim.mapping.milp import allot_by_program
from archsim.mapping.replication import Allotment, Work, allot, single
from archsim.result.result import Result
from archsim.simulation import simulate
from archsim.works import tiles_of_chips, works

Goal = Literal["latency", "throughput", "energy"]
_FILLED = 2
"""Times the batch: inputs that fill the pipeline, before as many more are timed.

Exact where one projection is always the slowest; where many inputs are under way at once it is too few.
"""


@dataclass(frozen=True)
class Optimized:
    """An allotment, what it was found for, and what is predicted and simulated before and after.

    status, gap: how a program that was solved beside differs from it, as a share of the time (None: there was none).
    bits: by projection, those that were asked for; settings: that make the machine of it; single, before: with one copy
    of each projection and the same bits, or, as a baseline, the machine's own. in_turn_s: latency with operators one
    after another, before and after; interval_s: likewise, where throughput was asked for, of an
    input: what four batches take longer than two, over their inputs.
    """

    goal: Goal
    batch: int
    allotment: Allotment
    status: str
    gap: float | None
    works: tuple[Work, ...]
    tiles: int
    bits: Dict[str, Bits]
    settings: tuple[str, ...]
    single: Allotment
    before: Result
    after: Result
    in_turn_s: tuple[float, float]
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
    least energy there is one copy of each projection. Raises ArchsimError where the tiles are too few, or more than can
    be simulated. Throughput is that of a batch as large as the job's.
    """
    bare = change(machine, ("mapping.copies={}", "mapping.replicate=none"))
    chips = tiles_of_chips(bare, graph, job)
    room = tiles or chips
    given = works(bare, graph, job, bits)
    first = works(bare, graph, job) if baseline else given
    found = allot(given, room, goal)
    status, gap = _checked(given, room, goal, found)
    narrower = (as_setting(bits),) if bits else ()
    settings = *narrower, _copies(machine, found), "mapping.replicate=none"
    pair = change(bare, () if baseline else narrower), change(bare, settings)
    turns = tuple(change(each, ("mapping.order=sequential",)) for each in pair)
    seq = None if graph.length is not None else job.seq

    def run(each: Machine, batch: int) -> Result:
        return simulate(each, graph, phase=job.phase, seq=seq, new_tokens=job.new_tokens, batch=batch)

    try:
        before, after, *in_turn = (run(each, job.batch) for each in (*pair, *turns))
    except ArchsimError as fault:
        if found.tiles <= chips:
            raise
        has = f"The chips that hold one copy each have {chips:,} tiles. Try --tiles {chips}."
        raise ArchsimError(f"{fault} {has}") from None
    many = _FILLED * job.batch
    steady = [
        (run(each, 2 * many).latency_s - run(each, many).latency_s) / many for each in pair if goal == "throughput"
    ]
    return Optimized(
        goal=goal,
        batch=job.batch,
        allotment=found,
        status=status,
        gap=gap,
        works=given,
        tiles=room,
        bits=bits or {},
        settings=settings,
        single=single(first, sum(work.tiles for work in first)),
        in_turn_s=(in_turn[0].latency_s, in_turn[1].latency_s),
        interval_s=(steady[0], steady[1]) if steady else None,
        before=before,
        after=after,
    )


def _checked(given: Sequence[Work], tiles: int, goal: Goal, found: Allotment) -> tuple[str, float | None]:
    """How a program differs that is solved beside: in words, and as a share of the time."""
    if goal == "energy":
        return "one copy each", None
    try:
        other = allot_by_program(given, tiles, goal)
    except ImportError:
        return "exact; not checked by a program, which needs SciPy: pip install 'archsim[scipy]'", None
    if other is None:
        return "exact; a program found nothing", None
    gap = other.amount(goal) / found.amount(goal) - 1
    return ("exact; a program's copies differ in time" if gap else "exact; a program's copies are as fast"), gap


def _copies(machine: Machine, found: Allotment) -> str:
    """As a setting. Over a machine whose file names copies single ones have to be named too."""
    named = {key: number for key, number in found.copies.items() if number > 1 or machine.choices.copies}
    return f"mapping.copies={json.dumps(named)}"
