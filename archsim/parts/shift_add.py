"""Shift-and-add: combines partial results of input bits, weight slices and row blocks."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place


class ShiftAdd(Part):
    """Adds partial results, shifted by their weight.

    Actions: add, which takes one partial result in. Steps: shift_add, add.
    """

    place: ClassVar[Place] = "combine"
    actions: ClassVar[tuple[str, ...]] = ("add",)
    steps: ClassVar[dict[str, str]] = {"shift_add": "add", "add": "add"}

    add: Action
