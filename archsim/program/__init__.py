"""Programs: tasks as plain arrays, how they are built and checked, and the engines that play them.

The engines are modules of their own, imported when one is wanted: `archsim.program.simpy`.
"""

from archsim.program.arrays import JOIN, Program, Station, Store
from archsim.program.builder import Builder
from archsim.program.checks import ProgramError, check
from archsim.program.critical import CriticalPath, critical_path
from archsim.program.deadlock import Deadlock
from archsim.program.run import Run

__all__ = [
    "JOIN",
    "Builder",
    "CriticalPath",
    "Deadlock",
    "Program",
    "ProgramError",
    "Run",
    "Station",
    "Store",
    "check",
    "critical_path",
]
