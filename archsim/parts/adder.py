"""Adder: partial sums on a path, sums and differences as steps of operators."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place


class Adder(Part):
    """Adds values of full width.

    Actions: add, which takes one value in. Steps: shift_add, add, subtract, and sum (of what came before it).
    """

    place: ClassVar[Place] = "combine"
    actions: ClassVar[tuple[str, ...]] = ("add",)
    steps: ClassVar[dict[str, str]] = dict.fromkeys(("shift_add", "add", "subtract", "sum"), "add")

    add: Action
