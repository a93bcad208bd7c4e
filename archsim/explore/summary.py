"""What a sweep found: the frontier, its knee, what bounds each point, which axis matters. JSON-ready."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from archsim.explore.pareto import frontier, hypervolume, knee
from archsim.explore.points import points
from archsim.explore.running import batches
from archsim.explore.sensitivity import first_order, one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archsim.explore.load import Bases
    from archsim.explore.pareto import Values
    from archsim.explore.points import Point
    from archsim.explore.sampling import Choice
    from archsim.explore.store import Store
    from archsim.explore.study import Study

SCHEMA: Final = "archsim.sweep/1"
_BATCH: Final = 500
_REASONS: Final = 10
_HYPERVOLUME: Final = (2, 3)
"""Numbers of objectives that have one."""


@dataclass(frozen=True, slots=True)
class Done:
    """A point that was run: its levels, its objectives' values, and whether it keeps the constraints."""

    choice: Choice
    key: str
    values: tuple[float, ...]
    feasible: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """`data`: JSON-ready; `values`: the objectives in SI units of every point within the constraints, for a plot."""

    data: dict[str, Any]
    values: list[tuple[float, ...]]


def summary(study: Study, bases: Bases, store: Store, only: Iterable[tuple[Choice, Point]] | None = None) -> Summary:
    """Of the study's points, or of `only` some of them, as the store has them."""
    grid = only is None and study.sampling.kind == "grid"
    done, failures, whole = _gather(study, store, points(study, bases) if only is None else only)
    able = [each for each in done if each.feasible]
    front = _front(study, able)
    keyed: dict[str, tuple[str, str | None, str | None]] = {}
    for batch in batches([each.key for each in front], _BATCH):
        keyed |= store.found(batch)
    middle = front[knee(_turned(study, front))] if front else None
    data = {
        "schema": SCHEMA,
        "study": study.name or study.file,
        "axes": {axis.name: [level.label for level in axis.levels] for axis in study.varied},
        "sampling": study.sampling.kind,
        "objectives": [objective.text for objective in study.objectives],
        "constraints": [constraint.text for constraint in study.constraints],
        "points": whole,
        "done": len(done),
        "failed": sum(failures.values()),
        "within_constraints": len(able),
        "failures": [{"reason": why, "points": number} for why, number in failures.most_common(_REASONS)],
        "frontier": [_row(study, each, keyed[each.key][2], is_knee=each is middle) for each in front],
        "hypervolume": _hypervolume(study, able, front),
        "sensitivity": _sensitivity(study, done, middle, grid=grid),
    }
    return Summary(data, [each.values for each in able])


def _gather(study: Study, store: Store, wanted: Iterable[tuple[Choice, Point]]) -> tuple[list[Done], Counter[str], int]:
    """Points that are done, why others failed, and how many there are of both and of those never run."""
    done: list[Done] = []
    failures: Counter[str] = Counter()
    seen: set[str] = set()
    for batch in batches(wanted, _BATCH):
        found = store.found([point.key for _, point in batch])
        for choice, point in batch:
            state, why, figures = found.get(point.key, ("planned", None, None))
            if point.key in seen:
                continue
            seen.add(point.key)
            if state == "failed":
                failures[why or ""] += 1
            elif figures is not None:
                done.append(_done(study, choice, point.key, json.loads(figures)))
    return done, failures, len(seen)


def _done(study: Study, choice: Choice, key: str, figures: Mapping[str, Any]) -> Done:
    values = tuple(float(figures[objective.figure.field]) for objective in study.objectives)
    feasible = all(each.holds(figures[each.figure.field]) for each in study.constraints)
    return Done(choice, key, values, feasible)


def _turned(study: Study, done: Sequence[Done]) -> Values:
    """Objectives of points, float64 (points, objectives), less is better."""
    signs = np.array([objective.sign for objective in study.objectives], np.float64)
    return np.array([each.values for each in done], np.float64).reshape(len(done), len(signs)) * signs


def _front(study: Study, able: Sequence[Done]) -> list[Done]:
    return [able[number] for number in frontier(_turned(study, able)).tolist()] if able else []


def _row(study: Study, each: Done, figures: str | None, *, is_knee: bool) -> dict[str, Any]:
    """A point of the frontier: what it is, and all that is known of it."""
    return {
        "values": study.values(each.choice),
        "levels": {axis.name: axis.levels[at].label for axis, at in zip(study.axes, each.choice, strict=True)},
        "knee": is_knee,
        "figures": json.loads(figures or "{}"),
        "key": each.key,
    }


def _hypervolume(study: Study, able: Sequence[Done], front: Sequence[Done]) -> dict[str, Any] | None:
    """The share of the box between each objective's best and worst value (SI units) that the frontier dominates."""
    if not front or len(study.objectives) not in _HYPERVOLUME:
        return None
    values = _turned(study, able)
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = (_turned(study, front) - low) / np.where(high > low, high - low, 1.0)
    signs = [objective.sign for objective in study.objectives]
    return {
        "share": hypervolume(scaled, np.ones(len(signs))),
        "best": [float(value) * sign for value, sign in zip(low, signs, strict=True)],
        "worst": [float(value) * sign for value, sign in zip(high, signs, strict=True)],
    }


def _sensitivity(study: Study, done: Sequence[Done], base: Done | None, *, grid: bool) -> list[dict[str, Any]]:
    """Of each varied axis: effects alone around the knee, and first-order shares of the variance over a grid."""
    columns = _turned(study, done)
    names = [objective.name for objective in study.objectives]
    near = [each for each in done if base is not None and _differences(each.choice, base.choice) <= 1]
    by_choice = [{each.choice: each.values[number] for each in near} for number in range(len(names))]
    found = []
    for at, axis in enumerate(study.axes):
        if len(axis.levels) == 1:
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
