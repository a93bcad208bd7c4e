"""What steps compute, exactly: functions of one row or two, on tensors whose last axis is the row."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, pi, sqrt
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
        Of each, -1, 0 or 1; infinite where something was divided by 0.
    magnitude
        Natural logarithm of its magnitude; any number where the sign is 0.
    """

    sign: Values
    magnitude: Values

    def numbers(self) -> Values:
        """The numbers themselves."""
        return np.where(self.sign == 0, 0.0, self.sign * np.exp(self.magnitude))

    @property
    def positive(self) -> bool:
        """Whether all are above 0, so that their logarithms are numbers."""
        return bool((self.sign == 1).all())


Operand = Values | Log


@dataclass(frozen=True)
class Attributes:
    """What belongs to an operator, and costs nothing.

    Parameters
    ----------
    epsilon
        Is added to what `sqrt` and `rsqrt` take the root of.
    factor
        By which `scale` multiplies.
    power
        Of `power`: (bias, factor, exponent), of (bias + factor * x) ** exponent.
    bounds
        Between which `clip` holds numbers.
    visible
        Which numbers of a row there are, where a mask hides some; None: all.
    neighbours
        Of how many `sum` is, of each number with those beside it; None: of the row.
    """

    epsilon: float = 0.0
    factor: float = 1.0
    power: tuple[float, float, float] = (0.0, 1.0, 1.0)
    bounds: tuple[float, float] = (0.0, 1.0)
    visible: NDArray[np.bool_] | None = None
    neighbours: int | None = None


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
    logarithms
        Whether it takes logarithms as such. Others read that of a number above 0 as a number.
    """

    compute: Callable[..., Operand]
    operands: int = 1
    reduces: bool = False
    logarithms: bool = False


def _elementwise(function: Callable[[Values], Values]) -> StepFunction:
    return StepFunction(lambda x, _: function(x))


def logarithm(x: Values) -> Log:
    """A sign and the logarithm of a magnitude for each number."""
    with np.errstate(divide="ignore"):
        return Log(np.sign(x), np.log(np.abs(x)))


def _log(x: Values, _: Attributes) -> Log:
    return logarithm(x)


def _exp(x: Operand, _: Attributes) -> Values:
    return x.numbers() if isinstance(x, Log) else np.exp(x)


def _together(sign: int) -> Callable[[Operand, Operand, Attributes], Operand]:
    """A sum or a difference; of logarithms it is a product or a quotient, and a number beside one is an exponent."""

    def compute(x: Operand, y: Operand, _: Attributes) -> Operand:
        if not isinstance(x, Log) and not isinstance(y, Log):
            return x + sign * y
        one, other = (of if isinstance(of, Log) else Log(np.ones(()), of) for of in (x, y))
        signs = one.sign * other.sign if sign > 0 else one.sign / other.sign
        return Log(signs, one.magnitude + sign * other.magnitude)

    return compute


def _seen(x: Values, of: Attributes) -> NDArray[np.bool_] | bool:
    """Which numbers of rows count; all of what is one number of each row."""
    return True if of.visible is None or x.shape[-1] != of.visible.shape[-1] else of.visible


def _sum(x: Values, of: Attributes) -> Values:
    if of.neighbours is not None:
        before = of.neighbours // 2
        around = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(before, of.neighbours - 1 - before)])
        return np.asarray(np.lib.stride_tricks.sliding_window_view(around, of.neighbours, axis=-1).sum(axis=-1))
    return np.asarray(np.sum(x, axis=-1, keepdims=True, where=_seen(x, of)))


def _mean(x: Values, of: Attributes) -> Values:
    return np.asarray(np.mean(x, axis=-1, keepdims=True, where=_seen(x, of)))


def _maximum(x: Values, of: Attributes) -> Values:
    return np.asarray(np.max(x, axis=-1, keepdims=True, where=_seen(x, of), initial=-np.inf))


def _minimum(x: Values, of: Attributes) -> Values:
    return np.asarray(np.min(x, axis=-1, keepdims=True, where=_seen(x, of), initial=np.inf))


def _argmax(x: Values, _: Attributes) -> Values:
    return np.asarray(np.argmax(x, axis=-1, keepdims=True), np.float64)


def _products(x: Values, y: Values, _: Attributes) -> Values:
    """Of rows (..., rows, 1, n) and columns (..., 1, columns, n) without all products at once."""
    if x.ndim == y.ndim > 2 and x.shape[-2] == y.shape[-3] == 1:  # noqa: PLR2004
        return np.asarray(x[..., 0, :] @ y[..., 0, :, :].swapaxes(-1, -2))[..., None]
    return np.asarray(np.sum(x * y, axis=-1, keepdims=True))


def _sigmoid(x: Values) -> Values:
    return np.asarray(1 / (1 + np.exp(-x)))


def _gelu(x: Values) -> Values:
    return np.asarray(0.5 * x * (1 + np.vectorize(erf, otypes=[np.float64])(x / sqrt(2))))


def _gelu_tanh(x: Values) -> Values:
    return np.asarray(0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))))


def _softplus(x: Values) -> Values:
    return np.asarray(np.log1p(np.exp(x)))


CURVES: Mapping[str, Callable[[Values], Values]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "quick_gelu": lambda x: x * _sigmoid(1.702 * x),
    "silu": lambda x: x * _sigmoid(x),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "mish": lambda x: x * np.tanh(_softplus(x)),
}
"""Activations that units have as functions of their own."""

FUNCTIONS: Mapping[str, StepFunction] = {
    "exp": StepFunction(_exp, logarithms=True),
    "log": StepFunction(_log),
    "reciprocal": _elementwise(lambda x: 1 / x),
    "square": _elementwise(np.square),
    "absolute": _elementwise(np.abs),
    "sqrt": StepFunction(lambda x, of: np.sqrt(x + of.epsilon)),
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
    "add": StepFunction(_together(1), operands=2, logarithms=True),
    "subtract": StepFunction(_together(-1), operands=2, logarithms=True),
    "multiply": StepFunction(lambda x, y, _: x * y, operands=2),
    "divide": StepFunction(lambda x, y, _: x / y, operands=2),
    "multiply_accumulate": StepFunction(_products, operands=2, reduces=True),
    "mvm": StepFunction(_products, operands=2, reduces=True),
    "write": StepFunction(lambda x, _: x, logarithms=True),
}
"""By name; a step with an operator's name does the whole of that operator."""

OF_TWO: Mapping[str, StepFunction] = {
    "maximum": StepFunction(lambda x, y, _: np.maximum(x, y), operands=2),
    "minimum": StepFunction(lambda x, y, _: np.minimum(x, y), operands=2),
}
"""What a step of that name does where two operands are named."""
