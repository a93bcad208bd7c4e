"""Functions of numbers at the same index, exactly, by the names that nodes have."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

Values = NDArray[Any]


def _erf(x: Values) -> Values:
    """The error function, as the C library has it."""
    from math import erf

    found: Values = np.vectorize(erf, otypes=[np.float64])(x).astype(np.float32)
    return found


def _gelu(x: Values) -> Values:
    from archsim.kernels.acam_functions import FUNCTIONS

    return FUNCTIONS["gelu"].apply(x.astype(np.float64)).astype(np.float32)


def _gelu_tanh(x: Values) -> Values:
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
    found: Values = np.float32(0.5) * x * (1 + np.tanh(inner))
    return found


def _sigmoid(x: Values) -> Values:
    with np.errstate(over="ignore"):
        found: Values = np.float32(1) / (np.float32(1) + np.exp(-x))
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
    "hardswish": lambda x: x * np.clip(x / np.float32(6) + np.float32(0.5), 0, 1),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: np.float32(1) / np.sqrt(x),
    "reciprocal": lambda x: np.float32(1) / x,
    "neg": np.negative,
    "abs": np.abs,
    "round": np.rint,
    "floor": np.floor,
    "ceil": np.ceil,
    "erf": _erf,
    "sign": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "identity": lambda x: x,
    "cast": lambda x: x.astype(np.float32),
    "whole": lambda x: np.trunc(x).astype(np.int64),
    "not": lambda x: x == 0,
    "truth": lambda x: x != 0,
}
"""Of one operand. `cast`: to float32; `whole`: to whole numbers, towards zero."""


def _divided(x: Values, y: Values) -> Values:
    """Whole numbers towards zero."""
    if x.dtype.kind == y.dtype.kind == "i":
        return np.asarray(np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y)))
    return np.asarray(x / y)


def _picked(condition: Values, x: Values, y: Values) -> Values:
    return np.asarray(np.where(condition != 0, x, y))


def _folded(function: Callable[[Any, Any], Values]) -> Callable[..., Values]:
    """Of any number of operands."""
    return lambda *xs: reduce(function, xs)


COMBINING: dict[str, Callable[..., Values]] = {
    "add": _folded(np.add),
    "mul": _folded(np.multiply),
    "min": _folded(np.minimum),
    "max": _folded(np.maximum),
    "sub": np.subtract,
    "div": _divided,
    "pow": np.power,
    "scale": np.multiply,
    "batchnorm": lambda x, scale, shift: x * scale + shift,
    "clip": np.clip,
    "leaky_relu": lambda x, alpha: np.where(x < 0, alpha * x, x),
    "prelu": lambda x, slope: np.where(x < 0, slope * x, x),
    "elu": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    "hardsigmoid": lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1),
    "where": _picked,
    "equal": np.equal,
    "less": np.less,
    "greater": np.greater,
    "and": np.logical_and,
    "or": np.logical_or,
}
"""Of several operands, the last of which may be parameters. Truth is 1, falsehood 0."""
