"""What a file says of a projection by its own name goes before what it says of the projection's layer."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from archsim.errors import ArchsimError, Fault
from archsim.machine.machine import Machine

T = TypeVar("T")


def named(given: Mapping[str, T], key: str) -> list[T]:
    """What is given for a projection (`layer 0/qkv`), then for its layer (`layer 0`), in whatever order they stand."""
    return [given[name] for name in dict.fromkeys((key, key.rpartition("/")[0])) if name in given]


def require_none(machine: Machine, choice: Literal["bits", "digital"], why: str) -> None:
    """Raise ArchsimError where the machine's file chooses that for named projections; why: what speaks against it."""
    if any(getattr(machine.choices, choice).values()):  # a digital share of 0 is none
        found = f"found mapping.{choice}, {why}; expected none. Try --set mapping.{choice}={{}}"
        raise ArchsimError(Fault(found, machine.document.key_place(("mapping", choice))))
