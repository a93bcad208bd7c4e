"""RACE unit (RACE-IT): analog CAM arrays for functions of one or two variables, with Gray decoding in rounds."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from archsim.parts.base import Action, Cost, Part, Place
from archsim.parts.errors import BoundErrors
from archsim.parts.quantity import Count
from archsim.parts.ranges import FUNCTIONS, Ranges

if TYPE_CHECKING:
    from archsim.steps.arithmetic import Setting, StepArithmetic

_RESULT = 8
"""Bits of a result: of a function, and of a product of two codes of 4 bits."""


class Race(Part):
    """An 8-bit product is four searches of 4-bit pairs, side by side in four arrays; a function takes fewer.

    arrays: a count; each has `rows` (output bits) x `cols` (ranges). function_arrays: a count, of those that a function
    of one variable takes (default 1). rounds: a count, of times that decoding feeds back into the same gates.
    ranges: inputs of functions, such as {exp: [-8, 0]}; without them as calibrated.
    errors: its bounds, search, for values.
    search: what asking one array takes, decode: what one round takes; both are given as actions are.
    Actions: multiply and function, of one result. Steps: multiply, and the functions of one variable.
    """

    place: ClassVar[Place] = "compute"
    actions: ClassVar[tuple[str, ...]] = ("multiply", "function")
    steps: ClassVar[dict[str, str]] = {"multiply": "multiply"} | dict.fromkeys(FUNCTIONS, "function")

    arrays: Count
    rows: Count
    cols: Count
    rounds: Count
    function_arrays: Count = 1
    ranges: Ranges = ()
    errors: BoundErrors = BoundErrors()
    search: Action
    decode: Action

    @model_validator(mode="after")
    def _has_a_row_for_each_bit(self) -> "Race":
        if self.rows < _RESULT:
            text = "found {rows} 'rows'; expected {bits} at least, one for each bit of a result"
            raise PydanticCustomError("race", text, {"rows": self.rows, "bits": _RESULT})
        return self

    @property
    def parallel(self) -> int:
        """Power is that of all arrays searching; `cost` shares it out."""
        return self.arrays

    def arithmetic(self, setting: "Setting") -> "StepArithmetic":
        """Codes of 8 bits, and tables as large as the arrays."""
        from archsim.kernels import race_noise as noise
        from archsim.kernels.race_steps import RaceArithmetic

        errors = noise.BoundErrors(float(self.errors.bounds), float(self.errors.search))
        sizes = self.cols, self.rounds, self.function_arrays
        return RaceArithmetic(setting.part, *sizes, dict(self.ranges), errors, setting.seed)

    def searches(self, action: str) -> int:
        """Arrays that one action searches."""
        return 4 if action == "multiply" else self.function_arrays

    def cost(self, action: str) -> Cost:
        """Searches side by side as far as there are arrays, then the rounds of the decoder."""
        if action not in self.actions:
            return super().cost(action)
        search, decode = super().cost("search"), super().cost("decode")
        turns = -(-self.searches(action) // self.arrays)
        latency = search.latency + (turns - 1) * search.interval + self.rounds * decode.latency
        interval = max(turns * search.interval, self.rounds * decode.interval)
        energy = self.searches(action) * search.energy + self.rounds * decode.energy
        derivation = (
            f"{self.searches(action)} searches ({search.derivation}), {self.rounds} rounds ({decode.derivation})"
        )
        return Cost(latency, interval, energy, derivation)

    def side_by_side(self, action: str) -> int:
        """A unit works on one action at a time, or on as many as its arrays have room for."""
        return max(1, self.arrays // self.searches(action))
