"""Buffers: memories of which a module reads its operands. Here what eDRAM and SRAM have in common."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits


class Buffer(Stream):
    """Holds `size` bits; a `read` or a `write` moves `width` bits. Reads and writes have a port each."""

    place: ClassVar[Place] = "memory"
    actions: ClassVar[tuple[str, ...]] = ("read", "write")

    size: Bits
    width: Bits
    read: Action
    write: Action
