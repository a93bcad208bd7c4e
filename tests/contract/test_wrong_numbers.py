"""Units whose numbers are wrong in one way each do not pass the contract."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from archsim import load_machine
from archsim.parts.vector import Vector
from archsim.steps.arithmetic import Setting, StepArithmetic, StepCall
from archsim.steps.formats import FLOAT32, FORMATS, InFormat
from archsim.steps.functions import FUNCTIONS, Log, Operand
from archsim.testing import check_part, check_values


@dataclass
class Right:
    """As a vector unit."""

    def compute(self, call: StepCall) -> Operand:
        """In float32."""
        return FLOAT32.compute(call)

    def ideal(self, call: StepCall) -> Operand:
        """In float64."""
        return call.exactly()

    def remarks(self) -> tuple[str, ...]:
        """None."""
        return ()


class Another(Right):
    """Takes one function for another."""

    def compute(self, call: StepCall) -> Operand:
        """A SiLU where a GELU is meant."""
        return super().compute(replace(call, function=FUNCTIONS["silu"]) if call.name == "gelu" else call)


class Flat(Right):
    """Loses a dimension."""

    def compute(self, call: StepCall) -> Operand:
        """Sums without their axis."""
        result = super().compute(call)
        return result[..., 0] if call.name == "sum" and isinstance(result, np.ndarray) else result


class Unsigned(Right):
    """Right above 0 alone."""

    def compute(self, call: StepCall) -> Operand:
        """Magnitudes where a tanh is meant."""
        result = super().compute(call)
        return np.abs(result) if call.name == "tanh" and isinstance(result, np.ndarray) else result


class Unlogged(Right):
    """Knows no logarithms."""

    def compute(self, call: StepCall) -> Operand:
        """The exponential of a magnitude, without its sign."""
        operand = call.operands[0]
        if call.name == "exp" and isinstance(operand, Log):
            return np.exp(operand.magnitude)
        return super().compute(call)


class Bursting(Right):
    """Not finite beyond the range."""

    def compute(self, call: StepCall) -> Operand:
        """No number above the greatest."""
        result, operand = super().compute(call), call.operands[0]
        if call.name != "square" or not isinstance(operand, np.ndarray) or not isinstance(result, np.ndarray):
            return result
        return np.where(operand > call.spans[0].high, np.nan, result)


@dataclass
class Learning(Right):
    """Its results depend on what it has done before."""

    greatest: list[float] = field(default_factory=lambda: [0.0])

    def compute(self, call: StepCall) -> Operand:
        """Codes of a range that grows."""
        operand = call.operands[0]
        if call.name != "absolute" or not isinstance(operand, np.ndarray):
            return super().compute(call)
        self.greatest[0] = max(self.greatest[0], float(np.abs(operand).max()))
        unit = self.greatest[0] / 127
        return np.rint(np.abs(operand) / unit) * unit


@dataclass
class Random(Right):
    """Draws without a seed."""

    draw: np.random.Generator = field(default_factory=np.random.default_rng)

    def compute(self, call: StepCall) -> Operand:
        """A little noise."""
        result = super().compute(call)
        if call.name != "scale" or not isinstance(result, np.ndarray):
            return result
        return result + 1e-6 * self.draw.normal(size=result.shape)


class Own(Vector):
    """A vector unit with numbers of its own. Actions: linear, special."""

    kind: type[Right]

    def arithmetic(self, setting: Setting) -> StepArithmetic:  # noqa: ARG002
        """Of that kind."""
        return self.kind()


def own(kind: type[Right]) -> Own:
    action = {"interval": "1 ns", "energy": "1 pJ"}
    return Own.model_validate({"lanes": "4", "linear": action, "special": action, "kind": kind})


def test_what_is_right_passes() -> None:
    check_values(own(Right))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Another, "step 'gelu': off by"),
        (Flat, r"step 'sum': found results \(4,\); expected \(4, 1\)"),
        (Unsigned, "step 'tanh': off by 2 of the largest result; expected 0.05 at most"),
        (Unlogged, "step 'exp': off by"),
        (Bursting, "step 'square': not finite beyond its range"),
        (Learning, "step 'absolute': a second answer differs from the first"),
        (Random, "step 'scale': a second answer differs from the first"),
    ],
)
def test_what_is_wrong_is_named(kind: type[Right], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check_values(own(kind))


def test_coarse_formats_need_room() -> None:
    part = load_machine("isaac", ["parts.vector.format=fp8_e5m2"]).parts["vector"]
    assert part.arithmetic(Setting("vector")) == InFormat(FORMATS["fp8_e5m2"], FORMATS["fp32"])
    with pytest.raises(AssertionError, match=r"expected 0\.05 at most"):
        check_part(part)
    check_part(part, tolerance=0.6)
    check_part(load_machine("isaac", ["parts.vector.format=fp16"]).parts["vector"])
