"""Register file between two stages of a path."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits


class Register(Stream):
    """Holds bits, in words, between two stages.

    size: bits held, such as 2 KiB. width: bits of a word, such as 384 b.
    Actions: read and write, of one word. Steps: none.
    """

    place: ClassVar[Place] = "memory"
    actions: ClassVar[tuple[str, ...]] = ("read", "write")

    size: Bits
    width: Bits
    read: Action
    write: Action
