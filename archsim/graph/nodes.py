"""Nodes: what a Graph's tensors are made by. Each kind of node has one exact meaning.

Every node says of each operand and dimension which indices an index of its result needs (`reach`). Dependencies, work
and values all follow from that and from the shapes.
"""

from dataclasses import dataclass, replace
from typing import Literal

from archsim.graph.axes import Shape, size_of
from archsim.graph.streams import Sight
from archsim.graph.windows import SAME, Interval, group


@dataclass(frozen=True, slots=True)
class Reach:
    """Which indices of an operand's dimension are needed, by an index of the result's dimension `of`.

    of: None where all indices of the operand's are needed whatever the result's index is. previous: one index before.
    """

    of: int | None
    interval: Interval = SAME
    previous: bool = False


ALL = Reach(None)


def repeated(shape: Shape, result: Shape) -> tuple[Reach, ...]:
    """Of an operand whose fewer dimensions, or those of one index, are repeated as numpy does."""
    first = len(result) - len(shape)
    alone = [size_of(one) == 1 != size_of(result[first + at]) for at, one in enumerate(shape)]
    return tuple(ALL if is_alone else Reach(first + at) for at, is_alone in enumerate(alone))


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Base of all.

    Parameters
    ----------
    layer, name
        `layer/name` is the node's key, and the name of the tensor that it makes; it is unique in the Graph.
    inputs
        Names of tensors: keys of nodes, inputs of the Graph, or its weights.
    shape
        Of the result, without the batch of the job, which is the first dimension of every array.
    kind
        A word of `archsim.vocabulary.OPERATORS`, by which a machine's file has a recipe; `view` for what is free.
    """

    layer: str
    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: Shape

    @property
    def key(self) -> str:
        """`layer/name`."""
        return f"{self.layer}/{self.name}"

    @property
    def free(self) -> bool:
        """Whether it is no work: only another view of the same numbers."""
        return self.kind == "view"

    @property
    def inside(self) -> tuple[int, ...]:
        """Dimensions of the result that are of one position, even if other digits of their axes are positions."""
        return ()

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002 - each kind of node has its own
        """Of each dimension of an operand of that shape: what is needed of it."""
        raise TypeError(self.kind)


@dataclass(frozen=True, slots=True)
class Mask:
    """Which keys a query sees: those before it and its own (`causal`), and of these `span`, as `sight` says.

    past: keys that come before that of the first query. applied: whether results that are hidden become minus infinity
    here; else other nodes do that, which may hide more, and the mask says only what is surely hidden.
    """

    causal: bool
    span: int | None = None
    past: int = 0
    sight: Sight = "past"
    applied: bool = True

    def interval(self, queries: int, keys: int) -> Interval:
        """The keys that each of so many queries sees, or may see; what lies outside is none."""
        if self.span is not None and self.sight == "around":
            return Interval(self.span, pad=self.span // 2 - self.past)
        if self.span is not None and self.sight == "chunk" and self.past % self.span == 0:
            return replace(group(self.span), pad=-self.past)
        before = queries + self.past if self.span is None else self.span
        taps = before if self.causal else before + keys
        return Interval(taps, pad=before - 1 - self.past)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contraction(Node):
    """A product: sums over labels, as in Einstein's notation, with windows.

    Parameters
    ----------
    inputs
        first, second, and a bias of the labels that only the second has (and those that both share), if any.
    first, second, result
        A letter for each dimension. Letters of both and of the result are shared; of both alone, summed over; of one
        and the result, kept.
    second_sizes
        Of weights: the sizes of its letters, into which it is reshaped.
    windows
        (letter of first, letter of second, interval): at index i of the result, the weight of tap k is multiplied by
        the index first(i) + k * apart; outside there are zeros.
    stationary
        Whether the second operand is weights, known before the run.
    scale
        By which the result, with its bias, is multiplied.
    cap
        The result is cap * tanh(result / cap).
    mask
        Results that it hides are minus infinity; the result's last two letters are queries and keys.
    """

    first: str
    second: str
    result: str
    stationary: bool
    second_sizes: tuple[int, ...] = ()
    windows: tuple[tuple[str, str, Interval], ...] = ()
    scale: float = 1.0
    cap: float | None = None
    mask: Mask | None = None

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002 - letters say it
        """By letters."""
        windows = {first: interval for first, _, interval in self.windows}
        letters = (self.first, self.second, "".join(x for x in self.result if x in self.second))[operand]

        def of(letter: str) -> Reach:
            if letter not in self.result:
                return ALL
            return Reach(self.result.index(letter), windows.get(letter, SAME) if operand == 0 else SAME)

        return tuple(of(letter) for letter in letters)

    @property
    def inside(self) -> tuple[int, ...]:
        """What weights have."""
        return tuple(at for at, letter in enumerate(self.result) if self.stationary and letter in self.second)

    @property
    def shared(self) -> str:
        """Letters of both operands and the result."""
        return "".join(x for x in self.first if x in self.second and x in self.result)

    @property
    def summed(self) -> str:
        """Letters that are summed over: of both, then taps of windows."""
        return "".join(x for x in self.first if x in self.second and x not in self.result) + "".join(
            tap for _, tap, _ in self.windows
        )

    @property
    def outputs(self) -> str:
        """Letters of the second operand and the result alone."""
        return "".join(x for x in self.result if x in self.second and x not in self.first)

    @property
    def rows(self) -> str:
        """Letters of the first operand and the result alone."""
        return "".join(x for x in self.first if x not in self.second and x in self.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Node):
    """The largest, the mean or the sum under a window of some dimensions.

    Parameters
    ----------
    function
        `maximum`, `mean` or `sum`.
    windows
        (dimension, interval) of each.
    padding_counts
        Whether zeros outside count in a mean.
    """

    function: Literal["maximum", "mean", "sum"]
    windows: tuple[tuple[int, Interval], ...]
    padding_counts: bool = False

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """A window where there is one."""
        windows = dict(self.windows)
        return tuple(Reach(at, windows.get(at, SAME)) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalise(Node):
    """A row of numbers made to fit: the shape stays.

    Parameters
    ----------
    inputs
        The operand; for norms also scale and shift, where there are any: of the shape of a row, or, where the last
        dimensions make a row, of as many dimensions as the operand, of which those of one index are repeated. For a
        softmax with `sinks` a number for each index of the first dimensions.
    function
        softmax, log_softmax, layernorm, rmsnorm; `lrn` (by neighbours of the one dimension).
    dims
        Dimensions that make a row.
    epsilon
        Added to the variance, or the mean square.
    scaled, shifted
        Whether there is a scale, a shift.
    parameters
        Of lrn: size, alpha, beta, bias.
    sinks
        A softmax whose rows each have one number more, which is left out of the result.
    """

    function: Literal["softmax", "log_softmax", "layernorm", "rmsnorm", "lrn"]
    dims: tuple[int, ...]
    epsilon: float = 0.0
    scaled: bool = False
    shifted: bool = False
    parameters: tuple[float, ...] = ()
    sinks: bool = False

    @property
    def inside(self) -> tuple[int, ...]:
        """A row."""
        return self.dims

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:
        """All of a row."""
        if operand:
            return tuple(Reach(self.dims[len(self.dims) - len(shape) + at]) for at in range(len(shape)))
        return tuple(ALL if at in self.dims else Reach(at) for at in range(len(shape)))


Reduction = Literal[
    "sum", "mean", "maximum", "minimum", "prod", "l2", "log_sum_exp", "argmax", "argmin", "argmax_last", "argmin_last"
]
"""What a row becomes; of indices of the largest or smallest the first, or the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce(Node):
    """One number of each row.

    dims: that make a row. kept: whether they stay, with one index.
    """

    function: Reduction
    dims: tuple[int, ...]
    kept: bool = False

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """All of a row."""
        left = [at for at in range(len(shape)) if at not in self.dims]
        return tuple(ALL if at in self.dims else Reach(at if self.kept else left.index(at)) for at in range(len(shape)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Elementwise(Node):
    """A function of numbers at the same index; operands of fewer or single indices are repeated, as numpy does.

    function: a name of `archsim.values.functions`. parameters: of the function, such as the bounds of a clip.
    """

    function: str
    parameters: tuple[float, ...] = ()

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """The same index, from the last dimension on."""
        return repeated(shape, self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Node):
    """Work whose values are not known: an operation for each value of the result. It has a time, but no values.

    why: said when values are asked for. work: rows, and values of a row, at a position, where it does not work on the
    result's values as one row.
    """

    why: str
    work: tuple[int, int] | None = None

    def reach(self, operand: int, shape: Shape) -> tuple[Reach, ...]:  # noqa: ARG002
        """The same index of dimensions that are alike; else all."""
        if len(shape) != len(self.shape):
            return (ALL,) * len(shape)
        alike = [size_of(one) == size_of(own) for one, own in zip(shape, self.shape, strict=True)]
        return tuple(Reach(at) if same else ALL for at, same in enumerate(alike))
