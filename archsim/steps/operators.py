"""Operators by their definitions: what a recipe has to compute, of which inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from archsim.steps.functions import CURVES, FUNCTIONS, OF_TWO, Attributes, StepFunction, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Shape = Literal["rows", "one row", "first", "second"]
"""Of an input: rows; a row that all rows share; the rows of a product's operands, each with each."""


@dataclass(frozen=True)
class Input:
    """What an operator reads.

    Parameters
    ----------
    name
        By which recipes call it.
    shape
        Of its numbers.
    nonzero
        Whether no number of it is 0.
    """

    name: str
    shape: Shape = "rows"
    nonzero: bool = False


_X = (Input("input"),)
_WEIGHT, _BIAS = Input("weight", "one row"), Input("bias", "one row")


@dataclass(frozen=True, eq=False)
class Definition:
    """An operator.

    Parameters
    ----------
    compute
        Its result by its inputs, in their order, and its attributes; None where it has no values.
    inputs
        What it reads.
    attributes
        With which a recipe is proven.
    averages
        Whether `scale` multiplies by one over the numbers of a row.
    reduces
        Whether it leaves one number of each row.
    masked
        Whether a mask may hide some numbers of a row.
    numbers
        Constants that its recipes are likely to name.
    also
        Other forms of the operator, that a recipe may compute as well.
    """

    compute: Callable[..., Values] | None
    inputs: tuple[Input, ...] = _X
    attributes: Attributes = field(default_factory=Attributes)
    averages: bool = False
    reduces: bool = False
    masked: bool = False
    numbers: tuple[int, ...] = ()
    also: tuple[Definition, ...] = ()

    @property
    def multiplies(self) -> bool:
        """Whether it is a product of matrices."""
        return self.inputs[0].shape == "first"


def _softmax(x: Values, of: Attributes) -> Values:
    visible = np.ones(x.shape, np.bool_) if of.visible is None else of.visible
    powers = np.where(visible, np.exp(x - x.max(axis=-1, keepdims=True)), 0)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _layernorm(x: Values, scale: Values, shift: Values, of: Attributes) -> Values:
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return np.asarray((x - mean) / np.sqrt(variance + of.epsilon) * scale + shift)


def _rmsnorm(x: Values, scale: Values, of: Attributes) -> Values:
    return np.asarray(x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + of.epsilon) * scale)


def _lrn(x: Values, of: Attributes) -> Values:
    """Of neighbours that are as many on either side."""
    bias, factor, exponent = of.power
    half, width = (of.neighbours or 1) // 2, x.shape[-1]
    total = np.zeros_like(x)
    for at in range(width):
        total[..., at] = (x[..., max(0, at - half) : at + half + 1] ** 2).sum(axis=-1)
    return np.asarray(x * (bias + factor * total) ** exponent)


def _product(x: Values, y: Values, _: Attributes) -> Values:
    return np.asarray((x * y).sum(axis=-1, keepdims=True))


def _curve(name: str, *also: str, numbers: tuple[int, ...] = (), attributes: Attributes | None = None) -> Definition:
    curve, attributes = CURVES[name], attributes or Attributes()
    others = tuple(_curve(other, attributes=attributes) for other in also)
    return Definition(lambda x, _: curve(x), numbers=numbers, attributes=attributes, also=others)


def _of_two(function: Callable[[Values, Values], Values], *names: str, nonzero: str = "") -> Definition:
    inputs = tuple(Input(name, nonzero=name == nonzero) for name in names or ("first", "second"))
    return Definition(lambda x, y, _: function(x, y), inputs)


_EPSILON = 0.01
_MATRICES = (Input("first", "first"), Input("second", "second"))
_PRODUCT = Definition(_product, _MATRICES, reduces=True)
_TO_6 = Attributes(factor=1 / 6, bounds=(0.0, 6.0))

DEFINITIONS: Mapping[str, Definition] = {
    "softmax": Definition(_softmax, masked=True),
    "layernorm": Definition(_layernorm, (*_X, _WEIGHT, _BIAS), Attributes(epsilon=_EPSILON), averages=True),
    "rmsnorm": Definition(_rmsnorm, (*_X, _WEIGHT), Attributes(epsilon=_EPSILON), averages=True),
    "lrn": Definition(_lrn, attributes=Attributes(power=(2.0, 0.25, -0.75), neighbours=3)),
    "gelu": _curve("gelu", "gelu_tanh", "quick_gelu"),
    **{name: _curve(name, numbers=(0,)) for name in ("relu", "silu", "tanh", "sigmoid")},
    "relu6": _curve("relu6", numbers=(0, 6), attributes=_TO_6),
    "hardswish": _curve("hardswish", numbers=(3,), attributes=_TO_6),
    **{name: _curve(name, numbers=(1,)) for name in ("softplus", "softsign", "mish")},
    "exp": Definition(lambda x, _: np.exp(x)),
    "clip": Definition(lambda x, of: np.clip(x, *of.bounds), attributes=Attributes(bounds=(-0.5, 1.5))),
    "add": _of_two(np.add),
    "sub": _of_two(np.subtract),
    "mul": _of_two(np.multiply),
    "div": _of_two(np.divide, nonzero="second"),
    "batchnorm": Definition(lambda x, scale, shift, _: x * scale + shift, (*_X, _WEIGHT, _BIAS)),
    "maxpool": Definition(lambda x, _: x.max(axis=-1, keepdims=True), reduces=True),
    "avgpool": Definition(lambda x, _: x.mean(axis=-1, keepdims=True), averages=True, reduces=True),
    "argmax": Definition(lambda x, _: x.argmax(axis=-1)[..., None].astype(np.float64), reduces=True),
    "rotary": Definition(
        lambda x, turned, cosine, sine, _: x * cosine + turned * sine,
        (*_X, Input("turned"), Input("cosine", "one row"), Input("sine", "one row")),
    ),
    "embedding": Definition(
        lambda x, y, z, _: x + y + z,
        (Input("tokens"), Input("positions"), Input("segments")),
        also=(_of_two(np.add, "tokens", "positions"),),
    ),
    **dict.fromkeys(("matmul", "scores", "context", "linear", "dense", "depthwise"), _PRODUCT),
}
"""By the words of `archsim.vocabulary`. Two have none: nobody knows what `other` does, and `gather` moves numbers."""

_UNKNOWN = Definition(None, (*_X, Input("second")))


def definition_of(operator: str) -> Definition:
    """An operator's definition; of one without, that it reads rows, and a second operand at most."""
    return DEFINITIONS.get(operator, _UNKNOWN)


def function_of(name: str, operands: int = 0) -> StepFunction | None:
    """What a step of a name computes: a function, or a whole operator; None where nobody knows.

    Parameters
    ----------
    name
        Of the step.
    operands
        How many it names.
    """
    if name in FUNCTIONS:
        return OF_TWO[name] if name in OF_TWO and operands == OF_TWO[name].operands else FUNCTIONS[name]
    whole = definition_of(name)
    return None if whole.compute is None else StepFunction(whole.compute, len(whole.inputs), whole.reduces)
