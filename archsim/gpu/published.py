"""Ratios that papers print of their machine over others: `hw_configs/ratios`, one file a machine."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from archsim import resources
from archsim.errors import ArchsimError, Fault
from archsim.machine.bibliography import unknown_source
from archsim.machine.provenance import mapping
from archsim.machine.source import read
from archsim.machine.wording import validate
from archsim.parts.quantity import Name, Share

FOLDER = "hw_configs/ratios"


class Printed(BaseModel):
    """Ratios as printed. `of`: what they are an average of; `hangs_on`: what one would have to know to derive them.

    over: GPUs or machines; named: which, by the names that `compare` prints, without it any. batch: at one input, at
    several, without it at any. models: without it all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    over: Literal["gpu", "machine"]
    named: list[Name] = Field(default_factory=list)
    batch: Literal["one", "several"] | None = None
    models: list[Name] = Field(default_factory=list)
    speed_up: Share | None = None
    energy: Share | None = None
    of: Name
    hangs_on: Name


class PrintedFile(BaseModel):
    """What one paper prints of one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_id: Literal["archsim.ratios/1"] = Field(alias="schema")
    machine: Name
    source: Name
    ratios: list[Printed]


@cache
def published() -> tuple[PrintedFile, ...]:
    """All files; raises ArchsimError where one is wrong."""
    return tuple(load(path) for path in sorted(resources.find(FOLDER).glob("*.yaml")))


def load(path: Path) -> PrintedFile:
    """One file; raises ArchsimError with the place of what is wrong."""
    document = read(path)
    faults: list[Fault] = []
    file = validate(PrintedFile, mapping(document), document, (), faults)
    wrong = unknown_source(file.source) if file is not None else None
    if wrong is not None:
        faults.append(Fault(wrong, document.place(("source",))))
    if file is None or faults:
        raise ArchsimError(*faults)
    return file


def printed(machine: str, over: str, model: str, batch: int, *, gpu: bool) -> tuple[PrintedFile, Printed] | None:
    """What is printed of a machine, or of a variant of it (`name@change`), over another; None where nothing is."""
    kind, inputs = "gpu" if gpu else "machine", "one" if batch == 1 else "several"
    for file in published():
        for found in file.ratios if file.machine == machine.partition("@")[0] else ():
            fits = found.over == kind and (not found.named or over.partition("@")[0] in found.named)
            if fits and found.batch in (None, inputs) and (not found.models or model in found.models):
                return file, found
    return None
