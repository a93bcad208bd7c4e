"""Stands in for all that lies behind the command line, so that tests of it play no program.

As a script it is archsim with that fake: `python -m tests.cli.fake run isaac bert-base`. The name of the
machine says what happens in the run.
"""

import errno
import signal
import sys
import time
from importlib import import_module
from typing import Any

from archsim.description import Description
from archsim.errors import ArchsimError, Fault, Place, did_you_mean
from tests.report.samples import sample_description, sample_result

MACHINES = ("isaac", "buggy", "deep", "greedy", "interrupted", "large", "mute", "read-only", "sleepy")


class FakeResult:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def to_dict(self) -> dict[str, Any]:
        return self.data


class Named(str):
    __slots__ = ()

    @property
    def name(self) -> str:
        return str(self)


def load_machine(name: str, settings: tuple[str, ...] = (), mapping: object = None) -> Named:  # noqa: ARG001
    if name == "faulty.yaml":
        raise ArchsimError(Fault("second", Place("faulty.yaml", 9, 1)), Fault("first", Place("faulty.yaml", 2, 3)))
    if name not in MACHINES:
        raise ArchsimError(f"no machine '{name}'. {did_you_mean(name, MACHINES)}")
    return Named(name)


def load_model(name: str, shapes: object = None, **options: object) -> Named:  # noqa: ARG001
    if name != "bert-base":
        raise ArchsimError(f"no model '{name}'. {did_you_mean(name, ['bert-base'])}")
    return Named(name)


def describe(machine: str) -> Description:
    _happen(machine)
    return sample_description()


def simulate(machine: str, model: str, *, times: dict[str, float], grain: str, **job: object) -> FakeResult:  # noqa: ARG001
    _happen(machine)
    times["map"] = 0.25
    times["play"] = 0.5
    data = sample_result(operators=20_000 if machine == "large" else 3)
    told = {name: value for name, value in job.items() if name in data and value is not None}
    return FakeResult(data | told | {"machine": machine, "model": model})


def _happen(machine: str) -> None:
    if machine == "buggy":
        raise RuntimeError("one line\nand another")
    if machine == "deep":
        _happen(machine)
    if machine == "greedy":
        raise MemoryError
    if machine == "interrupted":
        raise KeyboardInterrupt
    if machine == "mute":
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    if machine == "read-only":
        raise OSError(errno.EROFS, "Read-only file system", "/somewhere/cache")
    if machine == "sleepy":
        sys.stderr.write("asleep\n")
        time.sleep(60)


REPLACED = {
    "archsim.machine.load_machine": load_machine,
    "archsim.graph.load_model": load_model,
    "archsim.description.describe": describe,
    "archsim.simulation.simulate": simulate,
}
"""What stands in for what, by its dotted name."""


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its background jobs ignore it
    for target, stand_in in REPLACED.items():
        module, _, name = target.rpartition(".")
        setattr(import_module(module), name, stand_in)
    from archsim.cli import main

    main()
