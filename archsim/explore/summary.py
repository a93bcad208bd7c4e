"""What a sweep found: for each workload the frontier and which axis matters; why points failed. JSON-ready."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from archsim.explore.points import points
from archsim.explore.running import batches
from archsim.explore.sensitivity import changes
from archsim.explore.workloads import Done, feasible, of_workload, workload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archsim.explore.load import Bases
    from archsim.explore.points import Point
    from archsim.explore.sampling import Choice
    from archsim.explore.store import Store
    from archsim.explore.study import Study
    from archsim.explore.workloads import Workload

SCHEMA: Final = "archsim.sweep/2"
_BATCH: Final = 500
_NUMBER: Final = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Cloud:
    """The objectives of a workload's points, in SI units, for a plot: within the constraints, and beyond them."""

    within: list[tuple[float, ...]]
    beyond: list[tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Summary:
    """`data`: JSON-ready; `clouds`: one for each of its workloads."""

    data: dict[str, Any]
    clouds: list[Cloud]


@dataclass(slots=True)
class _Gathered:
    """Points as the store has them; `failures` by their reason without its numbers."""

    done: dict[Workload, list[Done]] = field(default_factory=dict)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)


def summary(study: Study, bases: Bases, store: Store, only: Iterable[tuple[Choice, Point]] | None = None) -> Summary:
    """Of the study's points, or of `only` those that a search chose, as the store has them."""
    sampling = "search" if only is not None else study.sampling.kind
    found = _gather(study, store, points(study, bases) if only is None else only)
    works = [of_workload(study, work, done, store, grid=sampling == "grid") for work, done in found.done.items()]
    data = {
        "schema": SCHEMA,
        "study": study.name or study.file,
        "axes": {axis.name: [level.label for level in axis.levels] for axis in study.varied},
        "design": [axis.name for axis in study.design],
        "sampling": sampling,
        "drawn": study.sampling.number if only is None and sampling != "grid" else None,
        "objectives": [objective.text for objective in study.objectives],
        "constraints": [constraint.text for constraint in study.constraints],
        "points": len(found.seen),
        "done": sum(len(done) for done in found.done.values()),
        "failed": sum(each["points"] for each in found.failures.values()),
        "within_constraints": sum(each["within_constraints"] for each in works),
        "failures": sorted(found.failures.values(), key=lambda each: -each["points"]),
        "unchanging": _unchanging(study, found),
        "workloads": works,
    }
    return Summary(data, [_cloud(study, done) for done in found.done.values()])


def _gather(study: Study, store: Store, wanted: Iterable[tuple[Choice, Point]]) -> _Gathered:
    """Look each point up once."""
    found = _Gathered()
    for batch in batches(wanted, _BATCH):
        kept = store.found([point.key for _, point in batch])
        for choice, point in batch:
            if point.key in found.seen:
                continue
            found.seen.add(point.key)
            state, why, figures = kept.get(point.key, ("planned", None, None))
            if state == "failed":
                _fail(study, found.failures, choice, why or "")
            elif figures is not None:
                done = _done(study, choice, point.key, json.loads(figures))
                found.done.setdefault(workload(point), []).append(done)
    return found


def _fail(study: Study, failures: dict[str, dict[str, Any]], choice: Choice, why: str) -> None:
    """Count a failure with those whose reason differs in numbers alone; the first stands for them."""
    kind = _NUMBER.sub("0", why)
    if kind not in failures:
        varied = {axis.name for axis in study.varied}
        example = {name: label for name, label in study.labels(choice).items() if name in varied}
        failures[kind] = {"reason": why, "points": 0, "example": example}
    failures[kind]["points"] += 1


def _done(study: Study, choice: Choice, key: str, figures: Mapping[str, Any]) -> Done:
    values = tuple(float(figures[objective.figure.field]) for objective in study.objectives)
    return Done(choice, key, values, tuple(figures[each.figure.field] for each in study.constraints))


def _unchanging(study: Study, found: _Gathered) -> list[str]:
    """Axes of the design that change no objective of any workload."""
    values = {each.choice: each.values for done in found.done.values() for each in done}
    return [axis.name for at, axis in enumerate(study.axes) if axis in study.design and changes(values, at) is False]


def _cloud(study: Study, done: Iterable[Done]) -> Cloud:
    cloud = Cloud([], [])
    for each in done:
        (cloud.within if feasible(study, each) else cloud.beyond).append(each.values)
    return cloud
