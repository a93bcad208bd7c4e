from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from archsim.program import Builder, Run, critical_path
from archsim.program.simpy import play
from tests.program.test_properties import runs


def test_a_chain_through_a_slow_station() -> None:
    """Loads follow every 2 and take 7; sums take 10 each, on one unit.

    load  0-7   2-9   4-11
    sum   7-17  17-27 27-37    the second and third are ready at 9 and 11, and wait for the unit

    Back from 37: the third sum (10), while the second held the unit (10), while the first did (10); the first load (7).
    """
    build = Builder()
    port, unit = build.station("port"), build.station("unit")
    load = build.kind("load", station=port, latency=7, interval=2, operator="qkv")
    shares = {"adder": (6, 1), "memory": (4, 1)}
    add = build.kind("add", station=unit, latency=10, operator="sum", spent=shares)
    loads = build.tasks(load, 3)
    adds = build.tasks(add, 3)
    build.after(adds, loads)

    run = play(build.build())
    path = critical_path(run)

    assert list(zip(path.task.tolist(), path.time.tolist(), path.occupied.tolist(), strict=True)) == [
        (adds[2], 10, False),
        (adds[1], 10, True),
        (adds[0], 10, True),
        (loads[0], 7, False),
    ]
    assert path.by_operator(run) == {"qkv": 7, "sum": 30}
    # latency 6:4 of 10; occupied 1:1 of 20; a load has no parts, so it is its station's
    assert path.by_part(run) == {"port": 7, "adder": 6 + 10, "memory": 4 + 10}
    assert run.waited_for_server.tolist() == [0, 2, 4, 0, 8, 16]


def test_a_wait_for_space_goes_to_whom_gives_it_back() -> None:
    """Room for one: a write (5) takes it, a read (20) after it gives it back. The second write waits until 25."""
    build = Builder()
    writer, reader = build.station("writer"), build.station("reader")
    room = build.store("room", 1)
    writes = build.tasks(build.kind("write", station=writer, latency=5, takes={room: 1}, operator="w"), 2)
    reads = build.tasks(build.kind("read", station=reader, latency=20, gives={room: 1}, operator="r"), 2)
    build.after(reads, writes)

    run = play(build.build())
    path = critical_path(run)

    assert run.start[writes[1]] == 25
    assert path.task.tolist() == [reads[1], writes[1], reads[0], writes[0]]
    assert path.by_operator(run) == {"w": 10, "r": 40}


def test_waiting_for_data_is_from_the_first_input_to_the_last() -> None:
    """Inputs finish at 3 and 8: the sum waits 5 for the second."""
    build = Builder()
    a = build.tasks(build.kind("a", station=build.station("a"), latency=3))
    b = build.tasks(build.kind("b", station=build.station("b"), latency=8))
    total = build.tasks(build.kind("sum", station=build.station("sum"), latency=1))
    build.after(total, a)
    build.after(total, b)
    run = play(build.build())
    assert run.waited_for_data.tolist() == [0, 0, 5]


def test_nothing_to_do_has_no_path() -> None:
    run = play(Builder().build())
    assert critical_path(run).time.sum() == 0


@given(runs)
@settings(max_examples=300)
def test_causes_join_on_to_each_other_back_to_the_start(run: Run) -> None:
    for end in range(run.program.n_tasks):
        path = critical_path(run, end)
        assert path.time.sum() == run.finish[end]
        begins = run.finish[end] - np.cumsum(path.time)
        assert begins.tolist() == run.start[path.task].tolist()
        assert sum(path.by_operator(run).values()) == sum(path.by_part(run).values()) == run.finish[end]
