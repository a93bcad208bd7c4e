"""A sweep: plan a study's points in the store, run those that are missing, keep what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from archsim.explore.points import points
from archsim.explore.store import COMMIT_S

if TYPE_CHECKING:
    from archsim.explore.executor import Executor
    from archsim.explore.load import Bases
    from archsim.explore.points import Point
    from archsim.explore.store import Store
    from archsim.explore.study import Study

_BATCH: Final = 500
"""Points that are looked up in the store together; memory does not grow with their number."""
_ENDED: Final = ("done", "failed")
_FIRST: Final = 3
"""The estimate of the time is given after so many points a worker, or the last one."""

Tell = Callable[[str, int, int], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """Points of a study: all, and those that were not done before."""

    points: int
    missing: int


def plan(study: Study, bases: Bases, store: Store) -> Plan:
    """Put a study's points into the store; those that are there already keep what they have."""
    whole = missing = 0
    for batch in batches((point for _, point in points(study, bases)), _BATCH):
        store.plan(batch)
        store.commit(after_s=COMMIT_S)
        states = store.states([point.key for point in batch])
        whole += len(states)
        missing += sum(state not in _ENDED for state in states.values())
    store.commit()
    return Plan(whole, missing)


def run(
    wanted: Iterable[Point],
    missing: int,
    store: Store,
    executor: Executor,
    *,
    tell: Tell | None = None,
    estimate: Callable[[float], None] | None = None,
) -> None:
    """Run the planned ones of the wanted points, and keep what comes back. Raises ArchsimError where that cannot be.

    missing: how many there are; tell: told how many are done; estimate: told once how many seconds the rest will take.
    """
    done = 0
    first: list[float] = []
    for answer in executor.run(_planned(wanted, store)):
        if answer is not None:
            store.keep(answer)
            done += 1
        if answer is not None and estimate is not None:
            first.append(answer.seconds)
            if done >= min(missing, _FIRST * executor.workers):
                warm = first[executor.workers :] or first  # a worker's first point waits for imports
                estimate(sum(warm) / len(warm) / executor.workers * (missing - done))
                estimate = None
        store.commit(after_s=COMMIT_S)
        if tell is not None:
            tell("points", done, missing)
    store.commit()


def _planned(wanted: Iterable[Point], store: Store) -> Iterator[Point]:
    """The points that nobody has run, each once, noted as running when it is taken."""
    for batch in batches(wanted, _BATCH):
        states = store.states([point.key for point in batch])
        for point in batch:
            if states.get(point.key) == "planned":
                states[point.key] = "running"
                store.start(point.key)
                yield point


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of so many."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
