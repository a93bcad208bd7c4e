"""Bits and copies for a machine: searched on half of the pictures, judged on the other, and played by the simulator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archsim.bits.judge import Halves, Judged
from archsim.bits.search import Found, search
from archsim.bits.task import CHOICES, make_problem, named, tiles_of_eight, works_on
from archsim.errors import ArchsimError
from archsim.machine.load import change
from archsim.mapping.named import require_none
from archsim.optimize import Goal, Optimized, optimize

if TYPE_CHECKING:
    from archsim.graph.graph import Graph
    from archsim.graph.job import Job
    from archsim.machine import Machine
    from archsim.values.pictures import Pictures


@dataclass(frozen=True)
class FoundBits:
    """What a search found; with which copies, and what the simulator says; what it loses; how it was found."""

    optimized: Optimized
    judged: Judged
    found: Found
    gain: float
    allowed: float


def find_bits(
    machine: Machine,
    graph: Graph,
    job: Job,
    pictures: Pictures,
    goal: Goal,
    *,
    allowed: float,
    searcher: str,
    evaluations: int,
    seed: int,
    tiles: int | None = None,
) -> FoundBits:
    """The best bits for a goal on `tiles` tiles (default: as many as 8 bits take) that lose no more than allowed.

    Gains are over 8 bits with one copy of each projection. Raises ArchsimError where the machine has fewer bits or
    gives projections to digital units, where the tiles are too few, or where a library is missing.
    """
    require_none(machine, "digital", "but bits are searched for projections in arrays")
    most = CHOICES[-1]
    if min(int(machine.precision.weights), int(machine.precision.inputs)) < most:
        raise ArchsimError(
            f"{machine.file}: has fewer than {most} bits of weights or inputs; bits are searched below {most}"
        )
    graph = replace(graph, stored={})  # all bits are searched, whatever the model's file has
    eight = change(machine, ("mapping.bits={}", f"precision.weights={most} b", f"precision.inputs={most} b"))
    halves = Halves(pictures, CHOICES)
    works = works_on(eight, graph, job)
    room = tiles or tiles_of_eight(graph, works)
    problem = make_problem(graph, job, halves, works, goal, allowed, room)
    found = search(problem, searcher, evaluations, seed)
    best = found.best.choice
    return FoundBits(
        optimized=optimize(eight, graph, job, goal, tiles=room, bits=named(graph, best), baseline=True),
        judged=halves.judge(problem.uniform(most), best),
        found=found,
        gain=problem.gain(found.best.cost),
        allowed=allowed,
    )
