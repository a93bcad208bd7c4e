"""Operators: the work of a Graph's nodes at each position, and how they depend on each other's positions.

They are derived from the nodes (`archsim.graph.work`), and what mapping and lowering take.
"""

from dataclasses import dataclass
from typing import Literal

from archsim.graph.streams import TOKENS, Positions, Route, Sight, Stream
from archsim.graph.windows import Window

Scope = Literal["same", "all", "past", "window", "before"]
"""Of a source's positions, those that one needs: its own, all of its sequence, those up to its own, a window, the one
before its own (of a recurrence: its source may come later in the Graph; the first position needs nothing; of several
sequences side by side a window says which position that is)."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What an operator takes from `source`; `window` says which positions where the scope is one."""

    source: str
    scope: Scope = "same"
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Base of all: `kind` is a word of `archsim.vocabulary.OPERATORS`; `name` is unique in its layer.

    stream: the positions at which it runs; sees: those whose keys it reads, if others; span: it sees no more than so
    many, as `sight` says; seen: which of the keys each position sees, where the model fixes both and a mask hides some;
    route: it runs only at positions that are sent to its expert.
    """

    layer: str
    name: str
    kind: str
    inputs: tuple[Edge, ...]
    positions: Positions = "each"
    stream: Stream = TOKENS
    sees: Stream | None = None
    span: int | None = None
    sight: Sight = "past"
    seen: Window | None = None
    route: Route | None = None

    @property
    def key(self) -> str:
        """`layer/name`, unique in the Graph."""
        return f"{self.layer}/{self.name}"

    @property
    def chosen(self) -> str:
        """Which positions of its stream it runs at, if not all."""
        route = "" if self.route is None else f" of expert {self.route.expert}"
        return ("" if self.positions == "each" else self.positions) + route

    @property
    def role(self) -> str:
        """What it is in its layer: a recipe of this name goes before that of its kind."""
        return self.name

    def within(self, keys: int) -> int:
        """Of so many positions those that it sees."""
        return keys if self.span is None else min(keys, self.span)

    @property
    def grows(self) -> bool:
        """Whether the work at a position depends on how many positions it sees."""
        return False

    def macs(self, keys: int) -> int:  # noqa: ARG002 - most operators multiply no matrices
        """Multiply-accumulates at one position that sees `keys` positions."""
        return 0

    def values_out(self, keys: int) -> int:  # noqa: ARG002 - of a product with weights it is always the same
        """Values that it gives at one position that sees `keys` positions."""
        raise TypeError(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear(Operator):
    """A product with a matrix that is known before the run: [in_features] x [in_features, out_features].

    A convolution is one at each position of its result, of all values under its kernel. groups: the matrix is so many
    blocks along its diagonal.
    """

    kind: str = "linear"
    in_features: int
    out_features: int
    groups: int = 1

    @property
    def weights(self) -> int:
        """Of the matrix; outside its blocks there are none."""
        return self.in_features * self.out_features // self.groups

    def macs(self, keys: int) -> int:  # noqa: ARG002
        """One per weight."""
        return self.weights

    def values_out(self, keys: int) -> int:  # noqa: ARG002
        """A value for each column."""
        return self.out_features


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Operator):
    """A projection that digital units do. beside: of one that is split, the key of the part in arrays."""

    linear: Linear
    beside: str | None = None

    def macs(self, keys: int) -> int:
        """As many as in an array."""
        return self.linear.macs(keys)

    def values_out(self, keys: int) -> int:
        """A value for each column."""
        return self.linear.values_out(keys)


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
    def role(self) -> str:
        """Of attention to another sequence too."""
        return "scores" if self.scores else "context"

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
    """Softmax, a norm, an activation, a sum: `rows` rows of `width` values; `over_keys` widens a row to the keys.

    out: values that are left, if fewer than came; operands: how often as many values as it works on are read, where
    that is not once for each input.
    """

    rows: int = 1
    width: int = 1
    over_keys: bool = False
    out: int | None = None
    operands: int | None = None

    @property
    def grows(self) -> bool:
        """Where rows are as wide as the keys."""
        return self.over_keys

    def values(self, keys: int) -> int:
        """Values that it works on at one position that sees `keys` positions."""
        return self.rows * (keys if self.over_keys else self.width)

    def values_out(self, keys: int) -> int:
        """As many as came in, if no fewer are left."""
        return self.values(keys) if self.out is None else self.out
