"""Axes of tensors: a dimension is a product of factors, each a digit of the index of a named axis.

A reshape splits and merges factors and a transpose permutes them, so that it stays known which index of a tensor is
which position of a sequence, or which pixel, whatever shape the tensor has.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import prod

from archsim.graph.streams import Positions, Route, Sight, Stream


@dataclass(frozen=True, slots=True)
class Axis:
    """An index that a model's tensors share.

    Parameters
    ----------
    name
        Unique in a Graph.
    size
        Indices; None where the job says how many.
    order
        Axes of a tensor that are positions are counted in this order, whatever the order in which they are stored.
    stream
        The sequence whose positions the indices are, where that is one whose length a job may say.
    at
        Which positions of the stream, if not each.
    seen
        The positions are those that a position sees: those of former runs come first.
    span
        Of those that it sees, a position takes so many; None: all.
    sight
        Which those are.
    route
        Only positions that are sent to an expert.
    """

    name: str
    size: int | None
    order: int = 0
    stream: Stream | None = None
    at: Positions = "each"
    seen: bool = False
    span: int | None = None
    sight: Sight = "past"
    route: Route | None = None

    def __hash__(self) -> int:
        return hash(self.name)  # axes are in many sets


@dataclass(frozen=True, slots=True)
class Factor:
    """A digit of an axis's index: (index // inner) % size. With inner 1 and the axis's size it is the index itself."""

    axis: Axis
    inner: int = 1
    size: int | None = None

    @property
    def whole(self) -> bool:
        """Whether it is all of the axis's index."""
        return self.inner == 1 and self.size == self.axis.size


Dim = tuple[Factor, ...]
"""A dimension of a tensor: the first factor counts most. Without factors it has one index."""
Shape = tuple[Dim, ...]


def dim(axis: Axis) -> Dim:
    """A dimension that is an axis; an axis of one index that is fixed is none."""
    return (Factor(axis, 1, axis.size),)


def size_of(one: Dim) -> int | None:
    """Indices of a dimension; None where a job says how many."""
    sizes = [factor.size for factor in one]
    return None if None in sizes else prod(size for size in sizes if size is not None)


def sizes_of(shape: Shape) -> tuple[int | None, ...]:
    """Sizes of all dimensions."""
    return tuple(size_of(one) for one in shape)


def shown(shape: Shape) -> str:
    """Sizes as a message has them, such as [1, 128, 64]."""
    return "[" + ", ".join("any" if size is None else str(size) for size in sizes_of(shape)) + "]"


def merged(one: Dim) -> Dim:
    """The same dimension with digits that follow each other put together."""
    joined: list[Factor] = []
    for factor in one:
        last = joined[-1] if joined else None
        if factor.size == 1 and not factor.whole:
            continue
        follows = last is not None and factor.size is not None and last.inner == factor.inner * factor.size
        if last is not None and follows and last.axis == factor.axis and last.size is not None and factor.size:
            joined[-1] = Factor(factor.axis, factor.inner, last.size * factor.size)
        else:
            joined.append(factor)
    return tuple(joined)


def completed(shape: Shape, inside: Collection[int], name: str) -> Shape:
    """Digits of an axis without the others of it are those of a new axis, `name:axis`, which is counted in its place.

    Dimensions that are `inside` a position are looked at by themselves.
    """
    digits: dict[tuple[Axis, bool], list[Factor]] = {}
    for at, one in enumerate(shape):
        for factor in one:
            if not factor.whole:
                digits.setdefault((factor.axis, at in inside), []).append(factor)
    moved: dict[Factor, Factor] = {}
    for (axis, within), left in digits.items():
        size = prod(factor.size or 1 for factor in left)
        if size != axis.size:
            made = Axis(f"{name}:{axis.name}{' inside' if within else ''}", size, axis.order)
            for factor in sorted(left, key=lambda factor: -factor.inner):
                size //= factor.size or 1
                moved[factor] = Factor(made, size, factor.size)
    return tuple(tuple(moved.get(factor, factor) for factor in one) for one in shape) if moved else shape


def split(factor: Factor, high: int, low: int) -> tuple[Factor, Factor]:
    """A factor of high x low indices as two."""
    return replace(factor, inner=factor.inner * low, size=high), replace(factor, size=low)


def reshaped(shape: Shape, sizes: Sequence[int | None]) -> Shape | None:
    """The dimensions of another shape with as many indices; None where it cuts across factors.

    Parameters
    ----------
    shape
        Dimensions of the tensor.
    sizes
        Indices of each dimension wanted. None: the one factor whose size a job says.
    """
    same = 0  # dimensions at the end that stay: those of one index are not lost
    while same < min(len(shape), len(sizes)) and size_of(shape[-1 - same]) == sizes[-1 - same]:
        same += 1
    first, last = len(shape) - same, len(sizes) - same
    left = [factor for one in shape[:first] for factor in one if factor.size != 1]
    found: list[Dim] = []
    for wanted in sizes[:last]:
        taken: list[Factor] = []
        if wanted is None:
            if not left or left[0].size is not None:
                return None
            taken.append(left.pop(0))
        room = wanted or 1
        while room > 1:
            if not left or left[0].size is None:
                return None
            factor = left.pop(0)
            size = factor.size or 1
            if room % size == 0:
                taken.append(factor)
                room //= size
            elif size % room == 0:
                high, low = split(factor, room, size // room)
                taken.append(high)
                left.insert(0, low)
                room = 1
            else:
                return None
        found.append(merged(tuple(taken)))
    return None if left else (*found, *shape[first:])


def cut(shape: Shape, sizes: Sequence[int], name: str) -> Shape:
    """The dimensions of another shape that cuts across factors: there they are new axes, `name:number`.

    Dimensions side by side that have as many indices in both keep theirs where they can.
    """
    made: list[Dim] = []
    begin = 0
    while len(made) < len(sizes):
        first, end, last = len(made), begin, len(made)
        here = there = 1
        while last == first or here != there:
            if end < len(shape) and (here <= there or last == len(sizes)):
                here *= size_of(shape[end]) or 1
                end += 1
            else:
                there *= sizes[last]
                last += 1
        order = next((factor.axis.order for one in shape[begin:end] for factor in one), first)
        axes = (dim(Axis(f"{name}:{at}", sizes[at], order)) for at in range(first, last))
        made += reshaped(shape[begin:end], sizes[first:last]) or axes
        begin = end
    return tuple(made)
