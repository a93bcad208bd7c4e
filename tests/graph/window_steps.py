"""Steps of small networks that move windows along places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from archsim.graph.windows import Interval

if TYPE_CHECKING:
    from tests.graph.steps import Network


@dataclass(frozen=True)
class Moved:
    """A window along an axis: taps, stride, places put before and after, distance of taps."""

    axis: str
    taps: int = 1
    stride: int = 1
    before: int = 0
    after: int = 0
    apart: int = 1

    @property
    def interval(self) -> Interval:
        return Interval(self.taps, self.stride, self.before, self.apart)

    def results(self, size: int) -> int:
        return (size + self.before + self.after - self.interval.span) // self.stride + 1

    def covers(self, size: int) -> bool:
        """Whether every window has a place inside."""
        begins = range(-self.before, self.results(size) * self.stride - self.before, self.stride)
        return all(any(0 <= begin + tap * self.apart < size for tap in range(self.taps)) for begin in begins)


@dataclass(frozen=True)
class Conv:
    """A convolution along some of the places."""

    moved: tuple[Moved, ...]
    outputs: int
    groups: int = 1
    bias: bool = False

    def build(self, net: Network) -> None:
        builder, sizes, at = net.builder, net.sizes, net.axes.index("e")
        inputs, outputs, taps = sizes["e"] // self.groups, self.outputs // self.groups, "abcd"[: len(self.moved)]
        weight = net.weight("w", self.outputs, inputs, *(each.taps for each in self.moved))
        bias = net.weight("b", self.outputs) if self.bias else None
        windows = [(m.axis, tap, m.interval, m.results(sizes[m.axis])) for m, tap in zip(self.moved, taps, strict=True)]
        x = builder.split(net.name, at, self.groups, inputs) if self.groups > 1 else net.name
        group = "g" if self.groups > 1 else ""
        own = {"g": self.groups, "o": outputs, "i": inputs} | {t: m.taps for t, m in zip(taps, self.moved, strict=True)}
        second = f"{group}oi{taps}"
        rows = net.axes.replace("e", f"{group}{{}}")
        letters = f"{rows.format('i')},{second}->{rows.format('o')}"
        own = {letter: own[letter] for letter in second} if group else {}
        made = builder.contraction("product", x, weight, letters, sizes=own, windows=windows, bias=bias)
        net.name = builder.merge(made, at, 2) if self.groups > 1 else made


@dataclass(frozen=True)
class Pooled:
    """The largest or the mean under windows along some places."""

    function: Literal["maximum", "mean"]
    moved: tuple[Moved, ...]
    padding_counts: bool = False

    def build(self, net: Network) -> None:
        kind = "maxpool" if self.function == "maximum" else "avgpool"
        windows = [(net.axes.index(m.axis), m.interval, m.results(net.sizes[m.axis])) for m in self.moved]
        net.name = net.builder.pool("pool", kind, net.name, self.function, windows, padding_counts=self.padding_counts)
