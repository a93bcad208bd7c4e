from __future__ import annotations

import numpy as np
import pytest

from archsim.program import JOIN, Builder, ProgramError, Station, Store


def test_a_program_holds_what_was_said() -> None:
    build = Builder()
    port = build.station("port")
    unit = build.station("unit", servers=4)
    buffer = build.store("buffer", 16)
    load = build.kind("load", station=port, latency=7, takes={buffer: 2}, counts={"read": 3, "hop": 1}, operator="qkv")
    work = build.kind("work", station=unit, latency=9, interval=2, gives={buffer: 2}, counts={"hop": 5})
    loads, works = build.tasks(load, 3), build.tasks(work, 3)
    assert (loads, works) == (range(3), range(3, 6))
    build.after(works, loads)
    join = build.join(works, operator="qkv")
    assert join == 6

    program = build.build()

    assert (program.n_tasks, program.n_kinds) == (7, 3)
    assert program.kind.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert program.dependents_start.tolist() == [0, 1, 2, 3, 4, 5, 6, 6]
    assert program.dependents.tolist() == [3, 4, 5, 6, 6, 6]
    assert program.predecessors.tolist() == [0, 0, 0, 1, 1, 1, 3]
    assert program.station.tolist() == [0, 1, JOIN]
    assert program.latency.tolist() == [7, 9, 0]
    assert program.interval.tolist() == [7, 2, 0]
    assert [program.takes(kind) for kind in range(3)] == [((0, 2),), (), ()]
    assert [program.gives(kind) for kind in range(3)] == [(), ((0, 2),), ()]
    assert program.counts_start.tolist() == [0, 2, 3, 3]
    assert program.counts_action.tolist() == [0, 1, 1]
    assert program.counts_number.tolist() == [3, 1, 5]
    assert program.operator.tolist() == [0, 1, 0]
    assert program.kinds == ("load", "work", "join")
    assert program.stations == (Station("port", 1), Station("unit", 4))
    assert program.stores == (Store("buffer", 16),)
    assert program.actions == ("read", "hop")
    assert program.operators == ("qkv", "")
    assert program.tasks_per_kind().tolist() == [3, 3, 1]


def test_the_arrays_have_one_type_whatever_they_hold() -> None:
    build = Builder()
    build.tasks(build.kind("read", station=build.station("adc"), latency=1), 2)
    small, empty = build.build(), Builder().build()
    short = {"kind", "dependents", "predecessors", "station", "operator"}
    short |= {"takes_store", "gives_store", "counts_action", "spent_part"}
    for program in (small, empty):
        for name in program.__dataclass_fields__:
            array = getattr(program, name)
            if isinstance(array, np.ndarray):
                assert array.dtype == (np.int32 if name in short else np.int64), name
                assert array.ndim == 1, name
                assert array.flags.c_contiguous, name
    assert empty.dependents_start.tolist() == [0]


def test_dependencies_go_pair_by_pair_or_one_with_all() -> None:
    build = Builder()
    tasks = build.tasks(build.kind("read", station=build.station("adc"), latency=1), 8)
    build.after(tasks[2:4], np.array([1, 0]))  # 1 -> 2, 0 -> 3
    build.after([4, 5], 0)
    build.after(6, tasks[4:6])
    build.after(tasks[7:], [6])
    build.after([], tasks[:1])
    program = build.build()
    edges = zip(np.repeat(np.arange(8), np.diff(program.dependents_start)).tolist(), program.dependents, strict=True)
    assert sorted(edges) == [(0, 3), (0, 4), (0, 5), (1, 2), (4, 6), (5, 6), (6, 7)]
    assert program.predecessors.tolist() == [0, 0, 1, 1, 1, 1, 2, 1]


def test_a_chain_waits_kind_by_kind() -> None:
    build = Builder()
    hop = build.kind("hop", station=build.station("link"), latency=1)
    cross = build.kind("cross", station=build.station("other link"), latency=2)
    before = build.tasks(hop, 2)
    last = build.chain([cross, hop, cross], np.array(before))
    assert last.tolist() == [6, 7]
    program = build.build()
    assert program.kind.tolist() == [hop, hop, cross, cross, hop, hop, cross, cross]
    edges = zip(np.repeat(np.arange(8), np.diff(program.dependents_start)).tolist(), program.dependents, strict=True)
    assert sorted(edges) == [(0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)]


def test_ids_may_be_changed_by_their_owner_afterwards() -> None:
    build = Builder()
    build.tasks(build.kind("read", station=build.station("adc"), latency=1), 3)
    ids = np.array([1, 2])
    build.after(ids, 0)
    ids[:] = 0
    assert build.build().dependents.tolist() == [1, 2]


def test_lengths_that_do_not_fit_are_refused() -> None:
    build = Builder()
    tasks = build.tasks(build.kind("read", station=build.station("adc"), latency=1), 5)
    with pytest.raises(ValueError, match="found 3 tasks and 2 predecessors"):
        build.after(tasks[2:], tasks[:2])


@pytest.mark.parametrize(("later", "earlier", "named"), [(9, 0, "9"), (1, -1, "-1"), ([1, -2], [7, 0], "-2, 7")])
def test_dependencies_on_unknown_tasks_are_refused(
    later: int | list[int], earlier: int | list[int], named: str
) -> None:
    build = Builder()
    build.tasks(build.kind("read", station=build.station("adc"), latency=1), 2)
    build.after(later, earlier)
    with pytest.raises(ProgramError, match=f"unknown tasks {named}; the program has 2 tasks"):
        build.build()


def test_joins_of_one_operator_share_a_kind() -> None:
    build = Builder()
    for operator in ("a", "b", "a"):
        build.join([], operator=operator)
    program = build.build()
    assert program.kind.tolist() == [0, 1, 0]
    assert [program.operators[operator] for operator in program.operator] == ["a", "b"]
