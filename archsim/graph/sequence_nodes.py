"""Nodes of models of sequences: tables, rotary positions, biases by distance, recurrences, experts."""

from dataclasses import dataclass

from archsim.graph.axes import Shape
from archsim.graph.nodes import ALL, Mask, Node, Reach, repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding(Node):
    """Rows of tables by whole numbers, added.

    Parameters
    ----------
    inputs
        Whole numbers; the table of their rows; then, as far as they are there, the table of positions and a row that
        is added to all (that of the first segment).
    positions
        Whether there is a table of positions.
    first_position
        Row of the table for position 0.
    scale
        By which rows of the first table are multiplied.
    """

    positions: bool = False
    first_position: int = 0
    scale: float = 1.0

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:
        """An index of the numbers is one of the result; a table's rows are looked up."""
        if operand == 0:
            return tuple(Reach(at) for at in range(len(shape)))
        return (*(ALL,) * (len(shape) - 1), Reach(len(self.shape) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions(Node):
    """Values with the row of a table of positions added: [positions, values].

    inputs: values, the table. first_position: its row for position 0.
    """

    first_position: int = 0

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """The same index."""
        return (Reach(0), Reach(1)) if operand == 0 else (ALL, Reach(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotary(Node):
    """Pairs of numbers turned by angles that grow with the position: [positions, heads, values of a head].

    Parameters
    ----------
    turned
        Values of a head that are turned, the first ones.
    inverse_frequencies
        Angle of each pair from a position to the next, turned / 2 of them.
    halves
        Whether a pair is (i, i + turned / 2), as in GPT-NeoX; else neighbours, as in GPT-J.
    magnitude
        By which turned values are multiplied.
    """

    turned: int
    inverse_frequencies: tuple[float, ...]
    halves: bool
    magnitude: float = 1.0

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """All values of a head."""
        return (*(Reach(at) for at in range(len(shape) - 1)), ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotaryOf(Node):
    """Pairs of numbers of the last dimension turned by angles whose cosines and sines are operands.

    Of a pair (a, b): (a cosine - b sine, b cosine + a sine), with the cosine and sine at the index of each.

    Parameters
    ----------
    inputs
        The operand; cosines and sines, of as many last indices as are turned, repeated as numpy does.
    turned, halves
        As of Rotary.
    """

    turned: int
    halves: bool

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:
        """All values of a head."""
        if operand:
            return (*repeated(shape, self.shape)[:-1], ALL)
        return (*(Reach(at) for at in range(len(shape) - 1)), ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tempered(Node):
    """Values of a position multiplied by a number that grows with it: [positions, heads, values of a head].

    At position p, counted from 0, that is 1 + rise * log(1 + floor((p + 1) / every)) (Llama 4, Meta, 2025).
    """

    every: float
    rise: float

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """The same index."""
        return tuple(Reach(at) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreBias(Node):
    """What is added to scores by distance: [heads, positions, keys].

    Parameters
    ----------
    inputs
        Scores, and, where `buckets` is not 0, a table [buckets, heads].
    buckets, furthest, both_ways
        Of T5: rows of the table, the distance from which on all are alike, and whether keys behind have rows too
        (C. Raffel et al., 2020). Without buckets a head's bias falls in a straight line (ALiBi, O. Press et al., 2022).
    scale
        By which what is added is multiplied.
    mask
        Results that it hides are minus infinity.
    """

    buckets: int
    furthest: int = 128
    both_ways: bool = False
    scale: float = 1.0
    mask: Mask | None = None

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:
        """The same index."""
        return tuple(Reach(at) for at in range(len(shape))) if operand == 0 else (ALL, Reach(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBias(Node):
    """What is added to scores in windows of a map: [heads, windows, pixels of a window, as many keys], row by row.

    Parameters
    ----------
    inputs
        Scores, and, maybe, a table [distances, heads]: its row for a key that is (y, x) before the pixel, which may be
        negative, is (y + height - 1) * (2 width - 1) + x + width - 1, of the window's height and width.
    window, size, shift
        Height and width of a window, and of the map, whose pixels were moved up and left by so many, those that fell
        out coming in at the other side. A pair of which one alone came in so has minus infinity.
    """

    window: tuple[int, int]
    size: tuple[int, int]
    shift: tuple[int, int]

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:
        """The same index."""
        return (ALL, Reach(0)) if operand else tuple(Reach(at) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous(Node):
    """In a recurrence: a tensor at the position before, zeros at the first.

    inputs: the key of a node of the same body, which may come later.
    """

    kind: str = "view"

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """The position before."""
        return tuple(Reach(at, previous=at == 0) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence(Node):
    """Nodes that run position by position along the first dimension.

    Parameters
    ----------
    inputs
        Tensors from outside that the body reads at its own position.
    body
        Nodes in order, whose tensors have all positions in their first dimension. They run on one of them at a time.
    result
        Key of the body's node whose tensor is this node's.
    backward
        Whether the last position comes first.
    """

    kind: str = "view"
    body: tuple[Node, ...]
    result: str
    backward: bool = False

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """Its own position; what else is needed, the nodes of the body say."""
        return (Reach(0), *(ALL,) * (len(shape) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed(Node):
    """Gates of the experts that are chosen for a position, zeros for all others: [positions, experts].

    Choosing is no work that is counted; what is done to the gates of the chosen is.

    Parameters
    ----------
    inputs
        Gates of all experts; the numbers by which they are chosen, the largest first.
    chosen
        Experts a position.
    groups, groups_chosen
        Experts that follow each other are a group; only those of so many groups can be chosen.
    group_largest
        Groups are chosen by the sum of so many of their largest numbers.
    renormalised
        Whether the gates of the chosen are divided by their sum.
    scale
        By which they are multiplied.
    """

    chosen: int
    groups: int = 1
    groups_chosen: int = 1
    group_largest: int = 1
    renormalised: bool = False
    scale: float = 1.0

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """All experts."""
        return (Reach(0), ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled(Node):
    """The results of the experts that a position was sent to, each times its gate: [positions, chosen, values].

    inputs: the experts' results in order, then gates [positions, experts]. chosen: experts a position.
    renormalised: whether the gates of the chosen are divided by their sum. weighted: false where results are taken as
    they are, as what came into the experts was multiplied by gates.
    """

    chosen: int
    renormalised: bool
    weighted: bool = True

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """The same position."""
        return (Reach(0), Reach(2) if operand < len(self.inputs) - 1 else ALL)
