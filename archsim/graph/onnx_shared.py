"""Operands that a file repeats for a product, such as keys for each head of a group: it reads them as they were."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from archsim.graph.axes import Axis, Dim, Factor, size_of, sizes_of
from archsim.graph.builder import Builder
from archsim.graph.views import Repeat, Reshape, Transpose

Letters = tuple[str, str, str]
"""Of the first operand, the second, and the result."""
_NEW = "ghjklmouvwxyz"


class Part(NamedTuple):
    """Of a dimension: its factors, and whether they were there before it was repeated."""

    factors: Dim
    there: bool

    @property
    def size(self) -> int:
        """Indices."""
        return size_of(self.factors) or 1


def unshared(builder: Builder, xs: Sequence[str], letters: Letters) -> tuple[list[str], Letters]:
    """Operands of a product and their letters, where those that are repeated for the other's dimensions are not.

    A dimension that is partly repeated is several, in the other operand and the result too.
    """
    operands, names = list(xs), list(letters)
    for at in (1, 0):
        parts = _parts_of(builder, operands[at])
        spread = dict(zip(names[at], parts, strict=True))
        if not any(len(one) > 1 or not one[0].there for one in parts):
            continue
        if any(not part.there and (x not in names[1 - at] or x not in names[2]) for x in spread for part in spread[x]):
            continue
        x = _unrepeated(builder, operands[at], parts)
        if x is None:
            continue
        free = iter(each for each in _NEW if each not in "".join(names))
        new = {x: x if len(one) == 1 else "".join(next(free) for _ in one) for x, one in spread.items()}
        other = zip(names[1 - at], sizes_of(builder.of(operands[1 - at])), strict=True)
        sizes = [part for x, size in other for part in ([each.size for each in spread[x]] if x in spread else [size])]
        operands[at], operands[1 - at] = x, builder.reshape(operands[1 - at], sizes)
        left = "".join(name for x in spread for name, part in zip(new[x], spread[x], strict=True) if part.there)
        names = ["".join(new.get(x, x) for x in each) for each in names]
        names[at] = left
    return operands, (names[0], names[1], names[2])


def _source(builder: Builder, x: str) -> str | None:
    """What a tensor was before it was repeated; None where it is not, or it is not known which index is which."""
    made = {node.key: node for node in builder.nodes}
    node = made.get(x)
    while isinstance(node, Transpose) or (isinstance(node, Reshape) and not node.cuts):
        node = made.get(node.inputs[0])
    return node.inputs[0] if isinstance(node, Repeat) and not node.times else None


def _parts_of(builder: Builder, x: str) -> list[list[Part]]:
    """Of each dimension; all are there where nothing is repeated."""
    source = _source(builder, x)
    there = None if source is None else {factor.axis for one in builder.of(source) for factor in one}
    return [_parts(one, there) for one in builder.of(x)]


def _unrepeated(builder: Builder, x: str, parts: Sequence[Sequence[Part]]) -> str | None:
    """A tensor with a dimension for each part that is there; None where it cannot be made."""
    source = _source(builder, x)
    there = [part for one in parts for part in one if part.there]
    wanted = [factor for part in there for factor in part.factors]
    held = [factor for one in builder.of(source or x) for factor in one if factor.size != 1]
    order = None if source is None else _order(held, wanted)
    if order is None or source is None:
        return None
    single = builder.reshape(source, [wanted[at].size for at in order])
    moved = builder.transpose(single, [order.index(at) for at in range(len(order))])
    return builder.reshape(moved, [part.size for part in there])


def _parts(one: Dim, there: Collection[Axis] | None) -> list[Part]:
    """Runs of factors that are there, or not."""
    found: list[Part] = []
    for factor in one:
        is_there = there is None or factor.axis in there
        if factor.size != 1 and found and found[-1].there == is_there:
            found[-1] = Part((*found[-1].factors, factor), is_there)
        elif factor.size != 1:
            found.append(Part((factor,), is_there))
    return found or [Part((), there=True)]


def _order(held: list[Factor], wanted: list[Factor]) -> list[int] | None:
    """In which order factors lie that are digits of those held; None where they are not."""
    order: list[int] = []
    for factor in held:
        outer = factor.inner * (factor.size or 1)
        digits = [
            at for at, each in enumerate(wanted) if each.axis == factor.axis and factor.inner <= each.inner < outer
        ]
        order += sorted(digits, key=lambda at: -wanted[at].inner)
        low = factor.inner
        for at in sorted(digits, key=lambda at: wanted[at].inner):
            if wanted[at].inner != low:
                return None
            low *= wanted[at].size or 1
        if low != outer:
            return None
    return order if len(order) == len(wanted) else None
