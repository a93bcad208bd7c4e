"""Where the numbers of a tensor come from: by which operators they are made, and at which of their positions.

A tensor's axes are positions or values. Every axis of a product's activation that its weights do not have is a
position; other operators work at the positions of their operands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from archsim.graph.axes import Axis, Dim, Factor, Shape, size_of
from archsim.graph.nodes import Contraction, Elementwise, Node, Pool, Reach, Unknown
from archsim.graph.sequence_nodes import Embedding, ScoreBias
from archsim.graph.views import Repeat, Reshape, Sent
from archsim.graph.weights import Input, Weight, moving
from archsim.graph.windows import SAME, Interval, everything, group


@dataclass(frozen=True, slots=True)
class Link:
    """What of an axis is needed: an interval by the index of `axis`; None: all of it, or one interval (of stride 0).

    digit: the axis is only a digit (inner, size, all indices) of what the interval says, as where a map is one row.
    """

    axis: Axis | None
    interval: Interval = SAME
    digit: tuple[int, int, int] | None = None


EVERYTHING = Link(None)


@dataclass(frozen=True, slots=True)
class Source:
    """An operator that makes some of a tensor's numbers. links: by each axis of its positions.

    previous: of the position before. worked: the operator by which a position's numbers were worked on before they were
    kept, which is waited for at the position itself.
    """

    key: str
    links: tuple[tuple[Axis, Link], ...]
    previous: bool = False
    worked: str | None = None


@dataclass(frozen=True, slots=True)
class Traced:
    """A tensor with the axes that are positions, and what makes it; nothing does what comes in from outside."""

    shape: Shape
    positions: frozenset[Axis]
    sources: tuple[Source, ...] = ()


@dataclass
class Tracer:
    """Tensors traced so far, by name.

    Parameters
    ----------
    weights
        Of the Graph, by name.
    tensors
        By name.
    masks
        Axes of keys of which a mask hides some: the dimension of queries, and which keys each sees.
    mixed
        Orders of axes along which some operator needs other indices than its own: those are no batch.
    cuts
        Keys of nodes at which it was lost which index is which.
    copies
        Axes along which all indices have the same numbers, such as heads that share keys.
    recent
        The last node whose operands were asked for, and what is needed of them.
    """

    weights: Mapping[str, Weight]
    tensors: dict[str, Traced] = field(default_factory=dict)
    masks: dict[Axis, tuple[Dim, Interval]] = field(default_factory=dict)
    mixed: set[int] = field(default_factory=set)
    cuts: dict[str, None] = field(default_factory=dict)
    copies: set[Axis] = field(default_factory=set)
    recent: tuple[str, dict[int, dict[Axis, Link]]] = ("", {})

    def begin(self, inputs: Sequence[Input], roles: Mapping[Axis, bool]) -> None:
        """Take the inputs in. roles: of each of their axes whether it is of positions."""
        for each in inputs:
            axes = {factor.axis for one in each.shape for factor in one}
            self.tensors[each.name] = Traced(each.shape, frozenset(axis for axis in axes if roles[axis]))

    def operand(self, node: Node, at: int) -> tuple[Traced, dict[Axis, Link]]:
        """An operand, and which indices of its axes an index of the node's result needs."""
        operand = self.tensors[node.inputs[at]]
        key, links = self.recent
        if key != node.key:
            links = {}
            self.recent = node.key, links
        if at not in links:
            links[at] = self.links(node, at, operand.shape, operand.positions)
        return operand, links[at]

    def links(self, node: Node, at: int, shape: Shape, positions: frozenset[Axis] = frozenset()) -> dict[Axis, Link]:
        """Of all axes of an operand; it is remembered where those of positions cannot be said."""
        if isinstance(node, Reshape):
            before, after = _digits(shape), _digits(node.shape)
            links = {axis: Link(axis) if after.get(axis, 1) == size else EVERYTHING for axis, size in before.items()}
            if any(axis in positions and link == EVERYTHING for axis, link in links.items()):
                self.cuts[node.key] = None
            return links
        parts: dict[Axis, list[tuple[Factor, Link | None]]] = {}
        keys = self._keys(node) if at == 1 else {}
        for place, (one, reach) in enumerate(zip(shape, node.reach(at, shape), strict=True)):
            found = _of_dim(one, Reach(0), (keys[place],)) if place in keys else _of_dim(one, reach, node.shape)
            for factor, link in zip(one, found, strict=True):
                parts.setdefault(factor.axis, []).append((factor, link))
        said = {axis: _together(axis, found) for axis, found in parts.items()}
        if any(link is None and axis in positions for axis, link in said.items()):
            self.cuts[node.key] = None
        return {axis: link or EVERYTHING for axis, link in said.items()}

    def _keys(self, node: Node) -> dict[int, Dim]:
        """Dimensions of a product's second operand that are summed over, with keys of which a mask hides some."""
        if not isinstance(node, Contraction) or node.stationary or not self.masks:
            return {}
        first = dict(zip(node.first, self.tensors[node.inputs[0]].shape, strict=True))
        return {
            node.second.index(letter): first[letter]
            for letter in node.summed
            if letter in first
            and len(first[letter]) == 1
            and first[letter][0].whole
            and first[letter][0].axis in self.masks
        }

    def view(self, node: Node) -> None:
        """Trace what a view makes."""
        positions: set[Axis] = set()
        values: set[Axis | None] = set()
        sources: dict[Source, None] = {}
        for at, _ in moving(node, self.weights)[: 1 if isinstance(node, Sent) else None]:
            operand, links = self.operand(node, at)
            values |= {axis for axis, link in links.items() if axis not in operand.positions and link.axis == axis}
            reached = (link for axis, link in links.items() if axis in operand.positions)
            positions |= {link.axis for link in reached if link.axis is not None}
            for one, reach in zip(operand.shape, node.reach(at, operand.shape), strict=True):
                if reach.of is not None and one and all(factor.axis in operand.positions for factor in one):
                    positions |= {factor.axis for factor in node.shape[reach.of]}
            if isinstance(node, Unknown):
                positions |= {factor.axis for one in node.shape[:-1] for factor in one}
            if isinstance(node, Reshape) and node.key in self.cuts:
                positions |= {factor.axis for one in node.shape[:-1] for factor in one if factor.axis not in links}
            if isinstance(node, Repeat) and not node.times:
                self.copies |= {factor.axis for one in node.shape for factor in one if factor.axis not in links}
            self.mix(operand, links)
            sources |= dict.fromkeys(through(source, links) for source in operand.sources)
        if isinstance(node, Elementwise):  # such as a mask, whose keys are positions of it, but values of scores
            positions -= values
        self.tensors[node.key] = Traced(node.shape, frozenset(positions), tuple(sources))

    def made(self, node: Node, positions: frozenset[Axis]) -> None:
        """Trace what an operator makes at these positions."""
        source = Source(node.key, tuple((axis, Link(axis)) for axis in positions))
        if isinstance(node, (Contraction, ScoreBias)) and node.mask is not None:
            queries, keys = node.shape[-2:]
            number, of = size_of(queries), size_of(keys)
            if len(keys) == 1 and keys[0].whole and not keys[0].axis.seen and number is not None and of is not None:
                self.masks[keys[0].axis] = (queries, node.mask.interval(number, of))
        self.tensors[node.key] = Traced(node.shape, positions, (source,))

    def mix(self, operand: Traced, links: Mapping[Axis, Link]) -> None:
        """Remember along which positions of an operand a node needs others than its own."""
        for axis, link in links.items():
            if axis in operand.positions and (link.axis is None or link.axis in self.masks or link.interval != SAME):
                self.mixed.add(axis.order)

    def positions(self, node: Node) -> frozenset[Axis]:
        """The positions at which an operator works."""
        if isinstance(node, Contraction):
            return _of_product(self, node)
        if isinstance(node, Embedding):
            return frozenset(factor.axis for one in node.shape[:-1] for factor in one)
        found: set[Axis] = set()
        values: set[Axis | None] = set()
        for at, _ in moving(node, self.weights):
            operand, links = self.operand(node, at)
            found |= {link.axis for axis in operand.positions if (link := links.get(axis, EVERYTHING)).axis is not None}
            values |= {link.axis for axis, link in links.items() if axis not in operand.positions}
        if isinstance(node, Elementwise):  # such as keys, which are positions of a mask, but values of scores
            found -= values
        if isinstance(node, Pool):
            found |= {factor.axis for at, _ in node.windows for factor in node.shape[at]}
        if isinstance(node, Unknown) and not found:
            found |= {factor.axis for one in node.shape[:-1] for factor in one}
        return frozenset(found & {factor.axis for one in node.shape for factor in one})


def through(source: Source, links: Mapping[Axis, Link]) -> Source:
    """A source as it is seen from what reads a tensor in this way."""

    def composed(axis: Axis, link: Link) -> Link:
        if link.axis is None:
            return link
        reading = links.get(link.axis, EVERYTHING)
        if reading == EVERYTHING:
            return in_all(link, axis.size)
        if reading.digit is not None:
            return Link(reading.axis, reading.interval, reading.digit) if link == Link(link.axis) else EVERYTHING
        interval = link.interval.of(reading.interval)
        return EVERYTHING if interval is None else Link(reading.axis, interval, link.digit)

    return replace(source, links=tuple((axis, composed(axis, link)) for axis, link in source.links))


def in_all(link: Link, size: int | None) -> Link:
    """What is needed of an axis of so many indices by all indices of the other together."""
    if link.axis is None or link.axis.size is None or size is None or link.digit is not None:
        return EVERYTHING
    interval = link.interval.of(everything(link.axis.size))
    known = interval is not None and (interval.pad < 0 or interval.span - interval.pad < size)
    return Link(None, interval) if known and interval is not None else EVERYTHING


def _digits(shape: Shape) -> dict[Axis, int | None]:
    """Of each axis the indices that its digits in a tensor have together; 0: a job says how many."""
    sizes: dict[Axis, int | None] = {}
    for factor in (factor for one in shape for factor in one):
        sizes[factor.axis] = (sizes.get(factor.axis) or 1) * (factor.size or 0)
    return sizes


def _together(axis: Axis, parts: list[tuple[Factor, Link | None]]) -> Link | None:
    """What is needed of an axis by what is needed of its digits; None where it is no interval."""
    ordered = sorted(parts, key=lambda part: -part[0].inner)
    links = [link for _, link in ordered]
    if len(ordered) == 1 and ordered[0][0].whole:
        return links[0]
    same = [link == Link(axis) for link in links]
    if all(same):
        return Link(axis)
    kept = same.index(False)
    if kept:
        return Link(axis, group(ordered[kept - 1][0].inner))
    said = [(factor, link) for factor, link in ordered if link != EVERYTHING]
    if not said:
        return EVERYTHING
    factor, link = said[0]
    if len(said) > 1 or link is None or axis.size is None or link.axis == axis:
        return None
    # the other digits have any index
    of_digit = Interval(axis.size - ((factor.size or 1) - 1) * factor.inner, factor.inner).of(link.interval)
    return None if of_digit is None else Link(link.axis, of_digit)


def _of_dim(one: Dim, reach: Reach, result: Shape) -> list[Link | None]:  # noqa: PLR0911 - a case for each form
    """Of each factor of an operand's dimension; None where it is not known."""
    if reach.of is None:
        return [EVERYTHING] * len(one)
    wanted = result[reach.of]
    if one == wanted and reach.interval == SAME:
        return [Link(factor.axis) for factor in one]
    if len(one) == len(wanted) == 1 and wanted[0].whole:
        return [Link(wanted[0].axis, reach.interval)]
    unknown = [EVERYTHING if factor.size == 1 else None for factor in one]
    sizes = [factor.size or 1 for factor in one]
    if len(wanted) == 1 and wanted[0].whole and len(one) > 1 and all(factor.whole and factor.size for factor in one):
        digits = [(prod(sizes[at + 1 :]), size, prod(sizes)) for at, size in enumerate(sizes)]
        return [Link(wanted[0].axis, reach.interval, digit) for digit in digits]
    if len(wanted) == 1 and wanted[0].whole and one and one[0].whole:
        digit = Interval(grow=prod(sizes[1:])).of(reach.interval)
        return [None if digit is None else Link(wanted[0].axis, digit), *[EVERYTHING] * (len(one) - 1)]
    if reach.interval != SAME:
        return unknown
    if len(one) == len(wanted) == 1 and one[0].whole and wanted[0].inner * (wanted[0].size or 0) == wanted[0].axis.size:
        return [Link(wanted[0].axis, Interval(grow=wanted[0].inner))]
    if [factor.size for factor in one] == [factor.size for factor in wanted]:
        return [
            Link(there.axis) if there.whole or here == there else None for here, there in zip(one, wanted, strict=True)
        ]
    return unknown


def _of_product(tracer: Tracer, node: Contraction) -> frozenset[Axis]:
    """With weights: every axis that they do not have. Of two operands: rows of the first, and shared positions.

    Where positions are summed over, as between channels, rows are all that is left.
    """
    axes = {letter: tuple(factor.axis for factor in one) for letter, one in zip(node.result, node.shape, strict=True)}
    if node.stationary:
        return frozenset(axis for letter in node.rows for axis in axes[letter])
    found: set[Axis] = set()
    first = dict(zip(node.first, tracer.tensors[node.inputs[0]].shape, strict=True))
    for at in (0, 1):
        operand, links = tracer.operand(node, at)
        there = {link.axis for axis, link in links.items() if axis in operand.positions}
        letters = node.rows + node.shared if at == 0 else node.shared
        found |= {axis for letter in letters for axis in axes[letter] if axis in there}
    summed = [factor.axis for x in node.summed if x in first for factor in first[x]]
    mixed = any(axis in tracer.tensors[node.inputs[0]].positions for axis in summed)
    if mixed and not any(axis in found for letter in node.rows for axis in axes[letter]):
        found |= {axis for letter in node.rows for axis in axes[letter]}
    return frozenset(found)
