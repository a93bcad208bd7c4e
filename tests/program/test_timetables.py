"""Programs small enough to play by hand; all times in ps."""

from __future__ import annotations

import numpy as np

from archsim.program import Builder, Run, check
from archsim.program.simpy import play


def played(build: Builder) -> Run:
    program = build.build()
    check(program)
    return play(program)


def test_three_stations_four_tokens_and_a_bounded_buffer() -> None:
    """Tokens pass A, B, C; a start on A takes one of two places, a finish on B gives it back.

    A: latency 3, interval 2. B: latency 5, interval 5. C: latency 4, interval 6.

    task   ready offered start finish   why
    A0        0      0      0     3
    A1        0      2      2     5     A is free again at 2
    A2        0      4      8    11     no place is free before B0 finishes
    A3        0     10     13    16     A is free at 10; no place before B1 finishes
    B0        3      3      3     8
    B1        5      8      8    13
    B2       11     13     13    18
    B3       16     18     18    23
    C0        8      8      8    12
    C1       13     14     14    18     C recovers until 14, though C0 is done at 12
    C2       18     20     20    24
    C3       23     26     26    30
    """
    build = Builder()
    buffer = build.store("buffer", 2)
    a = build.kind("a", station=build.station("A"), latency=3, interval=2, takes={buffer: 1})
    b = build.kind("b", station=build.station("B"), latency=5, gives={buffer: 1})
    c = build.kind("c", station=build.station("C"), latency=4, interval=6)
    on_a, on_b, on_c = build.tasks(a, 4), build.tasks(b, 4), build.tasks(c, 4)
    build.after(on_b, on_a)
    build.after(on_c, on_b)

    run = played(build)

    assert run.ready.tolist() == [0, 0, 0, 0, 3, 5, 11, 16, 8, 13, 18, 23]
    assert run.offered.tolist() == [0, 2, 4, 10, 3, 8, 13, 18, 8, 14, 20, 26]
    assert run.start.tolist() == [0, 2, 8, 13, 3, 8, 13, 18, 8, 14, 20, 26]
    assert run.finish.tolist() == [3, 5, 11, 16, 8, 13, 18, 23, 12, 18, 24, 30]
    assert run.makespan == 30


def test_a_pipelined_station_starts_every_interval_and_finishes_after_the_latency() -> None:
    build = Builder()
    build.tasks(build.kind("read", station=build.station("adc"), latency=10, interval=2), 4)
    run = played(build)
    assert run.start.tolist() == [0, 2, 4, 6]
    assert run.finish.tolist() == [10, 12, 14, 16]


def test_each_server_keeps_its_own_interval() -> None:
    """Two servers, one queue, intervals 7, 3, 3, 3: the second server serves three while the first is busy.

    task  interval  start  its server is free again
    0        7        0       7
    1        3        0       3
    2        3        3       6
    3        3        6       9
    4        7        7      14
    """
    build = Builder()
    station = build.station("pair", servers=2)
    slow = build.kind("slow", station=station, latency=1, interval=7)
    fast = build.kind("fast", station=station, latency=1, interval=3)
    build.tasks(slow)
    build.tasks(fast, 3)
    build.tasks(slow)
    assert played(build).start.tolist() == [0, 0, 3, 6, 7]


def test_joins_take_no_time_however_many_follow_each_other() -> None:
    build = Builder()
    kind = build.kind("read", station=build.station("adc", servers=3), latency=4)
    first = build.tasks(kind, 3)
    outer = build.join(build.join(build.join(first)))
    second = build.tasks(kind, 2)
    build.after(second, outer)
    alone = build.join([])
    run = played(build)
    for times in (run.ready, run.offered, run.start, run.finish):
        assert times[[3, 4, 5]].tolist() == [4, 4, 4]
        assert times[alone] == 0
    assert run.start[list(second)].tolist() == [4, 4]


def test_a_join_gives_back_when_the_last_has_finished() -> None:
    build = Builder()
    buffer = build.store("buffer", 1)
    take = build.kind("take", station=build.station("in"), latency=1, takes={buffer: 1})
    use = build.kind("use", station=build.station("out"), latency=3)
    done = build.kind("done", station=None, gives={buffer: 1})
    takers = build.tasks(take, 2)
    for taker in takers:
        users = build.tasks(use, 2)
        build.after(users, taker)
        build.after(build.tasks(done)[0], users)
    run = played(build)
    assert run.start[list(takers)].tolist() == [0, 7]


def test_behind_a_barrier_nobody_starts_before_the_last_has_finished() -> None:
    """One station, interval 2, latency 5: three tokens start at 0, 2, 4, so the barrier stands until 9."""
    build = Builder()
    kind = build.kind("read", station=build.station("core"), latency=5, interval=2)
    first, second = build.tasks(kind, 3), build.tasks(kind, 3)
    build.after(second, build.join(first))
    assert played(build).start.tolist() == [0, 2, 4, 9, 11, 13, 9]


def test_tasks_are_served_by_ready_then_by_id() -> None:
    """Task 1 is ready at 2, tasks 0 and 2 at 3 (released in the order 2, 0); the server is free at 10.

    task  ready  start
    0       3     12
    1       2     11
    2       3     13
    3       0      0    keeps the server until 10
    7       0     10    was ready first
    """
    build = Builder()
    station = build.station("core")
    one = build.kind("one", station=station, latency=1)
    ten = build.kind("ten", station=station, latency=10)
    waiting = build.tasks(one, 3)
    build.tasks(ten)
    aside = build.station("aside", servers=3)
    three, two = (build.kind("wait", station=aside, latency=time) for time in (3, 2))
    build.after([waiting[2], waiting[0]], build.tasks(three, 2))
    build.after(waiting[1], build.tasks(two)[0])
    build.tasks(one)
    run = played(build)
    assert run.ready.tolist() == [3, 2, 3, 0, 0, 0, 0, 0]
    assert run.start.tolist() == [12, 11, 13, 0, 0, 0, 0, 10]
    assert run.offered[[0, 1, 2, 7]].tolist() == [12, 11, 13, 10]


def test_a_head_without_space_holds_up_its_own_queue() -> None:
    """Task 1 needs the place that task 0 holds until 8; task 2 needs none, but may not overtake."""
    build = Builder()
    buffer = build.store("buffer", 1)
    station = build.station("port", servers=2)
    hold = build.kind("hold", station=station, latency=8, interval=1, takes={buffer: 1}, gives={buffer: 1})
    free = build.kind("free", station=station, latency=1)
    build.tasks(hold, 2)
    build.tasks(free)
    run = played(build)
    assert run.offered.tolist() == [0, 0, 8]
    assert run.start.tolist() == [0, 8, 8]
    assert run.waited_for_space.tolist() == [0, 8, 0]
    assert run.waited_for_server.tolist() == [0, 0, 8]


def test_a_waiting_head_closes_its_stores_to_later_heads_and_holds_nothing() -> None:
    """Big waits for 3 of x and 1 of y from 1 on; small could have its 1 of x, but came later.

    station  task    needs        offered  start
    hold     0       2 x             0       0   gives back at 10
    big      1       3 x, 1 y        1      10
    small    2       1 x             2      13   big gives back at 13
    other    3       1 z             2       2   its store is not closed
    late     4       1 y             3      13   y is all free, and closed until 10
    """
    build = Builder()
    x, y, z = build.store("x", 3), build.store("y", 1), build.store("z", 1)

    def task(name: str, latency: int, needs: dict[int, int]) -> int:
        station = build.station(name)
        return build.tasks(build.kind(name, station=station, latency=latency, takes=needs, gives=needs))[0]

    hold, big = task("hold", 10, {x: 2}), task("big", 3, {x: 3, y: 1})
    small, other, late = task("small", 1, {x: 1}), task("other", 1, {z: 1}), task("late", 1, {y: 1})
    aside = build.station("aside", servers=4)
    for waits, time in ((big, 1), (small, 2), (other, 2), (late, 3)):
        build.after(waits, build.tasks(build.kind("wait", station=aside, latency=time))[0])
    run = played(build)
    tasks = [hold, big, small, other, late]
    assert run.offered[tasks].tolist() == [0, 1, 2, 2, 3]
    assert run.start[tasks].tolist() == [0, 10, 13, 2, 13]


def test_all_finishes_of_an_instant_come_before_its_starts() -> None:
    """At 5 two tasks give back one place each; task 2 needs both, and has a larger id than the two."""
    build = Builder()
    buffer = build.store("buffer", 2)
    one = build.kind("one", station=build.station("in", servers=2), latency=5, takes={buffer: 1}, gives={buffer: 1})
    both = build.kind("both", station=build.station("out"), latency=1, takes={buffer: 2}, gives={buffer: 2})
    build.tasks(one, 2)
    build.tasks(both)
    build.tasks(one)
    run = played(build)
    assert run.offered.tolist() == [0, 0, 0, 5]
    assert run.start.tolist() == [0, 0, 5, 6]


def test_a_head_offered_in_the_same_instant_takes_its_place_by_id() -> None:
    """Who gets the only place at 2 depends on the order of tries, which is not the order of offers.

    Station M has two servers, busy with tasks 0 and 1 until 2; its queue is then `first` (ready 0,
    needs nothing) and `second` (id 2, ready 1, needs the place). Station N offers `other` at 2.

    If `other` is 3 and `first` 4, `other` is tried first and takes the place; then `first` starts, and
    M offers `second`, which waits until `other` gives back at 12.
    If `first` is 3 and `other` 4, `first` is tried first and starts, M offers `second`, and that is
    tried before `other`: it takes the place, and `other` waits until 12.
    """

    def starts(*, other_before_first: bool) -> list[int]:
        build = Builder()
        place = build.store("place", 1)
        m, n, aside = build.station("M", servers=2), build.station("N"), build.station("aside", servers=2)
        user_m, user_n = (
            build.kind("use", station=station, latency=10, takes={place: 1}, gives={place: 1}) for station in (m, n)
        )
        plain = build.kind("plain", station=m, latency=1)
        build.tasks(build.kind("busy", station=m, latency=2), 2)
        second = build.tasks(user_m)[0]
        if other_before_first:
            other, first = build.tasks(user_n)[0], build.tasks(plain)[0]
        else:
            first, other = build.tasks(plain)[0], build.tasks(user_n)[0]
        for waits, time in ((second, 1), (other, 2)):
            build.after(waits, build.tasks(build.kind("wait", station=aside, latency=time))[0])
        start = played(build).start
        return [int(start[task]) for task in (first, second, other)]

    assert starts(other_before_first=True) == [2, 12, 2]
    assert starts(other_before_first=False) == [2, 2, 12]


def test_a_program_without_tasks_is_over_at_once() -> None:
    run = played(Builder())
    assert run.makespan == 0
    assert run.critical_path_length() == 0
    assert run.start.dtype == np.int64
