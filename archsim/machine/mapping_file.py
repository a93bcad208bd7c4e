"""Mapping files: choices of how a model is put on a machine, kept apart from the machine; `archsim.mapping/1`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from archsim.errors import ArchsimError, Fault
from archsim.machine.overlay import merge
from archsim.machine.schema import Choices
from archsim.machine.source import Document, read
from archsim.machine.wording import validate
from archsim.parts.quantity import Name

SCHEMA = "archsim.mapping/1"


class _File(BaseModel):
    """What may stand in one. machine, model: the names of those that it was made for."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_id: Literal["archsim.mapping/1"] = Field(alias="schema")
    machine: Name | None = None
    model: Name | None = None
    note: str = ""
    mapping: Choices


@dataclass(frozen=True)
class MappingFile:
    """One file: its text, with places, and what it was made for; None where it does not say."""

    document: Document
    machine: str | None
    model: str | None
    note: str

    def strangers(self, machine: str, model: str | None = None) -> tuple[str, ...]:
        """A line for each of `machine` and `model` (names) that is another than the one that the file names."""
        named = (("machine", self.machine, machine), ("model", self.model, model))
        return tuple(
            str(Fault(f"the mapping is for {what} '{wanted}'; this is '{run}'", self.document.place((what,))))
            for what, wanted, run in named
            if wanted is not None and run is not None and wanted != run
        )


def read_mapping(path: str | Path) -> MappingFile:
    """Read and check a mapping file; raises ArchsimError with every fault found."""
    document = read(path)
    faults: list[Fault] = []
    made = validate(_File, document.data, document, (), faults)
    if made is None:
        raise ArchsimError(*faults)
    return MappingFile(document, made.machine, made.model, made.note)


def overlaid(machine: Document, mapping: MappingFile) -> Document:
    """A machine's document with the choices of a mapping file over its own, key by key."""
    given = mapping.document
    choices = given.data["mapping"] if isinstance(given.data, dict) else {}
    return merge(machine, Document(given.file, {"mapping": choices}, given.places, given.key_places), {})
