"""What must hold of a Program before time 0; all faults are told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.program.arrays import JOIN
from archsim.program.order import frontiers, sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from archsim.program.arrays import Program

_SHOWN = 5


class ProgramError(ArchsimError):
    """A Program that no engine may play."""


def check(program: Program) -> None:
    """Check indices, times, amounts and dependencies.

    Raises
    ------
        ProgramError: with every fault found. While an index is unknown, only the indices are checked.
    """
    faults = list(_indices(program)) or [fault for find in _FINDERS for fault in find(program)]
    if faults:
        raise ProgramError(*faults)


def _indices(program: Program) -> Iterator[str]:
    kinds, stations, stores = program.n_kinds, len(program.stations), len(program.stores)
    yield from _unknown("kind", program.kind, kinds, "task {}".format)
    yield from _unknown("task", program.dependents, program.n_tasks, "dependency {}".format)
    at = _namer(program, np.arange(kinds))
    yield from _unknown("station", program.station, stations, at, least=JOIN)
    yield from _unknown("operator", program.operator, len(program.operators), at)
    takers = _owners(program.takes_start)
    yield from _unknown("store", program.takes_store, stores, _namer(program, takers))
    givers = _owners(program.gives_start)
    yield from _unknown("store", program.gives_store, stores, _namer(program, givers))
    counters = _owners(program.counts_start)
    yield from _unknown("action", program.counts_action, len(program.actions), _namer(program, counters))


def _unknown(
    what: str, indices: NDArray[np.int32], size: int, owner: Callable[[int], str], least: int = 0
) -> Iterator[str]:
    places = np.flatnonzero((indices < least) | (indices >= size))
    for place in places[:_SHOWN].tolist():
        yield f"{owner(place)}: {what} {indices[place]} is unknown; the program has {size}"
    if places.size > _SHOWN:
        yield f"and {places.size - _SHOWN} more with an unknown {what}"


def _owners(start: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(start) - 1), np.diff(start))


def _namer(program: Program, kinds: NDArray[np.int64]) -> Callable[[int], str]:
    return lambda place: f"kind {kinds[place]} ({program.kinds[kinds[place]]})"


def _sizes(program: Program) -> Iterator[str]:
    for station in program.stations:
        if station.servers < 1:
            yield f"station {station.name}: found {station.servers} servers; expected at least 1"
    for store in program.stores:
        if store.capacity < 0:
            yield f"store {store.name}: found a capacity of {store.capacity}; expected at least 0"


def _times(program: Program) -> Iterator[str]:
    name = _namer(program, np.arange(program.n_kinds))
    for word, times in (("latency", program.latency), ("interval", program.interval)):
        join = program.station == JOIN
        for kind in np.flatnonzero(~join & (times < 1)).tolist():
            yield f"{name(kind)}: found {word} {times[kind]} ps at a station; expected at least 1 ps"
        for kind in np.flatnonzero(join & (times != 0)).tolist():
            yield f"{name(kind)}: found {word} {times[kind]} ps for a join; a join takes no time"


def _amounts(program: Program) -> Iterator[str]:
    for kind in range(program.n_kinds):
        name = f"kind {kind} ({program.kinds[kind]})"
        takes, gives = program.takes(kind), program.gives(kind)
        if takes and program.station[kind] == JOIN:
            yield f"{name}: a join takes from stores; only a task at a station can wait for space"
        for verb, pairs in (("takes from", takes), ("gives to", gives)):
            if len({store for store, _ in pairs}) < len(pairs):
                yield f"{name}: {verb} one store twice; add the amounts up"
            for store, amount in pairs:
                if amount < 0:
                    yield f"{name}: {verb} store {program.stores[store].name} a negative amount, {amount}"
        for store, amount in takes:
            if amount > program.stores[store].capacity:
                held = program.stores[store]
                yield f"{name}: takes {amount} of store {held.name}, which has a capacity of {held.capacity}"


def _totals(program: Program) -> Iterator[str]:
    tasks = program.tasks_per_kind().tolist()
    taken, given = [0] * len(program.stores), [0] * len(program.stores)
    for kind, n in enumerate(tasks):
        for store, amount in program.takes(kind):
            taken[store] += n * amount
        for store, amount in program.gives(kind):
            given[store] += n * amount
    for store, (takes, gives) in enumerate(zip(taken, given, strict=True)):
        if gives > takes:
            yield f"store {program.stores[store].name}: {gives} are given in all, but only {takes} are taken"


def _dependencies(program: Program) -> Iterator[str]:
    waits = np.bincount(program.dependents, minlength=program.n_tasks)
    for task in np.flatnonzero(waits != program.predecessors)[:_SHOWN].tolist():
        yield f"task {task}: found {program.predecessors[task]} predecessors; {waits[task]} tasks release it"
    earlier = sources(program)
    if not np.all(earlier < program.dependents):  # ids that only go up cannot close a circle
        circle = _circle(program, earlier)
        if circle:
            shown = [f"{task} ({program.kinds[program.kind[task]]})" for task in circle[:_SHOWN]]
            rest = f" -> {len(circle) - _SHOWN} more" if len(circle) > _SHOWN else ""
            yield f"tasks wait for each other in a circle: {' -> '.join(shown)}{rest} -> {circle[0]}"


def _circle(program: Program, earlier: NDArray[np.int64]) -> list[int]:
    """One circle of dependencies, each task releasing the next, smallest id first; empty if none."""
    stuck = np.ones(program.n_tasks, np.bool_)
    for tasks, _, _ in frontiers(program):
        stuck[tasks] = False
    edges = stuck[earlier] & stuck[program.dependents]
    if not edges.any():
        return []
    # Each stuck task waits for a stuck one, so walking backwards must come round.
    before = dict(zip(program.dependents[edges].tolist(), earlier[edges].tolist(), strict=True))
    task, walked = next(iter(before)), dict[int, None]()
    while task not in walked:
        walked[task] = None
        task = before[task]
    path = list(walked)
    circle = path[path.index(task) :][::-1]
    first = circle.index(min(circle))
    return circle[first:] + circle[:first]


_FINDERS = (_sizes, _times, _amounts, _totals, _dependencies)
