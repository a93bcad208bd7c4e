"""Views: nodes that are no work. They rearrange numbers, leave some out, or keep them for later runs."""

from dataclasses import dataclass

from archsim.graph.axes import Shape
from archsim.graph.nodes import ALL, Node, Reach, repeated
from archsim.graph.windows import SAME, Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Node):
    """Base of nodes that are no work."""

    kind: str = "view"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape(View):
    """The same numbers in the order in which they are stored, in other dimensions.

    cuts: whether it cuts across factors, so that it is not known which index is which.
    """

    cuts: bool = False

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """Factors stay the same."""
        return (ALL,) * len(shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transpose(View):
    """Dimensions in another order: that of the result at i is that of the operand at order[i]."""

    order: tuple[int, ...]

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """Each where it went."""
        return tuple(Reach(self.order.index(at)) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice(View):
    """Every `step`-th index of a dimension from `start` on, as many as the result has."""

    dim: int
    start: int
    step: int = 1

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """Shifted."""
        moved = Interval(stride=self.step, pad=-self.start)
        return tuple(Reach(at, moved if at == self.dim else SAME) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked(View):
    """Indices of a dimension in any order, each as often as it is wanted.

    within: the interval of the operand's indices in which that of each index of the result lies.
    """

    dim: int
    indices: tuple[int, ...]
    within: Interval

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """In the interval."""
        return tuple(Reach(at, self.within if at == self.dim else SAME) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(View):
    """Of the positions in a dimension the first or the last of the prompt; the axis of the result says which."""

    dim: int

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """The same positions: which of them, the axis says."""
        return tuple(Reach(at) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat(View):
    """Operands one after the other along a dimension. starts: index of the first of each."""

    dim: int
    starts: tuple[int, ...]

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:
        """Shifted; indices of other operands fall outside."""
        moved = Interval(pad=self.starts[operand])
        return tuple(Reach(at, moved if at == self.dim else SAME) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pad(View):
    """A number before and after the indices of each dimension. before, after: how often; negative: left out."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    number: float = 0.0

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """Shifted."""
        return tuple(Reach(at, Interval(pad=self.before[at])) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(View):
    """Dimensions repeated to the shape of the result, as numpy broadcasts; `times`: each index so often in a row."""

    times: tuple[int, ...] = ()

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """The same index, from the last dimension on."""
        if self.times:
            return tuple(Reach(at, Interval(grow=times)) for at, times in enumerate(self.times))
        return repeated(shape, self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep(View):
    """The tensor of all positions so far: those of former runs, which are kept, then its own. dim: of positions."""

    dim: int = 0

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """Which positions are seen, the axis of the result says."""
        return tuple(Reach(at) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalPad(View):
    """So many positions before those of the first dimension: of former runs the last ones, zeros where none were."""

    before: int

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """Shifted."""
        return (Reach(0, Interval(pad=self.before)), *(Reach(at) for at in range(1, len(shape))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack(View):
    """So many positions in a row (the first dimension) as one, their values side by side; zeros where they end."""

    number: int

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """As many positions."""
        return (Reach(0, Interval(taps=self.number, stride=self.number)), *(ALL,) * (len(shape) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(View):
    """Positions that are sent to an expert, by gates [positions, experts]: those whose `chosen` largest it is among.

    inputs: the tensor [positions, values], the gates. The axis of the result has the route.
    """

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """The same positions."""
        return (Reach(0), ALL) if operand else (Reach(0), Reach(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches(View):
    """A picture [channels, height, width] cut into squares, row by row: [squares, channels x size x size].

    size: pixels of a side; what is left over at the right and below is not used.
    """

    size: int

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """Pixels of any square."""
        return (ALL,) * len(shape)
