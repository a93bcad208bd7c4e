"""Shared bus inside a module."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits


class Bus(Stream):
    """Moves a word to all that listen.

    width: bits of a word, a wire each, such as 384 b.
    Actions: transfer, of one word. Steps: none.
    """

    place: ClassVar[Place] = "wire"
    actions: ClassVar[tuple[str, ...]] = ("transfer",)

    width: Bits
    transfer: Action
