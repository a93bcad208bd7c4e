"""Both engines find the same four times of every task, or say the same of the same circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim import load_machine, load_model, simulate
from archsim.errors import ArchsimError
from archsim.program import Builder, Deadlock, Program
from archsim.program.compiled import play as play_compiled
from archsim.program.engines import ENGINES, play, quickest
from tests.program.random_programs import random_program

if TYPE_CHECKING:
    from random import Random


def outcome(program: Program, engine: str) -> list[list[int]] | str:
    try:
        run = play(program, engine)
    except Deadlock as deadlock:
        return str(deadlock)
    return [column.tolist() for column in (run.ready, run.offered, run.start, run.finish)]


@given(st.randoms(use_true_random=False))
def test_engines_agree(random: Random) -> None:
    program = random_program(random)
    assert outcome(program, "compiled") == outcome(program, "simpy")


@given(st.randoms(use_true_random=False))
def test_engines_agree_on_what_locks(random: Random) -> None:
    program = random_program(random, locks=True)
    said = outcome(program, "compiled")
    assert isinstance(said, str)
    assert said == outcome(program, "simpy")


@given(st.randoms(use_true_random=False))
def test_playing_in_slices_changes_nothing(random: Random) -> None:
    program = random_program(random)
    whole = outcome(program, "compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archsim.program.compiled._INSTANTS_A_REPORT", 1)
        assert outcome(program, "compiled") == whole


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred tasks, one after the other, start and finish at 101 instants."""
    monkeypatch.setattr("archsim.program.compiled._INSTANTS_A_REPORT", 10)
    build = Builder()
    build.tasks(build.kind("work", station=build.station("unit"), latency=3), 100)
    told: list[tuple[int, int]] = []
    assert play_compiled(build.build(), lambda *at: told.append(at)).makespan == 300
    assert told[:2] == [(10, 100), (20, 100)]
    assert told[-1] == (100, 100)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_program_of_nothing(engine: str) -> None:
    assert play(Builder().build(), engine).makespan == 0


def test_results_say_which_engine_and_agree_in_all_else() -> None:
    machine, model = load_machine("isaac"), load_model("bert-tiny")
    found = [simulate(machine, model, seq=8, batch=2, engine=engine).to_dict() for engine in ENGINES]
    assert [result.pop("provenance")["engine"] for result in found] == list(ENGINES)
    assert found[0] == found[1]


def test_a_small_program_is_not_worth_loading_the_compiled_engine() -> None:
    build = Builder()
    kind = build.kind("work", station=build.station("unit"), latency=1)
    build.tasks(kind, 10)
    assert quickest(build.build()) == "simpy"
    build.tasks(kind, 200_000)
    assert quickest(build.build()) == "compiled"


def test_an_unknown_engine() -> None:
    with pytest.raises(ArchsimError, match=r"engine: found 'simpi'. Did you mean 'simpy'"):
        play(Builder().build(), "simpi")
