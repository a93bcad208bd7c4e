"""Runs that cannot advance say who waits for what, and in which circle."""

from __future__ import annotations

import pytest

from archsim.program import Builder, Deadlock
from archsim.program.engines import ENGINES, play


def lines(build: Builder) -> list[str]:
    """What both engines say."""
    said = []
    for engine in ENGINES:
        with pytest.raises(Deadlock) as caught:
            play(build.build(), engine)
        said.append(str(caught.value).splitlines())
    assert said[0] == said[1]
    return said[0]


def test_a_buffer_too_small_for_what_must_be_in_it_together() -> None:
    """One place; `use` gives back two at once, and waits for both loads."""
    build = Builder()
    buffer = build.store("buffer", 1)
    load = build.kind("load", station=build.station("port"), latency=5, takes={buffer: 1})
    use = build.kind("use", station=build.station("unit"), latency=3, gives={buffer: 2})
    loads = build.tasks(load, 3)
    build.after(build.tasks(use)[0], loads)
    assert lines(build) == [
        "deadlock at 5 ps: 3 of 4 tasks cannot finish",
        "station port: task 1 (load) needs 1 of buffer (0 of 1 free); 1 queued behind it: 2",
        (
            "circle: task 1 (load) waits for buffer, which task 3 would give back; "
            "task 3 (use) waits for task 2 to finish; task 2 (load) is queued behind task 1 at port"
        ),
    ]


def test_two_who_each_hold_what_the_other_needs() -> None:
    """Each takes one store, then the other; the second steps wait for each other for good."""
    build = Builder()
    x, y = build.store("x", 2), build.store("y", 2)
    for mine, other in ((x, y), (y, x)):
        take = build.station(f"take{mine}")
        first = build.kind("first", station=take, latency=1, takes={mine: 2})
        both = build.station(f"both{mine}")
        gives = {mine: 2, other: 1}
        second = build.kind("second", station=both, latency=1, takes={other: 1}, gives=gives)
        task = build.tasks(first)[0]
        build.after(build.tasks(second)[0], task)
    assert lines(build) == [
        "deadlock at 1 ps: 2 of 4 tasks cannot finish",
        "station both0: task 1 (second) needs 1 of y (0 of 2 free)",
        "station both1: task 3 (second) needs 1 of x (0 of 2 free)",
        (
            "circle: task 1 (second) waits for y, which task 3 would give back; "
            "task 3 (second) waits for x, which task 1 would give back"
        ),
    ]


def test_a_store_that_nobody_gives_back() -> None:
    build = Builder()
    buffer = build.store("buffer", 3)
    station = build.station("port")
    build.tasks(build.kind("load", station=station, latency=5, interval=1, takes={buffer: 2}), 2)
    build.tasks(build.kind("next", station=station, latency=5), 5)
    assert lines(build) == [
        "deadlock at 5 ps: 6 of 7 tasks cannot finish",
        "station port: task 1 (load) needs 2 of buffer (1 of 3 free); 5 queued behind it: 2, 3, 4, …",
        "chain: task 1 (load) waits for buffer, which no other task will give back",
    ]


def test_a_head_behind_another_for_a_store_with_space() -> None:
    """`big` waits for x for good; `small` came later and finds x free, but may not overtake."""
    build = Builder()
    x = build.store("x", 3)
    aside = build.station("aside")
    build.tasks(build.kind("keep", station=build.station("a"), latency=1, takes={x: 1}))
    build.tasks(build.kind("big", station=build.station("b"), latency=1, takes={x: 3}))
    small = build.tasks(build.kind("small", station=build.station("c"), latency=1, takes={x: 1}, gives={x: 1}))
    build.after(small, build.tasks(build.kind("wait", station=aside, latency=4)))
    assert lines(build) == [
        "deadlock at 4 ps: 2 of 4 tasks cannot finish",
        "station b: task 1 (big) needs 3 of x (2 of 3 free)",
        "station c: task 2 (small) needs 1 of x (2 of 3 free, and task 1 (big) is before it)",
        ("circle: task 1 (big) waits for x, which task 2 would give back; task 2 (small) waits for x behind task 1"),
    ]


def test_many_waiting_stations_and_a_long_circle_are_cut_short() -> None:
    """Ten stations wait for the same place; what would give it back is at the end of twenty tasks."""
    build = Builder()
    place = build.store("place", 1)
    build.tasks(build.kind("keep", station=build.station("keeper"), latency=1, takes={place: 1}))
    for i in range(10):
        build.tasks(build.kind("want", station=build.station(f"s{i}"), latency=1, takes={place: 1}))
    line = build.tasks(build.kind("pass", station=build.station("line"), latency=1), 20)
    build.after(line[1:], line[:-1])
    build.after(line[0], 1)
    build.after(build.tasks(build.kind("give", station=None, gives={place: 1})), line[-1])
    said = lines(build)
    assert len(said) == 11
    assert said[9] == "and 2 more stations whose head waits"
    assert said[10].startswith("circle: task 1 (want) waits for place, which task 31 would give back; ")
    assert said[10].endswith("; 14 more steps")


def test_an_unchecked_circle_of_dependencies_is_told_as_well() -> None:
    build = Builder()
    tasks = build.tasks(build.kind("load", station=build.station("port"), latency=5), 3)
    build.after(tasks[1:], [2, 1])
    assert lines(build) == [
        "deadlock at 5 ps: 2 of 3 tasks cannot finish",
        "circle: task 1 (load) waits for task 2 to finish; task 2 (load) waits for task 1 to finish",
    ]
