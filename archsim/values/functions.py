"""Functions of numbers at the same index, exactly, by the names that nodes have."""

from __future__ import annotations

from functools import cache, partial, reduce
from math import erf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.values.formats import bits_of, of_bits, rounded, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable

Values = NDArray[Any]


_STEP = 256
"""Numbers from one whole number to the next at which the error function is tabulated, up to 6, where it is 1."""
_MOST_BITS = 63
"""By which whole numbers can be shifted."""
_BLOCK = 1 << 13
"""Numbers that are computed at a time, so that caches hold them."""


@cache
def _error_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The error function and its derivative."""
    at = np.arange(6 * _STEP + 1) / _STEP
    return np.array([erf(x) for x in at]), 2 / np.sqrt(np.pi) * np.exp(-at * at)


def _erf(x: Values) -> NDArray[np.float64]:
    """In float64, by a Taylor series of order 3 from the nearest number of a table: errors are below 1e-11."""
    values, slopes = _error_table()
    flat = x.ravel().astype(np.float64)
    for begin in range(0, len(flat), _BLOCK):
        part = flat[begin : begin + _BLOCK]
        size = np.minimum(np.abs(part), 6)
        nearest = np.rint(size * _STEP)
        index, at = nearest.astype(np.int64), nearest / _STEP
        step = size - at
        slope = slopes.take(index, mode="clip") * step * (1 - step * (at - (2 * at * at - 1) / 3 * step))
        part[:] = np.copysign(values.take(index, mode="clip") + slope, part)
    return flat.reshape(x.shape)


def _gelu(x: Values) -> Values:
    found: Values = 0.5 * x * (1 + _erf(x / np.float64(np.sqrt(2))))
    return found.astype(np.float32)


def _gelu_tanh(x: Values) -> Values:
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
    found: Values = np.float32(0.5) * x * (1 + np.tanh(inner))
    return found


def _sigmoid(x: Values) -> Values:
    with np.errstate(over="ignore"):
        found: Values = np.float32(1) / (np.float32(1) + np.exp(-x))
    return found


def _softplus(x: Values) -> Values:
    found: Values = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return found


ELEMENTWISE: dict[str, Callable[[Values], Values]] = {
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "quick_gelu": lambda x: x * _sigmoid(np.float32(1.702) * x),
    "silu": lambda x: x * _sigmoid(x),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "hardswish": lambda x: x * np.clip(x / np.float32(6) + np.float32(0.5), 0, 1),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: np.float32(1) / np.sqrt(x),
    "reciprocal": lambda x: np.float32(1) / x,
    "square": np.square,
    "neg": np.negative,
    "abs": np.abs,
    "round": np.rint,
    "floor": np.floor,
    "ceil": np.ceil,
    "erf": lambda x: _erf(x).astype(np.float32),
    "sign": np.sign,
    **{function.__name__: function for function in (np.sin, np.cos, np.tan, np.sinh, np.cosh)},
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "identity": lambda x: x,
    "cast": lambda x: x.astype(np.float32),
    "whole": lambda x: np.trunc(x).astype(np.int64),
    "not": lambda x: x == 0,
    "truth": lambda x: x != 0,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isposinf": np.isposinf,
    "isneginf": np.isneginf,
    "never": lambda x: np.zeros(x.shape, np.int64),
    "bitwisenot": np.invert,
    "bits": bits_of,
    "of_bits": of_bits,
}
"""Of one operand. `cast`: to float32; `whole`: to whole numbers, towards zero."""


def _divided(x: Values, y: Values) -> Values:
    """Whole numbers towards zero."""
    if x.dtype.kind == y.dtype.kind == "i":
        return np.asarray(np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y)))
    return np.asarray(x / y)


def _power(x: Values, y: Values) -> Values:
    """Whole numbers of whole powers; of a negative one what is left of the fraction, towards zero."""
    if x.dtype.kind == y.dtype.kind == "i":
        inverse = np.where(np.abs(x) == 1, np.power(x, np.abs(y)), 0)
        return np.where(y < 0, inverse, np.power(x, np.maximum(y, 0)))
    if x.dtype.kind == "i":
        return np.trunc(np.power(x.astype(np.float64), y)).astype(np.int64)
    return np.asarray(np.power(x, y.astype(np.float32)))


def _shifted(x: Values, by: Values, *, left: bool) -> Values:
    """Bits of whole numbers moved; by less than none or all of them, only the sign is left, or on the left nothing."""
    outside = (by < 0) | (by > _MOST_BITS)
    within = np.where(outside, _MOST_BITS, by)
    return np.where(outside, 0, np.left_shift(x, within)) if left else np.right_shift(x, within)


def _mean(*xs: Values) -> Values:
    found: Values = reduce(np.add, xs) / np.float32(len(xs))
    return found


def _per_norm(x: Values, norm: Values) -> Values:
    """X / norm; zero where that is zero."""
    return np.asarray(np.where(norm == 0, 0, x / norm))


def _normalised(x: Values, scale: Values, shift: Values, mean: Values, variance: Values, epsilon: Values) -> Values:
    found: Values = (x - mean) / np.sqrt(variance + epsilon) * scale + shift
    return found


def _picked(condition: Values, x: Values, y: Values) -> Values:
    return np.asarray(np.where(condition != 0, x, y))


def _folded(function: Callable[[Any, Any], Values]) -> Callable[..., Values]:
    """Of any number of operands."""
    return lambda *xs: reduce(function, xs)


def _quantised(x: Values, scale: Values, zero: Values, low: Any, high: Any) -> Values:  # noqa: ANN401
    return np.asarray(np.clip(np.rint(x / scale) + zero, low, high).astype(np.int64))


def _requantised(x: Values, scale: Values, zero: Values, low: Any, high: Any) -> Values:  # noqa: ANN401
    """Sums of whole numbers: in float64, as they have up to 32 bits."""
    return np.asarray(np.clip(np.rint(x.astype(np.float64) * scale + zero), low, high).astype(np.int64))


def _range_scale(low: Values, high: Values) -> Values:
    """What a step of 255 from the smallest number to the largest is worth, 0 included."""
    wide = np.maximum(high, 0) - np.minimum(low, 0)
    return np.asarray(np.where(wide == 0, np.float32(1), wide) / np.float32(255))


def _range_zero(low: Values, scale: Values) -> Values:
    """The step at which 0 is."""
    return np.asarray(np.rint(np.clip(-np.minimum(low, 0) / scale, 0, 255)))


COMBINING: dict[str, Callable[..., Values]] = {
    "add": _folded(np.add),
    "mul": _folded(np.multiply),
    "min": _folded(np.minimum),
    "max": _folded(np.maximum),
    "sub": np.subtract,
    "div": _divided,
    "pow": _power,
    "mean": _mean,
    "mod": np.mod,
    "fmod": np.fmod,
    "shift_left": partial(_shifted, left=True),
    "shift_right": partial(_shifted, left=False),
    "bitwiseand": np.bitwise_and,
    "bitwiseor": np.bitwise_or,
    "bitwisexor": np.bitwise_xor,
    "per_norm": _per_norm,
    "rounded": rounded,
    "wrapped": wrapped,
    "normalised": _normalised,
    "scale": np.multiply,
    "batchnorm": lambda x, scale, shift: x * scale + shift,
    "clip": np.clip,
    "leaky_relu": lambda x, alpha: np.where(x < 0, alpha * x, x),
    "prelu": lambda x, slope: np.where(x < 0, slope * x, x),
    "celu": lambda x, alpha: np.maximum(x, 0) + np.minimum(alpha * np.expm1(np.minimum(x, 0) / alpha), 0),
    "selu": lambda x, alpha, gamma: gamma * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "thresholdedrelu": lambda x, alpha: np.where(x > alpha, x, np.float32(0)),
    "shrink": lambda x, bias, lambd: np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, np.float32(0))),
    "swish": lambda x, alpha: x * _sigmoid(alpha * x),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "hardsigmoid": lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
    "where": _picked,
    "equal": np.equal,
    "less": np.less,
    "lessorequal": np.less_equal,
    "greater": np.greater,
    "greaterorequal": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "xor": np.logical_xor,
    "quantize": _quantised,
    "dequantize": lambda x, scale, zero: (x - zero).astype(np.float32) * scale,
    "requantize": _requantised,
    "rescale": lambda x, scale: x.astype(np.float32) * scale,
    "range_scale": _range_scale,
    "range_zero": _range_zero,
}
"""Of several operands, the last of which may be parameters. Truth is 1, falsehood 0."""
