from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from archsim.program import Builder, Program, ProgramError, check


def good() -> tuple[Builder, int, int]:
    """Ten tasks on one station, each after the one before; and an unused store."""
    build = Builder()
    store = build.store("buffer", 4)
    station = build.station("port")
    tasks = build.tasks(build.kind("load", station=station, latency=1, interval=3), 10)
    build.after(tasks[1:], tasks[:-1])
    return build, station, store


def faults(program: Program) -> list[str]:
    with pytest.raises(ProgramError) as caught:
        check(program)
    return str(caught.value).splitlines()


def test_a_good_program_passes() -> None:
    check(good()[0].build())
    check(Builder().build())


def test_unknown_indices_are_all_named() -> None:
    build, station, store = good()
    build.kind("nowhere", station=7, latency=1)
    build.kind("below", station=-2, latency=1)
    build.kind("taker", station=station, latency=1, takes={store: 1, 5: 1})
    build.kind("giver", station=station, latency=1, gives={-1: 1})
    build.tasks(9, 8)
    program = build.build()
    program = replace(program, dependents=np.array([*program.dependents[:-1], 99], np.int32))
    program = replace(
        program,
        operator=np.array([0, 3, 0, 0, 0], np.int32),
        counts_start=np.array([0, 0, 0, 0, 0, 1], np.int64),
        counts_action=np.array([2], np.int32),
        counts_number=np.array([1], np.int64),
    )
    assert faults(program) == [
        *(f"task {task}: kind 9 is unknown; the program has 5" for task in range(10, 15)),
        "and 3 more with an unknown kind",
        "dependency 8: task 99 is unknown; the program has 18",
        "kind 1 (nowhere): station 7 is unknown; the program has 1",
        "kind 2 (below): station -2 is unknown; the program has 1",
        "kind 1 (nowhere): operator 3 is unknown; the program has 1",
        "kind 3 (taker): store 5 is unknown; the program has 1",
        "kind 4 (giver): store -1 is unknown; the program has 1",
        "kind 4 (giver): action 2 is unknown; the program has 0",
    ]


def test_times_and_amounts_and_sizes_are_all_named() -> None:
    build, station, store = good()
    build.kind("instant", station=station)
    build.kind("backwards", station=station, latency=2, interval=-1)
    build.kind("slow join", station=None, latency=2)
    build.kind("greedy", station=station, latency=1, takes={store: 5})
    build.kind("taking join", station=None, takes={store: 1})
    build.kind("negative", station=station, latency=1, takes={store: -1}, gives={store: -2})
    build.station("nobody", servers=0)
    build.store("hole", -1)
    generous = build.kind("generous", station=station, latency=1, takes={store: 1}, gives={store: 2})
    build.tasks(generous, 3)
    assert faults(build.build()) == [
        "station nobody: found 0 servers; expected at least 1",
        "store hole: found a capacity of -1; expected at least 0",
        "kind 1 (instant): found latency 0 ps at a station; expected at least 1 ps",
        "kind 3 (slow join): found latency 2 ps for a join; a join takes no time",
        "kind 1 (instant): found interval 0 ps at a station; expected at least 1 ps",
        "kind 2 (backwards): found interval -1 ps at a station; expected at least 1 ps",
        "kind 3 (slow join): found interval 2 ps for a join; a join takes no time",
        "kind 4 (greedy): takes 5 of store buffer, which has a capacity of 4",
        "kind 5 (taking join): a join takes from stores; only a task at a station can wait for space",
        "kind 6 (negative): takes from store buffer a negative amount, -1",
        "kind 6 (negative): gives to store buffer a negative amount, -2",
        "store buffer: 6 are given in all, but only 3 are taken",
    ]


def test_a_store_named_twice_by_one_kind() -> None:
    build, station, store = good()
    build.kind("taker", station=station, latency=1, takes={store: 4})
    program = replace(
        build.build(),
        takes_start=np.array([0, 0, 2], np.int64),
        takes_store=np.array([store, store], np.int32),
        takes_amount=np.array([3, 3], np.int64),
    )
    assert faults(program) == ["kind 1 (taker): takes from one store twice; add the amounts up"]


def test_predecessors_that_do_not_agree_with_the_dependents() -> None:
    program = good()[0].build()
    waits = program.predecessors.copy()
    waits[4] = 2
    assert faults(replace(program, predecessors=waits)) == ["task 4: found 2 predecessors; 1 tasks release it"]


@pytest.mark.parametrize(
    ("later", "earlier", "circle"),
    [
        (3, 3, "3 (load) -> 3"),
        (2, 4, "2 (load) -> 3 (load) -> 4 (load) -> 2"),
        (0, 9, "0 (load) -> 1 (load) -> 2 (load) -> 3 (load) -> 4 (load) -> 5 more -> 0"),
    ],
)
def test_a_circle_of_dependencies_is_named(later: int, earlier: int, circle: str) -> None:
    build, _, _ = good()
    build.after(later, earlier)
    assert faults(build.build()) == [f"tasks wait for each other in a circle: {circle}"]


def test_ids_that_go_down_are_no_fault() -> None:
    build = Builder()
    tasks = build.tasks(build.kind("load", station=build.station("port"), latency=1), 6)
    build.after(tasks[:3], tasks[3:])
    build.after(tasks[3], tasks[4:])
    check(build.build())
