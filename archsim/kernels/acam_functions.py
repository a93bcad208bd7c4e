"""Functions by name that analog CAMs are programmed with, and where they are used."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from archsim.errors import UsageError, did_you_mean

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one variable, and the range of inputs that it is programmed for unless another is given.

    low, high: bounds of where it is defined.
    """

    name: str
    apply: Callable[[Values], Values]
    start: float
    stop: float
    low: float = -inf
    high: float = inf


def _erf(x: Values) -> Values:
    """Error function, of the C library."""
    from math import erf

    found: Values = np.vectorize(erf, otypes=[np.float64])(x)
    return found


def _gelu(x: Values) -> Values:
    return 0.5 * x * (1 + _erf(x / np.sqrt(2)))


def _sigmoid(x: Values) -> Values:
    return 1 / (1 + np.exp(-x))


def _positive(x: Values) -> Values:
    return np.maximum(x, 0)


FUNCTIONS = {
    function.name: function
    for function in (
        Function("identity", lambda x: x, -1, 1),
        Function("relu", _positive, -4, 4),
        Function("gelu", _gelu, -4, 4),
        Function("quick_gelu", lambda x: x * _sigmoid(1.702 * x), -4, 4),
        Function("silu", lambda x: x * _sigmoid(x), -4, 4),
        Function("sigmoid", _sigmoid, -4, 4),
        Function("tanh", np.tanh, -4, 4),
        Function("exp", np.exp, -8, 0),
        Function("log", np.log, 1, 256, low=1e-300),
        Function("reciprocal", lambda x: 1 / x, 1, 256, low=1e-300),
        Function("sqrt", np.sqrt, 0, 256, low=0),
        Function("rsqrt", lambda x: 1 / np.sqrt(x), 1, 256, low=1e-300),
        Function("square", np.square, -1, 1),
    )
}

PRODUCTS = {"multiply": lambda x, y: x * y}
"""Functions of two unsigned codes."""


def function(name: str) -> Function:
    """A function of one variable by its name; raises UsageError."""
    if name not in FUNCTIONS:
        raise UsageError(f"unknown function '{name}'. {did_you_mean(name, [*FUNCTIONS, *PRODUCTS])}")
    return FUNCTIONS[name]
