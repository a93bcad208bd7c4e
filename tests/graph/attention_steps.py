"""Attention as a step of small networks, in the forms that files have it in."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Literal

from archsim.graph.axes import size_of
from archsim.graph.sequence_nodes import Rotary
from tests.graph.steps import Linear
from tests.graph.view_steps import Merge, Ordered, Split, repeated

if TYPE_CHECKING:
    from archsim.graph.builder import Builder
    from archsim.graph.nodes import Mask
    from tests.graph.steps import Network


@dataclass(frozen=True)
class Attend:
    """Self-attention along one axis; the other places are batches.

    Parameters
    ----------
    heads, kept, size
        Heads, of which some share keys so that so many are kept; values of a head.
    mask
        Along a stream, which is the first dimension, keys are kept.
    past
        Keys and values of positions that come in.
    form
        letters: products say which dimension is which. transposed: heads come first. merged: and are one dimension
        with the batches.
    repeated
        Whether keys that heads share are repeated for each of them.
    turned
        Whether queries and keys are turned by their positions.
    """

    axis: str
    heads: int
    kept: int
    size: int
    mask: Mask | None = None
    past: int = 0
    form: Literal["letters", "transposed", "merged"] = "letters"
    repeated: bool = False
    turned: bool = False

    def build(self, net: Network) -> None:
        if self.turned or self.form != "letters":
            net.last(self.axis + "e")
        builder, at, axes = net.builder, net.axes.index("e"), net.axes
        x, made = net.name, []
        for heads in (self.heads, self.kept, self.kept):
            net.name = x
            Linear(heads * self.size, last=False).build(net)
            made.append(builder.split(net.name, at, heads, self.size))
        query, key, value = made
        if self.turned:
            query, key = (turned(builder, x) for x in (query, key))
        key, value = (self._with_past(net, name, x) for name, x in (("key", key), ("value", value)))
        group = self.heads // self.kept
        if group > 1 and self.repeated:
            key, value = (repeated(builder, x, at, group) for x in (key, value))
        elif group > 1:
            query = builder.split(query, at, self.kept, group)
        shares = "g" if group > 1 and not self.repeated else ""
        others = axes.replace("e", "").replace(self.axis, "")
        of_query = axes.replace("e", f"h{shares}d")
        of_key = axes.replace("e", "hd").replace(self.axis, "t")
        if self.form == "letters":
            context = self._attended(builder, (query, key, value), (of_query, of_key, of_key), others)
        else:
            context = self._heads_first(builder, (query, key, value), (of_query, of_key), others)
            of_query = f"{others}h{shares}{self.axis}d"
        of_heads = f"h{shares}"
        wanted = others + self.axis + of_heads + "d"
        context = builder.transpose(context, [of_query.index(letter) for letter in wanted])
        net.name, net.axes = builder.merge(context, len(others) + 1, len(of_heads) + 1), others + self.axis + "e"
        Linear(size_at(builder, x, at), last=False).build(net)

    def _with_past(self, net: Network, name: str, x: str) -> str:
        builder, at = net.builder, net.axes.index(self.axis)
        if self.mask is not None and builder.of(x)[at] and builder.of(x)[at][0].axis.stream is not None:
            return builder.keep(x, self.mask.span)
        if not self.past:
            return x
        sizes = [*net.sizes.values()]
        here = net.axes.index("e")
        sizes[here : here + 1] = [self.kept, self.size]
        where = at if at < here else at + 1
        sizes[where] = self.past
        came = builder.input(f"{builder.layer} {name}", builder.axes(f"{builder.layer} {name}", sizes))
        net.inputs.append(came)
        return builder.concat([came, x], where)

    def _attended(self, builder: Builder, xs: tuple[str, str, str], letters: tuple[str, str, str], others: str) -> str:
        query, key, value = xs
        of_query, of_key, of_value = letters
        inner = "".join(letter for letter in of_query if letter in "hg")
        of_scores = f"{others}{inner}{self.axis}t"
        scale = 1 / sqrt(self.size)
        scores = builder.contraction(
            "scores", query, key, f"{of_query},{of_key}->{of_scores}", scale=scale, mask=self.mask
        )
        softmax = builder.softmax("softmax", scores)
        return builder.contraction("context", softmax, value, f"{of_scores},{of_value}->{of_query}")

    def _heads_first(self, builder: Builder, xs: tuple[str, str, str], letters: tuple[str, str], others: str) -> str:
        of_query, of_key = letters
        inner = "".join(letter for letter in of_query if letter in "hg")
        forms = [f"{others}{inner}{self.axis}d", f"{others}hdt", f"{others}htd"]
        moved = [
            builder.transpose(x, [own.index(letter) for letter in form])
            for x, own, form in zip(xs, (of_query, of_key, of_key), forms, strict=True)
        ]
        query, key, value = moved
        batches = len(others) + 1
        if self.form == "transposed" or batches == 1 or inner == "hg":
            return self._attended(builder, (query, key, value), (forms[0], forms[1], forms[2]), others)
        query, key, value = (builder.merge(x, 0, batches) for x in moved)
        context = self._attended(builder, (query, key, value), (f"b{self.axis}d", "bdt", "btd"), "b")
        return builder.split(context, 0, *(size_at(builder, moved[0], at) for at in range(batches)))


def size_at(builder: Builder, x: str, at: int) -> int:
    """Indices of a dimension."""
    return size_of(builder.of(x)[at]) or 0


def turned(builder: Builder, x: str) -> str:
    """Positions, heads and values are the last dimensions."""
    values = size_at(builder, x, -1) // 2 * 2
    frequencies = tuple(100.0 ** (-2 * at / values) for at in range(values // 2))
    return builder.add(
        Rotary(
            layer=builder.layer,
            name=builder.name("rotary"),
            kind="rotary",
            inputs=(x,),
            shape=builder.of(x),
            turned=values,
            inverse_frequencies=frequencies,
            halves=values % 4 == 0,
        )
    )


@dataclass(frozen=True)
class Squares:
    """Two axes cut into squares of `size` places a side, whose places are one axis: attention along that; and back."""

    first: str
    second: str
    size: int
    attend: Attend

    def build(self, net: Network) -> None:
        outer = []
        for axis in (self.first, self.second):
            outer.append(net.fresh())
            Split(axis, self.size).build(net)
        rest = "".join(axis for axis in net.axes if axis not in (*outer, self.first, self.second, "e"))
        Ordered(rest + "".join(outer) + self.first + self.second + "e").build(net)
        Merge(self.first, self.second).build(net)
        self.attend.build(net)
        inner = net.fresh()
        net.name = net.builder.split(net.name, net.axes.index(self.second), self.size, self.size)
        net.axes = net.axes.replace(self.second, inner + self.second)
        Merge(outer[0], inner).build(net)
        Merge(outer[1], self.second).build(net)
