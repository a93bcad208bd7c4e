"""The compiled engine: the rules of an instant as a loop of machine code, equal to the reference to the picosecond."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.compiling import compiled
from archsim.errors import ArchsimError
from archsim.program.arrays import JOIN, Program
from archsim.program.deadlock import deadlock
from archsim.program.run import Run

_NEVER = -1
_INSTANTS_A_REPORT = 100_000


# References are not counted: nothing is allocated here, and counting would take most of the time.
_compiled = compiled(counting=False)
_inlined = compiled(inlined="code", counting=False)

Ints = NDArray[np.int64]
Ids = NDArray[np.int32]
Table = NDArray[np.void]


def _table(*columns: str) -> np.dtype[np.void]:
    return np.dtype([(column, np.int64) for column in columns])


_KIND = _table("station", "latency", "interval", "takes", "takes_end", "gives", "gives_end")
_MOVED = _table("store", "amount")
_STATION = _table("servers", "servers_end", "queue", "queued", "touched", "has_head", "head_is_tried")
_STORE = _table("free", "line", "lined")
_SIZE = _table("released", "touched", "finishes", "wakes", "tries", "finished")


class _State(NamedTuple):
    """A run as arrays, by task, kind, station, server or store.

    A heap is a stretch of ids, ordered by (time, id), with the times in an array of their own: a station's queue by
    ready, a store's line and `tries` by offered, `finishes` by finish, `wakes` (stations) by wake, a station's
    servers by free_at. It has room for all that can ever be in it: a queue for the station's tasks, a line for the
    kinds that take from the store (as a station has one head). A task's finish is known, and written, at its start.
    """

    kinds: Table
    takes: Table
    gives: Table
    kind: Ids
    dependents_start: Ints
    dependents: Ids
    waiting_for: Ids
    ready: Ints
    offered: Ints
    start: Ints
    finish: Ints
    stations: Table
    wake: Ints
    free_at: Ints
    stores: Table
    queues: Ids
    servers: Ids
    lines: Ids
    finishes: Ids
    wakes: Ids
    tries: Ids  # heads that may be able to start now
    released: Ids  # a stack of tasks that have become ready
    touched: Ids  # a stack of stations that may have a new head to offer
    sizes: Table  # one row: of each stack and heap, how many are in it; and how many tasks have finished


def play(program: Program, progress: Callable[[int, int], None] | None = None) -> Run:
    """Play a checked Program; `progress` is told from time to time how many tasks have finished, of how many.

    Raises
    ------
        ArchsimError: a time does not fit into 64 bits.
        Deadlock: no event is left and some tasks have not finished.
    """
    state = _begin(program)
    begun, more = False, True
    while more:
        more = _advance(state, begun, _INSTANTS_A_REPORT)
        begun = True
        if progress is not None:
            progress(int(state.sizes["finished"][0]), program.n_tasks)
    run = Run(program, state.ready, state.offered, state.start, state.finish)
    if (run.finish < run.start).any():
        raise ArchsimError("the run takes longer than 2^63 ps (106 days), which no task's time may be")
    if (run.finish == _NEVER).any():
        raise deadlock(run)
    return run


def _begin(program: Program) -> _State:
    n_tasks, n_stations, n_stores = program.n_tasks, len(program.stations), len(program.stores)
    kinds, stations, stores = (
        np.zeros(n, of) for n, of in ((program.n_kinds, _KIND), (n_stations, _STATION), (n_stores, _STORE))
    )
    kinds["station"], kinds["latency"], kinds["interval"] = program.station, program.latency, program.interval
    kinds["takes"], kinds["takes_end"] = program.takes_start[:-1], program.takes_start[1:]
    kinds["gives"], kinds["gives_end"] = program.gives_start[:-1], program.gives_start[1:]
    served = program.station[program.kind]
    queue = _starts(np.bincount(served[served != JOIN], minlength=n_stations))
    servers = _starts([station.servers for station in program.stations])
    stations["servers"], stations["servers_end"], stations["queue"] = servers[:-1], servers[1:], queue[:-1]
    line = _starts(np.bincount(program.takes_store, minlength=n_stores))
    stores["free"], stores["line"] = [store.capacity for store in program.stores], line[:-1]
    never = np.full(n_tasks, _NEVER, np.int64)
    return _State(
        kinds=kinds,
        takes=_moved(program.takes_store, program.takes_amount),
        gives=_moved(program.gives_store, program.gives_amount),
        kind=program.kind,
        dependents_start=program.dependents_start,
        dependents=program.dependents,
        waiting_for=program.predecessors.copy(),
        ready=never,
        offered=never.copy(),
        start=never.copy(),
        finish=never.copy(),
        stations=stations,
        wake=np.full(n_stations, _NEVER, np.int64),
        free_at=np.zeros(servers[-1], np.int64),
        stores=stores,
        queues=np.empty(queue[-1], np.int32),
        servers=np.arange(servers[-1], dtype=np.int32),
        lines=np.empty(line[-1], np.int32),
        finishes=np.empty(n_tasks, np.int32),
        wakes=np.empty(n_stations, np.int32),
        tries=np.empty(n_stations, np.int32),
        released=np.empty(n_tasks, np.int32),
        touched=np.empty(n_stations, np.int32),
        sizes=np.zeros(1, _SIZE),
    )


def _starts(lengths: Any) -> Ints:  # noqa: ANN401 - whatever numpy adds up
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def _moved(store: Ids, amount: Ints) -> Table:
    moved = np.zeros(len(store), _MOVED)
    moved["store"], moved["amount"] = store, amount
    return moved


@_inlined
def _before(time: Ints, one: int, other: int) -> bool:
    return time[one] < time[other] or (time[one] == time[other] and one < other)


@_inlined
def _push(heap: Ids, row: int, size: int, time: Ints, new: int) -> None:
    """Add to a heap of `size` ids that begins at `row`."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        other = heap[row + above]
        if not _before(time, new, other):
            break
        heap[row + at] = other
        at = above
    heap[row + at] = new


@_inlined
def _replace(heap: Ids, row: int, size: int, time: Ints, new: int) -> None:
    """Put `new` into a heap of `size` ids in place of the first."""
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and _before(time, heap[row + below + 1], heap[row + below]):
            below += 1
        if not _before(time, heap[row + below], new):
            break
        heap[row + at] = heap[row + below]
        at = below
    heap[row + at] = new


@_inlined
def _pop(heap: Ids, row: int, size: int, time: Ints) -> int:
    """Take the first of `size` ids."""
    first: int = heap[row]
    _replace(heap, row, size - 1, time, heap[row + size - 1])
    return first


@_compiled
def _advance(s: _State, begun: bool, instants: int) -> bool:  # noqa: FBT001 - machine code takes no keywords
    """Play so many instants; whether there may be more."""
    size = s.sizes[0]
    if not begun:
        for task in range(s.kind.size):
            if s.waiting_for[task] == 0:
                s.released[size.released] = task
                size.released += 1
        _release(s, 0)
        _settle(s, 0)
    for _ in range(instants):
        if size.finishes == 0 and size.wakes == 0:
            return False
        if size.wakes == 0 or (size.finishes > 0 and s.finish[s.finishes[0]] <= s.wake[s.wakes[0]]):
            now = s.finish[s.finishes[0]]
        else:
            now = s.wake[s.wakes[0]]
        while size.finishes > 0 and s.finish[s.finishes[0]] == now:
            task = _pop(s.finishes, 0, size.finishes, s.finish)
            size.finishes -= 1
            _finish(s, task)
        _release(s, now)
        while size.wakes > 0 and s.wake[s.wakes[0]] == now:
            station = _pop(s.wakes, 0, size.wakes, s.wake)
            size.wakes -= 1
            s.wake[station] = _NEVER
            _touch(s, station)
        _settle(s, now)
    return True


# Rule 1: finishes.


@_inlined
def _finish(s: _State, task: int) -> None:
    """Give to stores; put the tasks that now wait for no other on their stack."""
    size, kind = s.sizes[0], s.kinds[s.kind[task]]
    size.finished += 1
    for at in range(kind.gives, kind.gives_end):
        store = s.gives[at].store
        s.stores[store].free += s.gives[at].amount
        _try_first(s, store)
    for at in range(s.dependents_start[task], s.dependents_start[task + 1]):
        dependent = s.dependents[at]
        s.waiting_for[dependent] -= 1
        if s.waiting_for[dependent] == 0:
            s.released[size.released] = dependent
            size.released += 1


@_inlined
def _release(s: _State, now: int) -> None:
    """Queue tasks that have become ready; joins finish at once."""
    size = s.sizes[0]
    while size.released > 0:
        size.released -= 1
        task = s.released[size.released]
        s.ready[task] = now
        at = s.kinds[s.kind[task]].station
        if at == JOIN:
            s.offered[task] = s.start[task] = s.finish[task] = now
            _finish(s, task)
        else:
            station = s.stations[at]
            _push(s.queues, station.queue, station.queued, s.ready, task)
            station.queued += 1
            _touch(s, at)


@_inlined
def _touch(s: _State, station: int) -> None:
    if not s.stations[station].touched:
        s.stations[station].touched = 1
        s.touched[s.sizes[0].touched] = station
        s.sizes[0].touched += 1


@_inlined
def _try_first(s: _State, store: int) -> None:
    """Let the first head in line for a store be tried, if it is not going to be."""
    if s.stores[store].lined > 0:
        _try(s, s.lines[s.stores[store].line])


@_inlined
def _try(s: _State, head: int) -> None:
    station = s.stations[s.kinds[s.kind[head]].station]
    if not station.head_is_tried:
        station.head_is_tried = 1
        _push(s.tries, 0, s.sizes[0].tries, s.offered, head)
        s.sizes[0].tries += 1


# Rule 2: starts.


@_inlined
def _settle(s: _State, now: int) -> None:
    size = s.sizes[0]
    while size.touched > 0:
        size.touched -= 1
        station = s.touched[size.touched]
        s.stations[station].touched = 0
        _offer(s, now, station)
    while size.tries > 0:
        head = _pop(s.tries, 0, size.tries, s.offered)
        size.tries -= 1
        s.stations[s.kinds[s.kind[head]].station].head_is_tried = 0
        if _can_start(s, head):
            _start(s, now, head)


@_inlined
def _offer(s: _State, now: int, at: int) -> None:
    """Offer the head of a station's queue if a server is free; else come back when one will be."""
    station = s.stations[at]
    if station.has_head or station.queued == 0:
        return
    free_at = s.free_at[s.servers[station.servers]]
    if free_at <= now:
        head = _pop(s.queues, station.queue, station.queued, s.ready)
        station.queued -= 1
        station.has_head = 1
        s.offered[head] = now
        kind = s.kinds[s.kind[head]]
        for taken in range(kind.takes, kind.takes_end):
            store = s.stores[s.takes[taken].store]
            _push(s.lines, store.line, store.lined, s.offered, head)
            store.lined += 1
        _try(s, head)
    elif s.wake[at] == _NEVER:
        s.wake[at] = free_at
        _push(s.wakes, 0, s.sizes[0].wakes, s.wake, at)
        s.sizes[0].wakes += 1


@_inlined
def _can_start(s: _State, head: int) -> bool:
    """Whether no earlier head waits for a store that this one needs, and all have room for it."""
    kind = s.kinds[s.kind[head]]
    for at in range(kind.takes, kind.takes_end):
        store = s.stores[s.takes[at].store]
        if s.lines[store.line] != head or store.free < s.takes[at].amount:
            return False
    return True


@_inlined
def _start(s: _State, now: int, task: int) -> None:
    kind = s.kinds[s.kind[task]]
    s.start[task] = now
    for at in range(kind.takes, kind.takes_end):
        store = s.stores[s.takes[at].store]
        store.free -= s.takes[at].amount
        _pop(s.lines, store.line, store.lined, s.offered)
        store.lined -= 1
        _try_first(s, s.takes[at].store)
    station = s.stations[kind.station]
    server = s.servers[station.servers]
    s.free_at[server] = now + kind.interval
    _replace(s.servers, station.servers, station.servers_end - station.servers, s.free_at, server)
    s.finish[task] = now + kind.latency
    _push(s.finishes, 0, s.sizes[0].finishes, s.finish, task)
    s.sizes[0].finishes += 1
    station.has_head = 0
    _offer(s, now, kind.station)
