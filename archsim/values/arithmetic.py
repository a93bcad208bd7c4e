"""The seam between a model and what computes it: products with weights, and functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.values.functions import ELEMENTWISE

if TYPE_CHECKING:
    from archsim.graph.graph import Graph
    from archsim.steps.functions import Attributes

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


@dataclass(frozen=True, eq=False)
class OperatorCall:
    """An operator on numbers, with its rows on the last axis.

    Parameters
    ----------
    key
        Of its node.
    kind
        A word of `archsim.vocabulary.OPERATORS`.
    form
        Which function of that kind it is: of a `gelu` for example `gelu_tanh`.
    inputs
        As its definition in `archsim.steps.operators` has them; they can be broadcast.
    attributes
        What belongs to it and costs nothing.
    """

    key: str
    kind: str
    form: str
    inputs: tuple[Values, ...]
    attributes: Attributes


class Arithmetic(Protocol):
    """What a model is computed by. Weights are prepared once, used many times."""

    def begin(self, graph: Graph) -> None:
        """Told which Graph is computed, before its weights are prepared."""
        ...

    def does(self, key: str) -> bool:
        """Whether `operator` computes the operator of a node; else it is computed in float32."""
        ...

    def operator(self, call: OperatorCall) -> Values:
        """An operator's result: rows, or one number of each."""
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

    def matmul(self, key: str, a: Values, b: Values) -> Values:
        """A product of two results (batch, shared, rows, summed) and (batch, shared, summed, columns)."""
        ...


class FloatArithmetic:
    """Everything in float32."""

    def begin(self, graph: Graph) -> None:
        """It is all the same."""

    def does(self, key: str) -> bool:  # noqa: ARG002 (the protocol's)
        """No recipe."""
        return False

    def operator(self, call: OperatorCall) -> Values:
        """Raises ArchsimError: there are no recipes."""
        raise ArchsimError(f"{call.key}: found no recipe for {call.kind}; expected a machine's arithmetic")

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

    def matmul(self, key: str, a: Values, b: Values) -> Values:  # noqa: ARG002 (the protocol's)
        """A matmul."""
        return a @ b
