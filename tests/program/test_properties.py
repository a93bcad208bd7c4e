"""What holds of every run, rechecked from its four times alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from archsim.program import JOIN, Deadlock, Program, Run
from archsim.program.order import sources
from archsim.program.simpy import play
from tests.program.random_programs import random_program

if TYPE_CHECKING:
    from random import Random


def finished(random: Random) -> Run:
    try:
        return play(random_program(random))
    except Deadlock:
        assume(condition=False)
        raise


runs = st.randoms(use_true_random=False).map(finished)


def per_task(program: Program, of_kind: np.ndarray) -> list[int]:
    column: list[int] = of_kind[program.kind].tolist()
    return column


@given(runs)
def test_times_follow_each_other_and_the_dependencies(run: Run) -> None:
    assert (run.ready <= run.offered).all()
    assert (run.offered <= run.start).all()
    assert (run.finish - run.start).tolist() == per_task(run.program, run.program.latency)
    ready = np.zeros(run.program.n_tasks, np.int64)
    np.maximum.at(ready, run.program.dependents, run.finish[sources(run.program)])
    assert run.ready.tolist() == ready.tolist()


@given(runs)
def test_a_store_is_never_overdrawn_or_overfull(run: Run) -> None:
    program = run.program
    for index, store in enumerate(program.stores):
        changes = []
        for task, kind in enumerate(program.kind.tolist()):
            # Of one instant, what is given (0) comes before what is taken (1).
            changes += [(run.finish[task], 0, amount) for at, amount in program.gives(kind) if at == index]
            changes += [(run.start[task], 1, -amount) for at, amount in program.takes(kind) if at == index]
        free = store.capacity
        for _, _, change in sorted(changes):
            free += change
            assert 0 <= free <= store.capacity


@given(runs)
def test_a_station_serves_in_order_on_no_more_than_its_servers(run: Run) -> None:
    program = run.program
    intervals = np.array(per_task(program, program.interval))
    for index, station in enumerate(program.stations):
        tasks = np.flatnonzero(program.station[program.kind] == index)
        tasks = tasks[np.lexsort((tasks, run.ready[tasks]))]
        assert (np.diff(run.start[tasks]) >= 0).all()
        assert (run.offered[tasks][1:] >= run.start[tasks][:-1]).all()
        for now in run.start[tasks]:
            busy = (run.start[tasks] <= now) & (now < (run.start + intervals)[tasks])
            assert busy.sum() <= station.servers


@given(runs)
def test_who_needs_no_store_starts_when_offered(run: Run) -> None:
    needs_none = np.array([not run.program.takes(kind) for kind in run.program.kind.tolist()])
    assert not run.waited_for_space[needs_none].any()


@given(runs)
def test_joins_take_no_time(run: Run) -> None:
    joins = run.program.station[run.program.kind] == JOIN
    assert run.ready[joins].tolist() == run.finish[joins].tolist()


@given(runs)
def test_no_run_is_shorter_than_its_longest_path_or_its_busiest_station(run: Run) -> None:
    program = run.program
    assert run.makespan >= run.critical_path_length()
    # An interval may end after the makespan; what lies within it must fit on the servers.
    within = replace(program, interval=np.minimum(program.interval, program.latency))
    work, servers = replace(run, program=within).work()
    assert (work <= run.makespan * servers).all()


@given(runs)
def test_a_repeated_run_gives_the_same_times(run: Run) -> None:
    again = play(run.program)
    for name in ("ready", "offered", "start", "finish"):
        assert getattr(run, name).tobytes() == getattr(again, name).tobytes()


@given(runs)
def test_doubling_every_duration_doubles_all_four_times(run: Run) -> None:
    program = run.program
    slow = play(replace(program, latency=2 * program.latency, interval=2 * program.interval))
    for name in ("ready", "offered", "start", "finish"):
        assert getattr(slow, name).tolist() == (2 * getattr(run, name)).tolist()
