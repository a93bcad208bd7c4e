"""Decoder from Gray code to binary behind a converter."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place


class GrayDecoder(Part):
    """A chain of XOR gates, one fewer than there are bits.

    Actions: decode, of one converted column. Steps: none.
    """

    place: ClassVar[Place] = "decode"
    actions: ClassVar[tuple[str, ...]] = ("decode",)

    decode: Action
