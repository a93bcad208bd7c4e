"""The engines against an oracle that follows the same two rules in another way."""

from __future__ import annotations

from random import Random

from archsim.program import Deadlock, Program, Run, check, compiled, simpy
from tests.program.oracle import NEVER, Oracle
from tests.program.random_programs import random_program


def times(run: Run) -> tuple[list[int], ...]:
    return tuple(column.tolist() for column in (run.ready, run.offered, run.start, run.finish))


def outcomes(program: Program) -> tuple[Run | Deadlock, Run | Deadlock]:
    """Of the reference and of the compiled engine."""
    found: list[Run | Deadlock] = []
    for engine in (simpy, compiled):
        try:
            found.append(engine.play(program))
        except Deadlock as deadlock:
            found.append(deadlock)
    return found[0], found[1]


def test_all_four_times_agree_on_random_programs() -> None:
    finished = deadlocks = waited_for_space = 0
    for seed in range(1000):
        program = random_program(Random(seed))
        check(program)
        oracle = Oracle(program)
        outcome, other = outcomes(program)
        if isinstance(outcome, Deadlock):
            stuck, time = oracle.finish.count(NEVER), max(*oracle.finish, 0)
            said = f"deadlock at {time} ps: {stuck} of {program.n_tasks} tasks cannot finish"
            assert str(outcome).splitlines()[0] == said, seed
            assert str(outcome) == str(other), seed
            deadlocks += 1
        else:
            assert isinstance(other, Run), seed
            assert times(outcome) == times(other) == oracle.times, seed
            finished += 1
            waited_for_space += bool(outcome.waited_for_space.any())
    # The programs are worth playing: most finish, some cannot, many wait for space.
    assert finished > 500
    assert deadlocks > 100
    assert waited_for_space > 200
