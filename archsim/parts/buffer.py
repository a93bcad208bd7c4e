"""Buffers: memories of which a module reads its operands; what registers, eDRAM, SRAM and DRAM have in common."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits


class Buffer(Stream):
    """Holds bits, in words. Reads and writes have a port each.

    size: bits held, such as 64 KiB. width: bits of a word, such as 256 b.
    Actions: read and write, of one word. Steps: none.
    """

    place: ClassVar[Place] = "memory"
    actions: ClassVar[tuple[str, ...]] = ("read", "write")

    size: Bits
    width: Bits
    read: Action
    write: Action
