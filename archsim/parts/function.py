"""Function unit on a path, such as a sigmoid or a pooling unit: passed by results that do not need it."""

from typing import ClassVar

from archsim.parts.base import Action, Part, Place


class Function(Part):
    """Applies a function to one value at a time.

    Actions: evaluate, of one value. Steps: sigmoid, relu, maximum.
    """

    place: ClassVar[Place] = "function"
    actions: ClassVar[tuple[str, ...]] = ("evaluate",)
    steps: ClassVar[dict[str, str]] = {"sigmoid": "evaluate", "relu": "evaluate", "maximum": "evaluate"}

    evaluate: Action
