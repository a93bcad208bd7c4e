"""Which engine plays a Program: all agree on every time of every task, so that only the host's time depends on it."""

import sys
from collections.abc import Callable
from importlib import import_module

from archsim.errors import ArchsimError, did_you_mean, quoted
from archsim.program.arrays import Program
from archsim.program.run import Run

ENGINES = ("compiled", "simpy")

_WORTH_LOADING = 80_000
"""Tasks that SimPy plays in about the time that it takes to load numba and machine code from the disk (0.6 s)."""


def play(program: Program, engine: str = "compiled", progress: Callable[[int, int], None] | None = None) -> Run:
    """Play a checked Program on an engine; `progress` is told from time to time how many tasks are done, of how many.

    Raises
    ------
        ArchsimError: there is no such engine.
        Deadlock: no event is left and some tasks have not finished.
    """
    if engine not in ENGINES:
        raise ArchsimError(f"engine: found {quoted(engine)}. {did_you_mean(engine, ENGINES)}")
    chosen = import_module(f"archsim.program.{engine}")
    run: Run = chosen.play(program, progress)
    return run


def quickest(program: Program) -> str:
    """The engine for a process that plays only this Program."""
    return "compiled" if program.n_tasks >= _WORTH_LOADING else "simpy"


def at_hand() -> str:
    """The engine for a Program so small that none is worth loading."""
    return "compiled" if "archsim.program.compiled" in sys.modules else "simpy"
