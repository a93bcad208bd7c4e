"""The energy ledger: counted actions times whole zeptojoules, in Python integers, so that every sum is exact."""

from collections.abc import Callable
from dataclasses import dataclass

from archsim.machine.machine import Machine
from archsim.program import Run
from archsim.result.names import operator_name

STATIC = "static"
"""What no operator causes: leakage and refresh."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one operator (`layer/name`) spent in one action (`module.part.action`): how often, and zJ in all."""

    operator: str
    action: str
    number: int
    energy: int


@dataclass(frozen=True)
class Ledger:
    """All entries of a run, and what flowed all the time (zJ)."""

    entries: tuple[Entry, ...]
    static: int

    @property
    def total(self) -> int:
        """All of it, zJ."""
        return self.static + sum(entry.energy for entry in self.entries)

    def by(self, key: Callable[[Entry], str]) -> dict[str, int]:
        """Energy by any key of the entries, zJ, in order of first appearance; `static` is last."""
        sums: dict[str, int] = {}
        for entry in self.entries:
            name = key(entry)
            sums[name] = sums.get(name, 0) + entry.energy
        return {**sums, STATIC: self.static}


def part_of(entry: Entry) -> str:
    """`module.part`."""
    return entry.action.rpartition(".")[0]


def layer_of(entry: Entry) -> str:
    """The operator's layer."""
    return entry.operator.partition("/")[0]


def operator_of(entry: Entry) -> str:
    """The operator's name, whatever its layer."""
    return operator_name(entry.operator)


def costs(machine: Machine) -> dict[str, int]:
    """Energy of one action, zJ, by `module.part.action`."""
    return {
        f"{module}.{name}.{action}": machine.parts[name].known_cost(action).energy
        for module, name, _ in machine.walk()
        for action in machine.parts[name].actions
    }


def keep(machine: Machine, run: Run, chips: int) -> Ledger:
    """Make the ledger of a run."""
    each = costs(machine)
    counts = run.counts().tolist()
    entries = tuple(
        Entry(operator, action, number, number * each[action])
        for operator, row in zip(run.program.operators, counts, strict=True)
        for action, number in zip(run.program.actions, row, strict=True)
        if number
    )
    return Ledger(entries, round(machine.static_power(machine.root) * chips) * run.makespan)
