"""Steps of small networks that only rearrange numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.graph.axes import Axis, dim, size_of
from archsim.graph.views import Pad, Repeat

if TYPE_CHECKING:
    from archsim.graph.builder import Builder
    from tests.graph.steps import Network


@dataclass(frozen=True)
class Join:
    """Concatenated along an axis with a former tensor, if there is one of the same other sizes; it comes first."""

    axis: str
    back: int

    def build(self, net: Network) -> None:
        fitting = net.fitting(but=self.axis)
        other = net.like(*fitting[self.back % len(fitting)])
        net.name = net.builder.concat([other, net.name], net.axes.index(self.axis))


@dataclass(frozen=True)
class Slice:
    """Some indices of an axis."""

    axis: str
    start: int
    number: int
    step: int = 1

    def build(self, net: Network) -> None:
        net.name = net.builder.slice(net.name, net.axes.index(self.axis), self.start, self.number, step=self.step)


@dataclass(frozen=True)
class Around:
    """Numbers put before and after an axis."""

    axis: str
    before: int
    after: int
    number: float = 0.0

    def build(self, net: Network) -> None:
        shape, at, layer = list(net.builder.of(net.name)), net.axes.index(self.axis), net.builder.layer
        order = shape[at][0].axis.order if shape[at] else 0
        shape[at] = dim(Axis(f"{layer}/pad:", (size_of(shape[at]) or 0) + self.before + self.after, order))
        before, after = (
            [number if axis == self.axis else 0 for axis in net.axes] for number in (self.before, self.after)
        )
        net.name = net.builder.add(
            Pad(
                layer=layer,
                name="pad",
                inputs=(net.name,),
                shape=tuple(shape),
                before=tuple(before),
                after=tuple(after),
                number=self.number,
            )
        )


@dataclass(frozen=True)
class Ordered:
    """Dimensions in another order."""

    axes: str

    def build(self, net: Network) -> None:
        net.order(self.axes)


@dataclass(frozen=True)
class Split:
    """An axis as two: `size` indices of it stay together, and there is a new axis before, or after it."""

    axis: str
    size: int

    def build(self, net: Network) -> None:
        at, outer = net.axes.index(self.axis), net.fresh()
        net.name = net.builder.split(net.name, at, net.sizes[self.axis] // self.size, self.size)
        net.axes = net.axes.replace(self.axis, outer + self.axis)


@dataclass(frozen=True)
class Merge:
    """Two axes as one: each index of the first has all of the second. It has the values' name, or the second's."""

    first: str
    second: str

    def build(self, net: Network) -> None:
        if self.first + self.second not in net.axes:
            net.order(net.axes.replace(self.first, "").replace(self.second, self.first + self.second))
        net.name = net.builder.merge(net.name, net.axes.index(self.first), 2)
        net.axes = net.axes.replace(self.second if self.first == "e" else self.first, "")


@dataclass(frozen=True)
class Cut:
    """All numbers, in an order that does not depend on that of dimensions, in other dimensions."""

    sizes: tuple[int, ...]

    def build(self, net: Network) -> None:
        net.order("".join(sorted(net.places)) + "e")
        net.name = net.builder.reshape(net.name, self.sizes)
        net.axes = "npqrs"[: len(self.sizes) - 1] + "e"


@dataclass(frozen=True)
class Repeated:
    """Each index of an axis several times in a row."""

    axis: str
    times: int

    def build(self, net: Network) -> None:
        net.name = repeated(net.builder, net.name, net.axes.index(self.axis), self.times)


def repeated(builder: Builder, x: str, at: int, number: int) -> str:
    """Each index of a dimension several times in a row."""
    shape = list(builder.of(x))
    name = builder.name("repeat")
    order = shape[at][0].axis.order if shape[at] else 0
    shape[at] = dim(Axis(f"{builder.layer}/{name}:", (size_of(shape[at]) or 0) * number, order))
    times = tuple(number if here == at else 1 for here in range(len(shape)))
    return builder.add(Repeat(layer=builder.layer, name=name, inputs=(x,), shape=tuple(shape), times=times))
