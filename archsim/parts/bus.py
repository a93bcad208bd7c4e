"""Shared bus inside a module."""

from typing import ClassVar

from archsim.parts.base import Action, Place, Stream
from archsim.parts.quantity import Bits


class Bus(Stream):
    """`width` wires; one `transfer` moves as many bits, to all that listen."""

    place: ClassVar[Place] = "wire"
    actions: ClassVar[tuple[str, ...]] = ("transfer",)

    width: Bits
    transfer: Action
