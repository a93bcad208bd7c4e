"""Operators by their definitions: what a recipe has to compute, of which inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from archsim.steps.functions import CURVES, Attributes, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_EPSILON = 1e-5
"""Of norms in a proof: any positive number does."""
_LRN = (2.0, 0.25, -0.75)
"""Bias, factor and exponent of the division by neighbours in a proof."""


Shape = Literal["rows", "one row", "single", "first", "second"]
"""Of an input: rows; a row that all rows share; one number; the rows of a product's operands, each with each."""


@dataclass(frozen=True)
class Input:
    """What an operator reads.

    Parameters
    ----------
    name
        By which recipes call it.
    shape
        Of its numbers.
    value
        Of a constant.
    """

    name: str
    shape: Shape = "rows"
    value: float | None = None


_X = (Input("input"),)
_PLAIN = Attributes()
_WEIGHT, _BIAS = Input("weight", "one row"), Input("bias", "one row")
_PAIR = (Input("first"), Input("second"))
_MATRICES = (Input("first", "first"), Input("second", "second"))


@dataclass(frozen=True)
class Definition:
    """An operator.

    Parameters
    ----------
    compute
        Its result by its inputs, in their order.
    inputs
        What it reads.
    attributes
        What costs nothing, as a proof has it.
    positive
        Whether inputs are above 0 in a proof.
    also
        Another form of the operator, with other inputs, that a recipe may compute.
    exponent
        Whether its result is a logarithm as such, not the number whose logarithm it is.
    """

    compute: Callable[..., Values]
    inputs: tuple[Input, ...] = _X
    attributes: Attributes = _PLAIN
    positive: bool = False
    exponent: bool = False
    also: Definition | None = None


def _softmax(x: Values) -> Values:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _layernorm(x: Values, scale: Values, shift: Values) -> Values:
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return np.asarray((x - mean) / np.sqrt(variance + _EPSILON) * scale + shift)


def _rmsnorm(x: Values, scale: Values) -> Values:
    return np.asarray(x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + _EPSILON) * scale)


def _lrn(x: Values) -> Values:
    bias, factor, exponent = _LRN
    return np.asarray(x * (bias + factor * (x * x).sum(axis=-1, keepdims=True)) ** exponent)


def _product(x: Values, y: Values) -> Values:
    return np.asarray((x * y).sum(axis=-1, keepdims=True))


_BOUNDS = (-0.5, 1.5)
"""Of `clip` in a proof."""
WIDTH = 6
"""Numbers of a row in a proof."""
_SIX = Input("six", "single", 6.0)

DEFINITIONS: Mapping[str, Definition] = {
    "softmax": Definition(_softmax),
    "layernorm": Definition(_layernorm, (*_X, _WEIGHT, _BIAS), Attributes(epsilon=_EPSILON)),
    "rmsnorm": Definition(_rmsnorm, (*_X, _WEIGHT), Attributes(epsilon=_EPSILON)),
    "lrn": Definition(_lrn, attributes=Attributes(power=_LRN)),
    **{name: Definition(curve) for name, curve in CURVES.items()},
    "exp": Definition(np.exp),
    "softplus": Definition(lambda x, one: np.log(one + np.exp(x)), (*_X, Input("one", "single", 1.0)), exponent=True),
    "relu6": Definition(lambda x, six: np.clip(x, 0, six), (*_X, _SIX)),
    "clip": Definition(lambda x: np.clip(x, *_BOUNDS), attributes=Attributes(bounds=_BOUNDS)),
    "hardswish": Definition(
        lambda x, three: x * np.clip(x + three, 0, 6) / 6,
        (*_X, Input("three", "single", 3.0)),
        Attributes(factor=1 / 6, bounds=(0.0, 6.0)),
    ),
    "add": Definition(np.add, _PAIR),
    "sub": Definition(np.subtract, _PAIR),
    "mul": Definition(np.multiply, _PAIR),
    "div": Definition(np.divide, _PAIR, positive=True),
    "batchnorm": Definition(lambda x, w, b: x * w + b, (*_X, _WEIGHT, _BIAS)),
    "maxpool": Definition(lambda x: x.max(axis=-1, keepdims=True)),
    "avgpool": Definition(lambda x: x.mean(axis=-1, keepdims=True), attributes=Attributes(factor=1 / WIDTH)),
    "argmax": Definition(lambda x: x.argmax(axis=-1)[..., None].astype(np.float64)),
    "rotary": Definition(
        lambda x, turned, cosine, sine: x * cosine + turned * sine,
        (*_X, Input("turned"), Input("cosine", "one row"), Input("sine", "one row")),
    ),
    "embedding": Definition(
        lambda x, y, z: x + y + z,
        (Input("tokens"), Input("positions"), Input("segments")),
        also=Definition(np.add, (Input("tokens"), Input("positions"))),
    ),
    **dict.fromkeys(("matmul", "scores", "context", "linear", "dense", "depthwise"), Definition(_product, _MATRICES)),
}
"""By the words of `archsim.vocabulary`; `other` has none."""


def inputs_of(operator: str) -> tuple[Input, ...]:
    """What an operator reads; of one that has no definition, rows."""
    return DEFINITIONS[operator].inputs if operator in DEFINITIONS else _X
