from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.program import Builder
from archsim.program.simpy import play

if TYPE_CHECKING:
    import pytest


def test_work_counts_and_critical_path() -> None:
    """Three loads (latency 7, interval 2), two sums after all loads; one more station idle."""
    build = Builder()
    port, unit = build.station("port"), build.station("unit", servers=2)
    build.station("idle")
    load = build.kind("load", station=port, latency=7, interval=2, counts={"read": 3, "hop": 1}, operator="qkv")
    add = build.kind("add", station=unit, latency=5, counts={"hop": 10}, operator="sum")
    again = build.kind("again", station=unit, latency=4, counts={"hop": 100}, operator="qkv")
    loads = build.tasks(load, 3)
    join = build.join(loads, operator="sum")
    adds = build.tasks(add, 2)
    build.after(adds, join)
    build.after(build.tasks(again), adds[0])

    run = play(build.build())

    # Loads start at 0, 2, 4; the join is at 11, the additions end at 16, the last task at 20.
    assert run.makespan == 20
    assert run.critical_path_length() == 7 + 5 + 4
    work, servers = run.work()
    assert work.tolist() == [3 * 2, 2 * 5 + 4, 0]
    assert servers.tolist() == [1, 2, 1]
    assert run.program.actions == ("read", "hop")
    assert run.counts_by_kind().tolist() == [[9, 3], [0, 20], [0, 100], [0, 0]]
    assert run.program.operators == ("qkv", "sum")
    assert run.counts().tolist() == [[9, 103], [0, 20]]
    assert run.waited_for_server[list(loads)].tolist() == [0, 2, 4]
    assert not run.waited_for_space.any()


def test_counts_are_exact_beyond_what_a_float_holds() -> None:
    build = Builder()
    number = 2**55 + 1
    build.tasks(build.kind("read", station=build.station("adc"), latency=1, counts={"read": number}), 3)
    counts = play(build.build()).counts()
    assert counts.dtype == np.int64
    assert counts.tolist() == [[3 * number]]


def test_times_are_exact_beyond_what_a_float_holds() -> None:
    build = Builder()
    latency = 2**55 + 1
    build.tasks(build.kind("read", station=build.station("adc"), latency=latency), 2)
    assert play(build.build()).finish.tolist() == [latency, 2 * latency]


def test_progress_is_told_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archsim.program.simpy._EVENTS_A_REPORT", 10)
    build = Builder()
    build.tasks(build.kind("work", station=build.station("unit"), latency=3), 100)
    told: list[tuple[int, int]] = []
    run = play(build.build(), lambda done, total: told.append((done, total)))
    assert run.makespan == 300
    assert told == sorted(told)
    assert len(told) > 5
    assert told[-1] == (100, 100)
