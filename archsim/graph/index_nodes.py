"""Nodes that pick numbers by their index, put them at an index, rank them, or run along an index."""

from dataclasses import dataclass
from typing import Literal

from archsim.graph.axes import Shape, size_of
from archsim.graph.nodes import ALL, Node, Reach
from archsim.graph.windows import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered(Node):
    """Numbers of the first operand at indices that the second has; those below 0 count from the end.

    Parameters
    ----------
    inputs
        Numbers, indices.
    by
        `axis`: an index is of dimension `dim`, in whose place the dimensions of the indices stand. `element`: there is
        an index of dimension `dim` for each number of the result. `tuple`: the last dimension of the indices has an
        index of each of `picked` dimensions from `dim` on; those before, both operands have.
    dim, picked
        See there.
    """

    by: Literal["axis", "element", "tuple"]
    dim: int
    picked: int = 1

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:
        """Any index of the dimensions that are picked from; the same of others."""
        if self.by == "element":
            return tuple(ALL if operand == 0 and at == self.dim else Reach(at) for at in range(len(shape)))
        if operand:
            shift, last = (self.dim, len(shape)) if self.by == "axis" else (0, len(shape) - 1)
            return tuple(Reach(at + shift) if at < last else ALL for at in range(len(shape)))
        moved, end = len(self.shape) - len(shape), self.dim + self.picked
        return tuple(Reach(at) if at < self.dim else ALL if at < end else Reach(at + moved) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scattered(Node):
    """The first operand with numbers of the third put at indices that the second has; the last at an index stays.

    Parameters
    ----------
    inputs
        Numbers, indices, new numbers.
    by
        `element`: an index of dimension `dim` for each new number. `tuple`: the last dimension of the indices has an
        index of each of the first dimensions.
    dim
        See there.
    function
        How a new number is put together with what is there; `replace`: in its place.
    """

    by: Literal["element", "tuple"]
    dim: int = 0
    function: Literal["replace", "add", "mul", "min", "max"] = "replace"

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:
        """Of what was there the same index; of all else any."""
        return tuple(ALL if operand else Reach(at) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked(Node):
    """Indices of the largest (or smallest) numbers along a dimension, in order; of equal ones the first comes first.

    dim: of which the result has as many indices as are wanted.
    """

    dim: int
    largest: bool = True

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """All of a row."""
        return tuple(ALL if at == self.dim else Reach(at) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cumulated(Node):
    """Sums or products of all numbers up to an index of a dimension.

    Parameters
    ----------
    function
        `sum` or `product`.
    dim
        Along which.
    exclusive
        Whether the index's own number is left out: the first is then 0, or 1.
    backward
        Whether it begins at the end.
    """

    function: Literal["sum", "product"]
    dim: int
    exclusive: bool = False
    backward: bool = False

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """Those before and its own; backward, those after."""
        number = size_of(self.shape[self.dim]) or 1
        before = Interval(taps=number, pad=0 if self.backward else number - 1)
        return tuple(Reach(at, before) if at == self.dim else Reach(at) for at in range(len(shape)))
