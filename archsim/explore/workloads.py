"""What was found for one workload: only points that do the same work are held against each other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from archsim.explore.axes import WORKLOAD
from archsim.explore.pareto import frontier, hypervolume, knee
from archsim.explore.running import batches
from archsim.explore.sensitivity import first_order, one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archsim.explore.pareto import Values
    from archsim.explore.points import Point
    from archsim.explore.sampling import Choice
    from archsim.explore.store import Store
    from archsim.explore.study import Study

_BATCH: Final = 500
_HYPERVOLUME: Final = (2, 3)
"""Numbers of objectives that have one: of one it says nothing, of more it is slow."""

Workload = tuple[Any, ...]
"""The value of each of WORKLOAD."""


@dataclass(frozen=True, slots=True)
class Done:
    """A point that was run: its levels, its objectives' values, the figures that constraints are of (SI units)."""

    choice: Choice
    key: str
    values: tuple[float, ...]
    held: tuple[float, ...]


def workload(point: Point) -> Workload:
    """Which work a point does."""
    job = dict(point.job) | {"model": point.model}
    return tuple(job[key] for key in WORKLOAD)


def of_workload(study: Study, work: Workload, done: Sequence[Done], store: Store, *, grid: bool) -> dict[str, Any]:
    """The frontier of a workload's points, its hypervolume, which axis matters; JSON-ready.

    grid: all combinations were asked for, so that variances have shares.
    """
    able = [each for each in done if feasible(study, each)]
    front = [able[number] for number in frontier(_turned(study, able)).tolist()] if able else []
    middle = front[knee(_turned(study, front))] if front else None
    figures: dict[str, str | None] = {}
    for batch in batches([each.key for each in front], _BATCH):
        figures |= {key: found[2] for key, found in store.found(batch).items()}
    return {
        "workload": dict(zip(WORKLOAD, work, strict=True)),
        "done": len(done),
        "within_constraints": len(able),
        "excluded": _excluded(study, done),
        "frontier": [_row(study, each, figures[each.key], is_knee=each is middle) for each in front],
        "hypervolume": _hypervolume(study, able, front),
        "sensitivity": _sensitivity(study, done, middle, grid=grid),
    }


def feasible(study: Study, each: Done) -> bool:
    """Whether a point keeps all constraints."""
    return all(limit.holds(value) for limit, value in zip(study.constraints, each.held, strict=True))


def _turned(study: Study, done: Sequence[Done]) -> Values:
    """Objectives of points, float64 (points, objectives), less is better."""
    signs = np.array([objective.sign for objective in study.objectives], np.float64)
    return np.array([each.values for each in done], np.float64).reshape(len(done), len(signs)) * signs


def _excluded(study: Study, done: Iterable[Done]) -> list[dict[str, Any]]:
    """Of each constraint that excludes points: how many, and the value among them that comes nearest to it."""
    found = []
    for number, limit in enumerate(study.constraints):
        beyond = [each.held[number] for each in done if not limit.holds(each.held[number])]
        if beyond:
            nearest = min(beyond, key=limit.excess)
            found.append(
                {"constraint": limit.text, "figure": limit.name, "points": len(beyond), "nearest": float(nearest)}
            )
    return found


def _row(study: Study, each: Done, figures: str | None, *, is_knee: bool) -> dict[str, Any]:
    """A point of the frontier: what it is, and all that is known of it."""
    return {
        "values": study.values(each.choice),
        "levels": study.labels(each.choice),
        "objectives": list(each.values),
        "knee": is_knee,
        "figures": json.loads(figures or "{}"),
        "key": each.key,
    }


def _hypervolume(study: Study, able: Sequence[Done], front: Sequence[Done]) -> dict[str, Any] | None:
    """The share of the box between best and worst values (SI units) that the frontier dominates.

    The box is of the objectives that have more than one value; None unless these are two or three.
    """
    if not front:
        return None
    values = _turned(study, able)
    low, high = values.min(axis=0), values.max(axis=0)
    of = np.flatnonzero(high > low)
    if len(of) not in _HYPERVOLUME:
        return None
    scaled = (_turned(study, front) - low)[:, of] / (high - low)[of]
    wanted = [study.objectives[number] for number in of.tolist()]
    return {
        "share": hypervolume(scaled, np.ones(len(of))),
        "objectives": [objective.name for objective in wanted],
        "best": [float(value) * objective.sign for value, objective in zip(low[of], wanted, strict=True)],
        "worst": [float(value) * objective.sign for value, objective in zip(high[of], wanted, strict=True)],
    }


def _sensitivity(study: Study, done: Sequence[Done], base: Done | None, *, grid: bool) -> list[dict[str, Any]]:
    """Of each axis of the design: effects alone around the knee, and first-order shares of the variance over a grid."""
    columns = _turned(study, done)
    names = [objective.name for objective in study.objectives]
    near = [each for each in done if base is not None and _differences(each.choice, base.choice) <= 1]
    by_choice = [{each.choice: each.values[number] for each in near} for number in range(len(names))]
    found = []
    for at, axis in enumerate(study.axes):
        if axis not in study.design:
            continue
        levels = [each.choice[at] for each in done]
        effects = {
            name: None if base is None else one_at_a_time(by_choice[number], base.choice, at, len(axis.levels))
            for number, name in enumerate(names)
        }
        shares = {
            name: first_order(levels, columns[:, number]) if grid and done else None
            for number, name in enumerate(names)
        }
        found.append({"axis": axis.name, "effect": effects, "share": shares})
    return found


def _differences(one: Choice, other: Choice) -> int:
    """Axes on which two points differ."""
    return sum(a != b for a, b in zip(one, other, strict=True))
