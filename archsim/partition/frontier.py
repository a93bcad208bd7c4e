"""Accuracy against energy and latency: candidates of several strategies, measured, and those that none beats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from archsim.explore.pareto import frontier
from archsim.partition import strategies
from archsim.partition.known import require_profile, require_text
from archsim.partition.measure import Measure
from archsim.partition.placing import require_units
from archsim.partition.prices import prices
from archsim.partition.units import SHARES, units_of
from archsim.profile.change import perplexity
from archsim.profile.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archsim.graph.graph import Graph
    from archsim.graph.job import Job
    from archsim.machine.machine import Machine
    from archsim.partition.units import Candidate, Granularity, Unit
    from archsim.values.tasks import Task

SCHEMA = "archsim.partition/1"
Strategy = Literal["first-last", "sensitivity", "macs", "analytical"]
STRATEGIES: tuple[Strategy, ...] = ("first-last", "sensitivity", "macs", "analytical")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be tried. threshold: relative growth of the perplexity that `macs` allows."""

    tried: tuple[Strategy, ...] = ("first-last", "sensitivity", "analytical")
    granularity: Granularity = "projection"
    objective: strategies.Objective = "energy"
    threshold: float = 0.01
    seeds: int = 3


def partition(
    machine: Machine,
    graph: Graph,
    job: Job,
    task: Task,
    profile: Mapping[str, Any],
    wanted: Wanted,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Points as data of schema archsim.partition/1; raises ArchsimError.

    Choices are made by the sensitivities of `profile`, and by perplexities with its programming seeds, as many as are
    measured; they are measured with others.
    """
    require_units(machine)
    require_profile(profile, machine, graph)
    replay = Replay(task)
    require_text(profile, replay.losses)
    first = profile["seeds"]
    measure = Measure(machine, graph, job, replay, range(first, first + wanted.seeds))
    chooser = Measure(machine, graph, job, replay, range(min(first, wanted.seeds)))
    every, without = _candidates(units_of(graph, job, profile, wanted.granularity), measure, chooser, wanted, progress)
    candidates = [each for each in every if measure.fits(each.digital)]
    points = []
    for number, candidate in enumerate(candidates):
        if progress is not None:
            progress("measuring, choice", number, len(candidates))
        points.append(_point(measure, candidate))
    _judge(points)
    return {
        "schema": SCHEMA,
        "machine": machine.name,
        "model": graph.name,
        "tokens": len(replay.losses),
        "machine_digest": machine.digest,
        "seq": job.seq,
        "seeds": wanted.seeds,
        "first_seed": first,
        "granularity": wanted.granularity,
        "ppl_float": perplexity(replay.losses),
        "sides": measure.sides,
        "without_room": [*(each.name for each in every if each not in candidates), *without],
        "points": points,
    }


def _candidates(
    units: Sequence[Unit],
    measure: Measure,
    chooser: Measure,
    wanted: Wanted,
    progress: Callable[[str, int, int], None] | None,
) -> tuple[list[Candidate], list[str]]:
    """Of all strategies that are wanted, of equal ones the first; and names of those that would have no room.

    chooser: measures with the seeds by which choices are made.
    """
    without: list[str] = []
    found = strategies.bounds(units)
    if "first-last" in wanted.tried:
        found += strategies.first_last(units)
    if "sensitivity" in wanted.tried:
        found += strategies.by_sensitivity(units)
    if "macs" in wanted.tried:
        limit = perplexity(chooser.replay.losses) * (1 + wanted.threshold)
        found += strategies.by_macs(units, chooser.perplexity, limit)
    if "analytical" in wanted.tried:
        offers = prices(units, SHARES[wanted.granularity], measure, progress)
        latency = measure.figures({}).latency_s
        offered = strategies.analytical(units, offers, wanted.objective, measure.room, latency)
        found += offered
        there = [each.name for each in offered]
        without = [name for name in strategies.names(wanted.objective) if name not in there]
    distinct = {tuple(sorted(each.digital.items())): each for each in reversed(found)}
    return [each for each in found if distinct[tuple(sorted(each.digital.items()))] is each], without


def _point(measure: Measure, candidate: Candidate) -> dict[str, Any]:
    result = measure.figures(candidate.digital)
    return {
        "name": candidate.name,
        "strategy": candidate.strategy,
        "digital": dict(candidate.digital),
        **measure.change(candidate.digital),
        "analog_mac_share": result.analog_mac_share,
        "digital_weight_bits": result.digital_weight_bits,
        "latency_s": result.latency_s,
        "energy_j": result.energy_j,
        "area_m2": result.area_m2,
    }


def _judge(points: list[dict[str, Any]]) -> None:
    """Of the perplexity that all in arrays loses, what each wins back; and whether no other beats it.

    Less is better of the change of perplexity, energy and latency.
    """
    lost = next(point for point in points if not point["digital"])["delta_ppl"]["mean"]
    values = np.array([[p["delta_ppl"]["mean"], p["energy_j"], p["latency_s"]] for p in points])
    best = set(frontier(values).tolist())
    for number, point in enumerate(points):
        point["recovered"] = 1 - point["delta_ppl"]["mean"] / lost if lost > 0 else None
        point["frontier"] = number in best
