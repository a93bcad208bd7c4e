"""Operators with their shapes per position, and how they depend on each other's positions."""

from dataclasses import dataclass
from typing import Literal

Scope = Literal["same", "all", "past"]
"""Of a source's positions, those that one position needs: its own, all of its sequence, those up to its own."""
Positions = Literal["each", "first", "last"]
"""The positions of a sequence at which an operator runs."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What an operator takes from `source`."""

    source: str
    scope: Scope = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Base of all: `kind` is a word of `archsim.vocabulary.OPERATORS`; `name` is unique in its layer."""

    layer: str
    name: str
    kind: str
    inputs: tuple[Edge, ...]
    positions: Positions = "each"

    @property
    def key(self) -> str:
        """`layer/name`, unique in the Graph."""
        return f"{self.layer}/{self.name}"

    @property
    def grows(self) -> bool:
        """Whether the work at a position depends on how many positions it sees."""
        return False

    def macs(self, keys: int) -> int:  # noqa: ARG002 - most operators multiply no matrices
        """Multiply-accumulates at one position that sees `keys` positions."""
        return 0

    @property
    def parameters(self) -> int:
        """Trained numbers."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear(Operator):
    """A product with a matrix that is known before the run: [in_features] x [in_features, out_features]."""

    kind: str = "linear"
    in_features: int
    out_features: int
    bias: bool = True
    tied: bool = False

    def macs(self, keys: int) -> int:  # noqa: ARG002
        """One per weight."""
        return self.in_features * self.out_features

    @property
    def parameters(self) -> int:
        """Weights and biases; a tied matrix is counted where it is first used."""
        return (0 if self.tied else self.in_features * self.out_features) + (self.out_features if self.bias else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matmul(Operator):
    """A product of two operands made at run time, over `heads` heads of `head_dim`.

    `scores`: the row of the first input with the key rows of the second; else weights with the value rows.
    `stored`: values per position that the second operand keeps, all heads together.
    """

    kind: str = "matmul"
    heads: int
    head_dim: int
    stored: int
    scores: bool

    @property
    def grows(self) -> bool:
        """It does."""
        return True

    def macs(self, keys: int) -> int:
        """Every head with every key."""
        return self.heads * self.head_dim * keys

    def values_in(self, keys: int) -> int:
        """Values read of the first operand."""
        return self.heads * (self.head_dim if self.scores else keys)

    def values_out(self, keys: int) -> int:
        """Values written."""
        return self.heads * (keys if self.scores else self.head_dim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rowwise(Operator):
    """Softmax, a norm, an activation, a sum: `rows` rows of `width` values; `over_keys` widens a row to the keys."""

    rows: int = 1
    width: int = 1
    over_keys: bool = False
    trained: int = 0

    @property
    def grows(self) -> bool:
        """Where rows are as wide as the keys."""
        return self.over_keys

    def values(self, keys: int) -> int:
        """Values in and out at one position that sees `keys` positions."""
        return self.rows * (keys if self.over_keys else self.width)

    @property
    def parameters(self) -> int:
        """Scales, shifts, tables."""
        return self.trained
