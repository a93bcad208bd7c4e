"""Steps of small networks. They name axes by letters, so that the same steps can be built in any order of dimensions.

`e` is the axis of values; `n` that of a batch; all others are places: positions of a sequence, pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from archsim.graph.axes import Axis, dim, sizes_of
from archsim.graph.builder import Builder
from archsim.graph.nodes import Normalise
from archsim.graph.sequence_nodes import Embedding
from archsim.graph.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

_FRESH = "pqrsuvwxyz"


class Step(Protocol):
    """What is done to the tensor so far."""

    def build(self, net: Network) -> None: ...


@dataclass
class Network:
    """A network as far as it is built: its last tensor, and the letters of that tensor's dimensions."""

    builder: Builder
    name: str
    axes: str
    former: list[tuple[str, str]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)

    @property
    def sizes(self) -> dict[str, int]:
        return {axis: size or 0 for axis, size in zip(self.axes, sizes_of(self.builder.of(self.name)), strict=True)}

    @property
    def places(self) -> str:
        """Letters of all axes but the values'."""
        return self.axes.replace("e", "")

    def take(self, step: Step) -> None:
        self.former.append((self.name, self.axes))
        self.builder.layer = f"step {len(self.former)}"
        step.build(self)

    def weight(self, name: str, *shape: int) -> str:
        return self.builder.weight(f"{self.builder.layer}/{name} {len(self.builder.weights)}", shape)

    def fresh(self) -> str:
        return next(letter for letter in _FRESH if letter not in self.axes)

    def order(self, axes: str) -> None:
        """Dimensions in that order."""
        self.name = self.builder.transpose(self.name, [self.axes.index(axis) for axis in axes])
        self.axes = axes

    def last(self, axes: str) -> None:
        """Those dimensions at the end."""
        self.order("".join(axis for axis in self.axes if axis not in axes) + axes)

    def like(self, name: str, axes: str) -> str:
        """Another tensor with its dimensions in the order of this one's."""
        return self.builder.transpose(name, [axes.index(axis) for axis in self.axes])

    def fitting(self, but: str = "") -> list[tuple[str, str]]:
        """Former tensors of the same axes and sizes, except for one axis."""
        sizes = {axis: size for axis, size in self.sizes.items() if axis != but}

        def fits(name: str, axes: str) -> bool:
            theirs = dict(zip(axes, sizes_of(self.builder.of(name)), strict=True))
            return set(axes) == set(self.axes) and {axis: theirs[axis] for axis in sizes} == sizes

        return [each for each in self.former if fits(*each)]


@dataclass(frozen=True)
class Linear:
    """A projection of the values, where they stand or at the end."""

    outputs: int
    bias: bool = False
    last: bool = True

    def build(self, net: Network) -> None:
        if self.last:
            net.last("e")
        rows = net.axes.replace("e", "{}")
        weight = net.weight("w", self.outputs, net.sizes["e"])
        bias = net.weight("b", self.outputs) if self.bias else None
        letters = f"{rows.format('i')},oi->{rows.format('o')}"
        net.name = net.builder.contraction("product", net.name, weight, letters, bias=bias)


@dataclass(frozen=True)
class Embed:
    """Rows of a table by whole numbers; with those of a table of positions, which are the last dimension."""

    rows: int
    values: int
    positions: bool = False

    def build(self, net: Network) -> None:
        builder = net.builder
        tables = [net.weight("table", self.rows, self.values)]
        if self.positions:
            tables.append(net.weight("positions", net.sizes[net.axes[-1]] + 1, self.values))
        width = dim(Axis(f"{builder.layer}/values", self.values))
        net.name = builder.add(
            Embedding(
                layer=builder.layer,
                name="embedding",
                kind="embedding",
                inputs=(net.name, *tables),
                shape=(*builder.of(net.name), width),
                positions=self.positions,
                first_position=int(self.positions),
                scale=0.5,
            )
        )
        net.axes += "e"


@dataclass(frozen=True)
class Mix:
    """Places mixed by weights."""

    axis: str
    outputs: int

    def build(self, net: Network) -> None:
        weight = net.weight("w", self.outputs, net.sizes[self.axis])
        letters = f"{net.axes},o{self.axis}->{net.axes.replace(self.axis, 'o')}"
        net.name = net.builder.contraction("mixed", net.name, weight, letters)


@dataclass(frozen=True)
class Norm:
    """Of the values, where they stand or at the end."""

    function: Literal["layernorm", "rmsnorm"]
    last: bool = True

    def build(self, net: Network) -> None:
        if self.last:
            net.last("e")
        names = ["scale", "shift"] if self.function == "layernorm" else ["scale"]
        net.name = net.builder.add(
            Normalise(
                layer=net.builder.layer,
                name="norm",
                kind=self.function,
                inputs=(net.name, *(net.weight(name, net.sizes["e"]) for name in names)),
                shape=net.builder.of(net.name),
                function=self.function,
                dims=(net.axes.index("e"),),
                epsilon=0.01,
                scaled=True,
                shifted=self.function == "layernorm",
            )
        )


@dataclass(frozen=True)
class Softmax:
    """Over an axis."""

    axis: str

    def build(self, net: Network) -> None:
        net.name = net.builder.softmax("softmax", net.name, net.axes.index(self.axis))


@dataclass(frozen=True)
class Act:
    """A function of each number."""

    function: str

    def build(self, net: Network) -> None:
        net.name = net.builder.elementwise("act", self.function, net.name)


@dataclass(frozen=True)
class Residual:
    """Put together with a former tensor of the same sizes, if there is one."""

    back: int
    function: Literal["add", "mul", "sub"] = "add"

    def build(self, net: Network) -> None:
        fitting = net.fitting()
        other = net.like(*fitting[self.back % len(fitting)])
        net.name = net.builder.elementwise("residual", self.function, net.name, other)


@dataclass(frozen=True)
class Reduced:
    """One number in place of an axis, which stays with one index or is lost."""

    function: Literal["sum", "mean", "maximum"]
    axis: str
    kept: bool

    def build(self, net: Network) -> None:
        kind, at = {"sum": "add", "mean": "avgpool", "maximum": "maxpool"}[self.function], net.axes.index(self.axis)
        net.name = net.builder.reduce("reduced", kind, net.name, self.function, [at], kept=self.kept)
        net.axes = net.axes if self.kept else net.axes.replace(self.axis, "")


@dataclass(frozen=True)
class Gate:
    """Values multiplied by what is made of their mean over an axis, which is repeated."""

    axis: str

    def build(self, net: Network) -> None:
        x, axes = net.name, net.axes
        Reduced("mean", self.axis, kept=True).build(net)
        Linear(net.sizes["e"], last=False).build(net)
        gate = net.builder.elementwise("act", "sigmoid", net.name)
        net.name, net.axes = net.builder.elementwise("gated", "mul", x, gate), axes


def started(axes: Sequence[tuple[str, int]], ids: int | None = None, *, stream: bool = False) -> Network:
    """A network that has an input of these axes and nothing else.

    ids: whole numbers below so many. stream: the first axis is a sequence, whose positions see those before them.
    """
    builder = Builder()
    letters, sizes = "".join(axis for axis, _ in axes), [size for _, size in axes]
    shape = builder.axes("x", sizes)
    if stream:
        tokens = Stream("tokens", length=sizes[0], causal=True)
        shape = (dim(Axis("tokens", sizes[0], 0, tokens)), *shape[1:])
    x = builder.input("x", shape, whole=ids)
    return Network(builder, x, letters, inputs=[x])
