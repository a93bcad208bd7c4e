"""The seam between a model and what computes it: products with weights, and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from archsim.values.functions import ELEMENTWISE

if TYPE_CHECKING:
    from archsim.graph.weights import Stored

Values = NDArray[np.float32]
Product = Callable[[Values], Values]
"""Takes (n, in), gives (n, out)."""


_GROUP = " group "


def of_group(key: str, group: int) -> str:
    """The key of a product that is one of several of its node."""
    return f"{key}{_GROUP}{group}"


def node_of(key: str) -> str:
    """The key of a product's node."""
    return key.partition(_GROUP)[0]


class Arithmetic(Protocol):
    """What a model is computed by. Weights are prepared once, used many times."""

    def in_file(self, stored: Mapping[str, Stored]) -> None:
        """Told of how many bits the model's file has the numbers of projections, by key, before they are prepared."""
        ...

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        """The product with `weight` (out, in), and the bias added; `key` names it in reports and draws."""
        ...

    def inputs(self, key: str, x: Values) -> Values:
        """What a product with weights takes of its operand, number by number, before windows are made of it."""
        ...

    def function(self, name: str, x: Values) -> Values:
        """An elementwise function of one operand, of those in `archsim.values.functions`."""
        ...

    def softmax(self, x: Values) -> Values:
        """Along the last axis; minus infinity is masked out."""
        ...

    def matmul(self, a: Values, b: Values) -> Values:
        """A product of two results."""
        ...


class FloatArithmetic:
    """Everything in float32."""

    def in_file(self, stored: Mapping[str, Stored]) -> None:
        """They are floats as well."""

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:  # noqa: ARG002 (the protocol's)
        """A matmul."""
        transposed = np.ascontiguousarray(weight.T)
        return lambda x: x @ transposed if bias is None else x @ transposed + bias

    def inputs(self, key: str, x: Values) -> Values:  # noqa: ARG002 (the protocol's)
        """The numbers themselves."""
        return x

    def function(self, name: str, x: Values) -> Values:
        """As in the model."""
        return ELEMENTWISE[name](x)

    def softmax(self, x: Values) -> Values:
        """With the maximum taken off first."""
        powers = np.exp(x - x.max(axis=-1, keepdims=True))
        found: Values = powers / powers.sum(axis=-1, keepdims=True)
        return found

    def matmul(self, a: Values, b: Values) -> Values:
        """A matmul."""
        return a @ b
