"""What steps compute, exactly: functions of one row or two, on tensors whose last axis is the row."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Log:
    """Numbers by the logarithms of their magnitudes.

    Parameters
    ----------
    sign
        Of each, -1, 0 or 1.
    magnitude
        Natural logarithm of its magnitude; any number where the sign is 0.
    """

    sign: Values
    magnitude: Values

    def numbers(self) -> Values:
        """The numbers themselves."""
        return np.where(self.sign == 0, 0.0, self.sign * np.exp(self.magnitude))


Operand = Values | Log


@dataclass(frozen=True)
class StepFunction:
    """A step.

    Parameters
    ----------
    compute
        Takes the operands and the operator's attributes.
    operands
        How many it takes.
    reduces
        Whether it leaves one number of each row.
    """

    compute: Callable[..., Operand]
    operands: int = 1
    reduces: bool = False


@dataclass(frozen=True)
class Attributes:
    """What belongs to an operator, and costs nothing.

    Parameters
    ----------
    epsilon
        Is added to what `rsqrt` takes the root of.
    factor
        By which `scale` multiplies.
    power
        Of `power`: (bias, factor, exponent), of (bias + factor * x) ** exponent.
    bounds
        Between which `clip` holds numbers.
    visible
        Which numbers of a row there are, where a mask hides some; None: all.
    """

    epsilon: float = 0.0
    factor: float = 1.0
    power: tuple[float, float, float] = (0.0, 1.0, 1.0)
    bounds: tuple[float, float] = (0.0, 1.0)
    visible: NDArray[np.bool_] | None = None


def _elementwise(function: Callable[[Values], Values]) -> StepFunction:
    return StepFunction(lambda x, _: function(x))


def _log(x: Values, _: Attributes) -> Log:
    with np.errstate(divide="ignore"):
        magnitude: Values = np.log(np.abs(x))
    return Log(np.sign(x), magnitude)


def _exp(x: Operand, _: Attributes) -> Values:
    return x.numbers() if isinstance(x, Log) else np.exp(x)


def _together(sign: int) -> Callable[[Operand, Operand, Attributes], Operand]:
    """A sum or a difference; of logarithms it is a product or a quotient, and a number beside one is an exponent."""

    def compute(x: Operand, y: Operand, _: Attributes) -> Operand:
        if not isinstance(x, Log) and not isinstance(y, Log):
            return x + sign * y
        one, other = (each if isinstance(each, Log) else Log(np.ones(()), each) for each in (x, y))
        return Log(one.sign * other.sign, one.magnitude + sign * other.magnitude)

    return compute


def _sum(x: Values, of: Attributes) -> Values:
    return np.asarray(np.sum(x, axis=-1, keepdims=True, where=True if of.visible is None else of.visible))


def _mean(x: Values, of: Attributes) -> Values:
    return np.asarray(np.mean(x, axis=-1, keepdims=True, where=True if of.visible is None else of.visible))


def _maximum(x: Values, of: Attributes) -> Values:
    visible = True if of.visible is None else of.visible
    return np.asarray(np.max(x, axis=-1, keepdims=True, where=visible, initial=-np.inf))


def _minimum(x: Values, of: Attributes) -> Values:
    visible = True if of.visible is None else of.visible
    return np.asarray(np.min(x, axis=-1, keepdims=True, where=visible, initial=np.inf))


def _argmax(x: Values, _: Attributes) -> Values:
    return np.asarray(np.argmax(x, axis=-1, keepdims=True), np.float64)


def _products(x: Values, y: Values, _: Attributes) -> Values:
    return np.asarray(np.sum(x * y, axis=-1, keepdims=True))


def _sigmoid(x: Values) -> Values:
    return np.asarray(1 / (1 + np.exp(-x)))


def _gelu(x: Values) -> Values:
    return np.asarray(0.5 * x * (1 + np.vectorize(erf, otypes=[np.float64])(x / sqrt(2))))


CURVES: Mapping[str, Callable[[Values], Values]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
    "relu": lambda x: np.maximum(x, 0),
}
"""Activations that units have as functions of their own."""

FUNCTIONS: Mapping[str, StepFunction] = {
    "exp": StepFunction(_exp),
    "log": StepFunction(_log),
    "reciprocal": _elementwise(lambda x: 1 / x),
    "square": _elementwise(np.square),
    "rsqrt": StepFunction(lambda x, of: 1 / np.sqrt(x + of.epsilon)),
    "scale": StepFunction(lambda x, of: x * of.factor),
    "clip": StepFunction(lambda x, of: np.clip(x, *of.bounds)),
    "power": StepFunction(lambda x, of: (of.power[0] + of.power[1] * x) ** of.power[2]),
    **{name: _elementwise(curve) for name, curve in CURVES.items()},
    "sum": StepFunction(_sum, reduces=True),
    "mean": StepFunction(_mean, reduces=True),
    "maximum": StepFunction(_maximum, reduces=True),
    "minimum": StepFunction(_minimum, reduces=True),
    "argmax": StepFunction(_argmax, reduces=True),
    "add": StepFunction(_together(1), operands=2),
    "subtract": StepFunction(_together(-1), operands=2),
    "multiply": StepFunction(lambda x, y, _: x * y, operands=2),
    "multiply_accumulate": StepFunction(_products, operands=2, reduces=True),
    "mvm": StepFunction(_products, operands=2, reduces=True),
    "write": StepFunction(lambda x, _: x),
}
"""By name; a unit's own step of an operator's name does the whole operator."""

OF_TWO: Mapping[str, StepFunction] = {
    "maximum": StepFunction(lambda x, y, _: np.maximum(x, y), operands=2),
    "minimum": StepFunction(lambda x, y, _: np.minimum(x, y), operands=2),
}
"""What a step of that name does where two operands are named."""
