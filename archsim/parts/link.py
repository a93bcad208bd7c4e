"""Link between chips."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits


class Link(Stream):
    """One `send` moves a packet of `width` bits to the neighbouring chip."""

    place: ClassVar[Place] = "link"
    actions: ClassVar[tuple[str, ...]] = ("send",)

    width: Bits
    send: Action
