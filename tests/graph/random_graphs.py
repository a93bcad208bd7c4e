"""Small networks at random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from hypothesis import strategies as st

from archsim.graph.nodes import Mask
from tests.graph.attention_steps import Attend, Squares
from tests.graph.steps import Act, Embed, Gate, Linear, Mix, Network, Norm, Reduced, Residual, Softmax, Step, started
from tests.graph.view_steps import Around, Cut, Join, Merge, Ordered, Repeated, Slice, Split
from tests.graph.window_steps import Conv, Moved, Pooled

_MOST_NUMBERS = 400
_ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "gelu_tanh", "silu", "hardswish", "abs", "neg")


@dataclass(frozen=True)
class Program:
    """Axes of the input with their sizes, in the order in which it has them, and steps.

    ids: it is whole numbers below so many. stream: its first axis is a sequence, whose positions see those before them.
    """

    start: tuple[tuple[str, int], ...]
    steps: tuple[Step, ...]
    ids: int | None = None
    stream: bool = False

    def build(self, order: str = "") -> Network:
        """The network, whose input has its axes in another order, if one is given."""
        sizes = dict(self.start)
        net = started([(axis, sizes[axis]) for axis in order or sizes], self.ids, stream=self.stream)
        for step in self.steps:
            net.take(step)
        return net


@st.composite
def programs(draw: st.DrawFn, most: int = 6) -> Program:
    """Any order of axes: channels first or last, positions or the batch first."""
    places = draw(st.integers(0, 3))
    size = st.integers(1, 5 if places < 2 else 4 if places == 2 else 3)
    sizes = {axis: draw(size) for axis in "pqr"[:places]}
    if draw(st.booleans()) or not places:
        sizes["n"] = draw(st.integers(1, 2))
    ids = draw(st.sampled_from([None, None, None, 5])) if places == 1 else None
    if ids is None:
        sizes["e"] = draw(st.integers(1, 6))
    start = tuple((axis, sizes[axis]) for axis in draw(st.permutations(list(sizes))))
    net = started(start, ids)
    steps: list[Step] = []
    if ids is not None:
        steps.append(Embed(ids, draw(st.integers(1, 6)), positions=start[-1][0] != "n" and draw(st.booleans())))
        net.take(steps[-1])
    for _ in range(draw(st.integers(1, most))):
        if prod(net.sizes.values()) > _MOST_NUMBERS:
            break
        steps.append(draw(_step(net)))
        net.take(steps[-1])
    return Program(start, tuple(steps), ids)


@st.composite
def decoders(draw: st.DrawFn) -> Program:
    """Along a sequence whose positions see those before them; keys are kept."""
    start = (("p", draw(st.integers(1, 6))), ("e", draw(st.integers(1, 4))))
    net = started(start, stream=True)
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 4))):
        attend = _attend_along("p", net.sizes["p"], masked=True)
        back: st.SearchStrategy[Step] = st.builds(Residual, st.integers(0, 5)) if net.fitting() else attend
        either: st.SearchStrategy[Step] = st.one_of(attend, _plain(), back)
        steps.append(draw(either))
        if isinstance(steps[-1], Attend):
            mask = Mask(causal=True, span=draw(st.none() | st.integers(1, 4)))
            steps[-1] = replace(steps[-1], mask=mask, past=0, turned=False)
        net.take(steps[-1])
    return Program(start, tuple(steps), stream=True)


def _plain() -> st.SearchStrategy[Step]:
    """What goes with any axes, the values' among them."""
    return st.one_of(
        st.builds(Linear, st.integers(1, 6), st.booleans(), st.booleans()),
        st.builds(Norm, st.sampled_from(["layernorm", "rmsnorm"]), st.booleans()),
        st.builds(Act, st.sampled_from(_ACTIVATIONS)),
    )


def _step(net: Network) -> st.SearchStrategy[Step]:
    """What can come next."""
    back = st.integers(0, 5)
    axis, place = st.sampled_from(net.axes), st.sampled_from(net.places or "-")
    choices: list[st.SearchStrategy[Step]] = [
        _plain(),
        _plain(),
        st.builds(Softmax, axis),
        st.builds(Ordered, st.permutations(list(net.axes)).map("".join)),
        axis.flatmap(lambda at: _slice(at, net.sizes[at])),
        st.builds(Around, axis, st.integers(0, 2), st.integers(0, 2), st.sampled_from([0.0, 1.5])),
        _cut(prod(net.sizes.values())),
        st.permutations(list(net.axes)).map(lambda axes: Merge(axes[0], axes[1])) if net.places else st.nothing(),
        axis.flatmap(lambda at: st.sampled_from(_divisors(net.sizes[at])).map(lambda size: Split(at, size))),
        st.builds(Repeated, axis, st.integers(2, 3)),
        st.builds(Residual, back, st.sampled_from(["add", "mul", "sub"])) if net.fitting() else st.nothing(),
    ]
    joined = [at for at in net.axes if net.fitting(but=at)]
    if joined:
        choices.append(st.builds(Join, st.sampled_from(joined), back))
    if net.places:
        choices += [
            _conv(net),
            _conv(net),
            _pooled(net),
            st.builds(Mix, place, st.integers(1, 4)),
            st.builds(Reduced, st.sampled_from(["sum", "mean", "maximum"]), place, st.booleans()),
            st.builds(Gate, place),
            _attend(net),
            _attend(net),
        ]
        square = [at for at in net.places if net.sizes[at] % 2 == 0]
        if len(square) > 1:
            inner = _attend_along(square[1], 4, masked=False)
            choices.append(st.builds(Squares, st.just(square[0]), st.just(square[1]), st.just(2), inner))
    return st.one_of(choices)


def _divisors(number: int) -> list[int]:
    return [size for size in range(1, number + 1) if number % size == 0]


def _slice(axis: str, size: int) -> st.SearchStrategy[Step]:
    """At least one index; every one, every second, or backwards."""

    def of(start: int, step: int) -> st.SearchStrategy[Step]:
        most = (size - 1 - start) // step + 1 if step > 0 else start // -step + 1
        return st.integers(1, most).map(lambda number: Slice(axis, start, number, step))

    return st.tuples(st.integers(0, size - 1), st.sampled_from([1, 1, 2, -1])).flatmap(lambda both: of(*both))


def _cut(numbers: int) -> st.SearchStrategy[Step]:
    """Up to four dimensions of as many numbers."""

    def more(sizes: tuple[int, ...]) -> st.SearchStrategy[tuple[int, ...]]:
        divisors = st.sampled_from(_divisors(sizes[-1]))
        return divisors.map(lambda size: (*sizes[:-1], sizes[-1] // size, size))

    sizes = more((numbers,))
    return st.one_of(sizes, sizes.flatmap(more), sizes.flatmap(more).flatmap(more)).map(Cut)


@st.composite
def _moved(draw: st.DrawFn, axis: str, size: int) -> Moved:
    taps, apart, before, after = (draw(st.integers(low, high)) for low, high in ((1, 3), (1, 2), (0, 2), (0, 2)))
    if (taps - 1) * apart + 1 > size + before + after:
        taps = 1
    span = (taps - 1) * apart + 1
    before, after = min(before, span - 1), min(after, span - 1)
    return Moved(axis, taps if span <= size + before + after else 1, draw(st.integers(1, 3)), before, after, apart)


@st.composite
def _windows(draw: st.DrawFn, net: Network) -> tuple[Moved, ...]:
    axes = draw(st.lists(st.sampled_from(net.places), min_size=1, max_size=3, unique=True))
    return tuple(draw(_moved(axis, net.sizes[axis])) for axis in axes)


@st.composite
def _conv(draw: st.DrawFn, net: Network) -> Step:
    groups = draw(st.sampled_from(_divisors(net.sizes["e"])))
    return Conv(draw(_windows(net)), groups * draw(st.integers(1, 3)), groups, draw(st.booleans()))


@st.composite
def _pooled(draw: st.DrawFn, net: Network) -> Step:
    """No window lies in the padding alone."""
    windows = [each if each.covers(net.sizes[each.axis]) else Moved(each.axis) for each in draw(_windows(net))]
    return Pooled(draw(st.sampled_from(["maximum", "mean"])), tuple(windows), draw(st.booleans()))


def _attend(net: Network) -> st.SearchStrategy[Step]:
    both = st.tuples(st.sampled_from(net.places), st.booleans())
    return both.flatmap(lambda drawn: _attend_along(drawn[0], net.sizes[drawn[0]], masked=drawn[1]))


@st.composite
def _attend_along(draw: st.DrawFn, axis: str, size: int, *, masked: bool) -> Attend:
    kept, past = draw(st.integers(1, 2)), draw(st.sampled_from([0, 0, 1, 3]))
    span = draw(st.none() | st.integers(1, size + 1))
    return Attend(
        axis,
        heads=kept * draw(st.sampled_from([1, 2])),
        kept=kept,
        size=draw(st.integers(1, 4)),
        mask=Mask(causal=True, span=span, past=past) if masked else None,
        past=past,
        form=draw(st.sampled_from(["letters", "transposed", "merged"])),
        repeated=draw(st.booleans()),
        turned=draw(st.booleans()),
    )
