"""Register file between two stages of a path."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits


class Register(Stream):
    """Holds `size` bits; a `read` or a `write` moves `width` bits."""

    place: ClassVar[Place] = "memory"
    actions: ClassVar[tuple[str, ...]] = ("read", "write")

    size: Bits
    width: Bits
    read: Action
    write: Action
