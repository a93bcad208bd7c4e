"""Part classes of a user's own: one that is as it should be, and some that are not."""

from fractions import Fraction
from typing import ClassVar

from pydantic import model_validator

from archsim.parts.base import Action, Cost, Part, Place, Stream
from archsim.parts.quantity import Bits, Count


class MyAdc(Part):
    """Two converters that take turns."""

    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ("convert",)
    steps: ClassVar[dict[str, str]] = {"convert": "convert"}

    bits: Bits
    slices: int = 1
    convert: Action

    @model_validator(mode="after")
    def _even(self) -> "MyAdc":
        if self.bits % 2:
            raise ValueError("'bits' is odd; expected an even number")
        return self

    @property
    def parallel(self) -> int:
        return 2


class Placeless(Part):
    actions: ClassVar[tuple[str, ...]] = ("convert",)
    convert: Action


class Displaced(Placeless):
    place: ClassVar[Place] = "somewhere"  # type: ignore[assignment]


class Idle(Part):
    place: ClassVar[Place] = "convert"


class Listed(Part):
    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ["convert"]  # type: ignore[assignment]
    convert: Action


class Promising(Part):
    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ("convert", "sleep")
    steps: ClassVar[dict[str, str]] = {"exp": "search"}
    convert: Action | None = None


class Stepless(Part):
    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ("convert",)
    steps: ClassVar[dict[str, str]] = ("convert",)  # type: ignore[assignment]
    convert: Action


class Labelled(MyAdc):
    source: Count


class Array(Part):
    place: ClassVar[Place] = "array"
    actions: ClassVar[tuple[str, ...]] = ("read",)
    read: Action


class Memory(Stream):
    place: ClassVar[Place] = "memory"
    actions: ClassVar[tuple[str, ...]] = ("read",)
    size: Bits
    read: Action


class Computing(Part):
    """Makes its costs of no action of its own."""

    place: ClassVar[Place] = "compute"
    actions: ClassVar[tuple[str, ...]] = ("guess",)
    steps: ClassVar[dict[str, str]] = {"exp": "guess"}
    guesses: Count

    def cost(self, action: str) -> Cost:  # noqa: ARG002
        time = Fraction(1000, self.guesses - 1)
        return Cost(time, time, 7, "guessed")
