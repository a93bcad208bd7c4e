"""Link between chips."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits


class Link(Stream):
    """Moves packets to the neighbouring chip.

    width: bits of a packet, such as 32 B.
    Actions: send, of one packet. Steps: none.
    """

    place: ClassVar[Place] = "link"
    actions: ClassVar[tuple[str, ...]] = ("send",)

    width: Bits
    send: Action
