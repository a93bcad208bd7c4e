"""The engine against an oracle that follows the same two rules in another way."""

from __future__ import annotations

from random import Random

from archsim.program import Deadlock, Run, check
from archsim.program.simpy import play
from tests.program.oracle import NEVER, Oracle
from tests.program.random_programs import random_program


def test_all_four_times_agree_on_random_programs() -> None:
    finished = deadlocks = waited_for_space = 0
    for seed in range(1000):
        program = random_program(Random(seed))
        check(program)
        oracle = Oracle(program)
        outcome: Run | Deadlock
        try:
            outcome = play(program)
        except Deadlock as deadlock:
            outcome = deadlock
        if isinstance(outcome, Deadlock):
            stuck, time = oracle.finish.count(NEVER), max(*oracle.finish, 0)
            said = f"deadlock at {time} ps: {stuck} of {program.n_tasks} tasks cannot finish"
            assert str(outcome).splitlines()[0] == said, seed
            deadlocks += 1
        else:
            times = (outcome.ready, outcome.offered, outcome.start, outcome.finish)
            assert tuple(column.tolist() for column in times) == oracle.times, seed
            finished += 1
            waited_for_space += bool(outcome.waited_for_space.any())
    # The programs are worth playing: most finish, some cannot, many wait for space.
    assert finished > 500
    assert deadlocks > 100
    assert waited_for_space > 200
