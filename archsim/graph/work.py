"""From nodes to operators: what each does at a position, and which positions of others it waits for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from archsim.errors import ArchsimError
from archsim.graph.axes import Axis, Dim, Shape, size_of
from archsim.graph.index_nodes import Ranked
from archsim.graph.nodes import Contraction, Node, Normalise, Pool, Reduce, Unknown
from archsim.graph.operators import Edge, Linear, Matmul, Operator, Rowwise
from archsim.graph.reading import Read, Reading, flat
from archsim.graph.roles import input_roles
from archsim.graph.sequence_nodes import Rotary, RotaryOf, Routed, Scaled
from archsim.graph.streams import Stream
from archsim.graph.tracing import Link, Tracer, in_all
from archsim.graph.weights import Input, Weight
from archsim.graph.windows import SAME, Interval, Window, everything

MOST_POSITIONS = 1 << 24
"""Of a stream that a model fixes."""


@dataclass(frozen=True)
class Worked:
    """Operators of nodes. axes: of the positions of each, in the order in which they are counted.

    cuts: keys of nodes at which it was lost which index is which.
    """

    operators: tuple[Operator, ...]
    axes: Mapping[str, tuple[Axis, ...]]
    cuts: tuple[str, ...]


def work_of(inputs: Sequence[Input], nodes: Sequence[Node], weights: Mapping[str, Weight]) -> Worked:
    """The operators of a Graph's nodes, in their order.

    Raises ArchsimError where an operator's positions cannot be said.
    """
    tracer = Tracer(weights)
    tracer.begin(inputs, input_roles(inputs, list(flat(nodes)), weights))
    reads = Reading(tracer)
    for node in nodes:
        reads.take(node)
    made = _Making(tracer, {read.node.key: read for read in reads.found})
    operators = tuple(made.operator(read) for read in reads.found)
    axes = {read.node.key: made.ordered(read.positions) for read in reads.found}
    return Worked(operators, axes, tuple(tracer.cuts))


class _Making:
    """Second pass: operators."""

    def __init__(self, tracer: Tracer, reads: Mapping[str, Read]) -> None:
        self.tracer, self.reads = tracer, reads

    def operator(self, read: Read) -> Operator:
        node = read.node
        axes = self.ordered(read.positions)
        stream, chosen = _stream(node, axes)
        common = {
            "layer": node.layer,
            "name": node.name,
            "stream": stream,
            "positions": "each" if chosen is None else chosen.at,
            "route": None if chosen is None else chosen.route,
            "inputs": tuple(dict.fromkeys(self._edges(read, axes, stream))),
        }
        if isinstance(node, Contraction) and node.stationary:
            return Linear(**common, **self._matrix(node))  # type: ignore[arg-type]
        if isinstance(node, Contraction):
            return Matmul(**common, **self._product(read, stream, axes))  # type: ignore[arg-type]
        keys = self._keys(node.shape if not isinstance(node, Reduce) else read.operands[0][1].shape, read.positions)
        return Rowwise(
            **common,  # type: ignore[arg-type]
            kind=node.kind,
            **self._rows(read, keys),  # type: ignore[arg-type]
            over_keys=keys is not None,
            **self._sight(node, keys, stream, axes),  # type: ignore[arg-type]
        )

    def _keys(self, shape: Shape, positions: frozenset[Axis]) -> Axis | None:
        """The axis of the keys that a position sees: of a stream, or one of which a mask hides some."""
        masked = (factor.axis for one in shape for factor in one if factor.axis in self.tracer.masks)
        return _seen(shape) or next((axis for axis in masked if axis not in positions), None)

    def _sight(self, node: Node, keys: Axis | None, stream: Stream, axes: tuple[Axis, ...]) -> dict[str, object]:
        """Which keys a position sees; all, where it cannot be said of which query it is."""
        if keys is None:
            return {}
        if keys.seen:
            return {"span": keys.span, "sight": keys.sight, "sees": None if keys.stream == stream else keys.stream}
        queries, interval = self.tracer.masks[keys]
        size, among = keys.size or 0, _among(queries, axes)
        sees = Stream(f"1 x {size}", length=size)
        if among is None:
            self.tracer.cuts[node.key] = None
            return {"sees": sees}
        return {"sees": sees, "seen": Window.of((1, size, 1), among, (SAME, interval, SAME))}

    def ordered(self, positions: frozenset[Axis], windowed: Collection[Axis] = ()) -> tuple[Axis, ...]:
        """Positions in order: batches first. Those of one index are left out, but for those under a window."""
        axes = [axis for axis in positions if axis.size != 1 or axis.stream is not None or axis in windowed]
        return tuple(sorted(axes, key=lambda axis: (axis.order in self.tracer.mixed, axis.order, axis.name)))

    def _matrix(self, node: Contraction) -> dict[str, int]:
        sizes = dict(zip(node.second, node.second_sizes, strict=True))
        groups, rows, columns = (
            prod(sizes[letter] for letter in letters) for letters in (node.shared, node.summed, node.outputs)
        )
        return {"in_features": groups * rows, "out_features": groups * columns, "groups": groups}

    def _product(self, read: Read, stream: Stream, axes: tuple[Axis, ...]) -> dict[str, object]:
        """Keys are the rows of the second operand: kept in the result of scores, summed over in a context."""
        node = read.node
        assert isinstance(node, Contraction)  # noqa: S101
        first, second = (self.tracer.tensors[name] for name in node.inputs[:2])
        sizes = {letter: _values(one, read.positions) for letter, one in zip(node.result, node.shape, strict=True)}
        of_second = dict(zip(node.second, second.shape, strict=True))

        def is_row(letter: str) -> bool:
            rows = (factor.axis for factor in of_second[letter] if factor.size != 1)
            return any(axis in second.positions or axis.seen for axis in rows)

        # a single key is no row, but then scores have no other letter of the second operand alone
        single = prod(size_of(of_second[letter]) or 1 for letter in node.outputs) == 1
        scored = not any(map(is_row, node.summed)) and (single or any(map(is_row, node.outputs)))
        rows = node.outputs if scored else node.summed
        with_keys = zip(node.result, node.shape, strict=True) if scored else zip(node.first, first.shape, strict=True)
        of_keys = of_second | dict(with_keys)  # the second alone has the taps of a window
        keys = self._keys(tuple(of_keys[letter] for letter in rows), read.positions)
        depth = node.summed if scored else node.outputs
        size = {letter: prod(factor.size or 1 for factor in one) for letter, one in of_second.items()}
        head = prod(size[letter] for letter in depth)
        own = prod(
            max(1, _stored(of_second[letter], self.tracer.copies) // _positions_of(node, letter, read.positions))
            for letter in node.shared
        )
        fixed = prod(size[letter] for letter in rows)
        return {
            "sees": Stream(f"1 x {fixed}", length=fixed),
            **self._sight(node, keys, stream, axes),
            "heads": prod(sizes[letter] for letter in node.shared + node.rows),
            "head_dim": head,
            "stored": own * head,
            "scores": scored,
        }

    def _rows(  # noqa: C901, PLR0911 - a case for each kind of node
        self, read: Read, keys: Axis | None
    ) -> dict[str, int | None]:
        """Rows of so many values at a position; keys count as one."""
        node, number = read.node, max(1, len(read.operands))
        counted = read.positions if keys is None else read.positions | {keys}
        values = prod(_values(one, counted) for one in node.shape)
        if isinstance(node, (Routed, Scaled)):
            width = 1 if isinstance(node, Routed) else values // node.chosen
            out = None if width * node.chosen == values else values
            return {"rows": node.chosen, "width": width, "operands": 1, "out": out}
        if isinstance(node, Unknown) and node.work:
            rows, width = node.work
            return {"rows": rows, "width": width, "operands": number, "out": None if rows * width == values else values}
        if isinstance(node, Ranked):  # the largest of what is left, again and again
            width = prod(factor.size or 1 for factor in read.operands[0][1].shape[node.dim])
            return {"rows": values, "width": width, "operands": 1, "out": values}
        if isinstance(node, Pool):
            width = prod(interval.taps for _, interval in node.windows)
            return {"rows": values, "width": width, "out": values, "operands": 1}
        if isinstance(node, Reduce):
            shape = read.operands[0][1].shape
            width = prod(factor.size or 1 for at in node.dims for factor in shape[at])
            if node.kind == "argmax":
                return {"rows": values, "width": width, "operands": 1, "out": None}
            if node.kind == "add":  # a sum of so many is one addition less
                return {"rows": max(1, width - 1), "width": values, "out": values, "operands": 1 if width == 1 else 2}
            return {"rows": values, "width": width, "operands": 1, "out": values}
        if isinstance(node, Normalise) and read.operands:
            width = prod(_values(node.shape[at], counted) for at in node.dims)
            return {"rows": values // width, "width": width, "operands": 1, "out": None}
        if isinstance(node, Rotary | RotaryOf):  # tables are read as they are needed
            width = _values(node.shape[-1], read.positions)
            return {"rows": values // width, "width": width, "operands": 1, "out": None}
        if keys is not None:
            return {"rows": values, "width": 1, "operands": number, "out": None}
        return {"rows": 1, "width": values, "operands": number, "out": None}

    def _edges(self, read: Read, axes: tuple[Axis, ...], stream: Stream) -> Iterator[Edge]:
        for _, operand, sources in read.operands:
            seen = _seen(operand.shape)
            for source in sources:
                links = dict(source.links)
                windowed = [axis for axis, link in source.links if link.interval != SAME]
                pairs = self._pairs(read.node, links, self.ordered(frozenset(links), windowed), axes)
                if source.worked is not None:
                    here = self.reads[source.worked].positions == read.positions
                    yield Edge(source.worked, "same" if here else "all")
                if source.previous:
                    window = None if len(pairs) == 1 else self._windowed(read.node, source.key, pairs, axes).window
                    yield Edge(source.key, "before", window)
                elif [to for _, to, _ in pairs] == list(axes) and all(map(_alike, pairs)):
                    yield Edge(source.key)
                elif all(to is None and interval == SAME for _, to, interval in pairs):
                    past = seen is not None and stream.causal and seen.stream == stream
                    yield Edge(source.key, "past" if past else "all")
                else:
                    yield self._windowed(read.node, source.key, pairs, axes)

    def _pairs(
        self, node: Node, links: Mapping[Axis, Link], theirs: tuple[Axis, ...], axes: tuple[Axis, ...]
    ) -> list[tuple[int | None, Axis | None, Interval]]:
        """Of each axis of a source its size, the axis by whose index it is needed, and the interval.

        Axes that are digits of one index count as one axis.
        """
        pairs: list[tuple[int | None, Axis | None, Interval]] = []
        begun = list(theirs)
        while begun:
            axis = begun.pop(0)
            link, size = links[axis], axis.size
            if link.digit is None:
                pairs.append((size, *self._of_queries(link, axes)))
                continue
            inner, number, whole = link.digit
            while begun and (digit := links[begun[0]].digit) is not None and digit[0] * digit[1] == inner:
                if replace(links[begun[0]], digit=None) != replace(link, digit=None):
                    break
                inner, number = digit[0], number * digit[1]
                begun.pop(0)
            pad = link.interval.pad
            if number * inner == whole and link.interval == Interval(pad=pad) and pad % inner == 0:
                pairs.append((number, link.axis, Interval(pad=pad // inner, grow=inner)))
            else:
                self.tracer.cuts[node.key] = None
                pairs.append((number, None, SAME))

        def of_positions(size: int | None, to: Axis | None, interval: Interval) -> tuple[Axis | None, Interval]:
            whole = in_all(Link(to, interval), size)
            return (to, interval) if to is None or to in axes or to.size == 1 else (whole.axis, whole.interval)

        return [(size, *of_positions(size, to, interval)) for size, to, interval in pairs]

    def _of_queries(self, link: Link, axes: tuple[Axis, ...]) -> tuple[Axis | None, Interval]:
        """What is needed by the index of a key, of which a mask hides some, by that of the query."""
        if link.axis in self.tracer.masks and link.axis not in axes:
            queries, keys = self.tracer.masks[link.axis]
            interval = link.interval.of(keys)
            if len(queries) == 1 and queries[0].whole and queries[0].axis in axes and interval is not None:
                return queries[0].axis, interval
        return link.axis, link.interval

    def _windowed(
        self, node: Node, source: str, pairs: list[tuple[int | None, Axis | None, Interval]], axes: tuple[Axis, ...]
    ) -> Edge:
        """Axes of both side by side in the order of both; all of it where they cross."""
        size: list[int] = []
        out: list[int] = []
        intervals: list[Interval] = []
        left = list(axes)

        def beside(theirs: int, ours: int, interval: Interval) -> None:
            size.append(theirs)
            out.append(ours)
            intervals.append(interval)

        for indices, to, interval in pairs:
            length = indices or MOST_POSITIONS
            if to is None or to not in axes:
                beside(length, 1, everything(length) if to is None and interval == SAME else interval)
            elif to not in left:
                self.tracer.cuts[node.key] = None
                return Edge(source, "all")
            else:
                while left[0] != to:
                    beside(1, left.pop(0).size or MOST_POSITIONS, everything(1))
                beside(length, left.pop(0).size or MOST_POSITIONS, interval)
        for axis in left:
            beside(1, axis.size or MOST_POSITIONS, everything(1))
        if len(size) == 1:  # a sequence is a map of height 1
            size, out, intervals = [1, *size], [1, *out], [SAME, *intervals]
        return Edge(source, "window", Window.of(tuple(size), tuple(out), tuple(intervals)))


def _alike(pair: tuple[int | None, Axis | None, Interval]) -> bool:
    """Whether indices of an axis are those of the other; where that has others too, positions have other numbers."""
    size, to, interval = pair
    return to is not None and interval == SAME and (size == to.size or to.stream is not None)


def _values(one: Dim, positions: frozenset[Axis]) -> int:
    """Of a dimension's indices, those at a position."""
    return prod(factor.size or 1 for factor in one if factor.axis not in positions)


def _stored(one: Dim, copies: Collection[Axis]) -> int:
    """Of a dimension's indices, those that are no copies."""
    return prod(factor.size or 1 for factor in one if factor.axis not in copies)


def _positions_of(node: Contraction, letter: str, positions: frozenset[Axis]) -> int:
    """Of a letter's indices in the result, those that are of positions."""
    return prod(factor.size or 1 for factor in node.shape[node.result.index(letter)] if factor.axis in positions)


def _among(one: Dim, axes: tuple[Axis, ...]) -> tuple[int, int, int] | None:
    """Positions along these axes as (before, number, after), where the index of a dimension is the one in the middle.

    None where its digits do not stand side by side.
    """
    after, number = 1, 1
    for place, factor in enumerate(reversed([factor for factor in one if factor.size != 1])):
        if factor.axis not in axes:
            return None
        apart = factor.inner * prod(axis.size or 0 for axis in axes[axes.index(factor.axis) + 1 :])
        after = apart if place == 0 else after
        if apart != after * number:
            return None
        number *= factor.size or 0
    return prod(axis.size or 0 for axis in axes) // (after * number), number, after


def _seen(shape: Shape) -> Axis | None:
    """The axis of the positions that a position sees, where a tensor has one."""
    return next((factor.axis for one in shape for factor in one if factor.axis.seen), None)


def _stream(node: Node, axes: tuple[Axis, ...]) -> tuple[Stream, Axis | None]:
    """Of an operator's positions; and the axis, where it is one of a stream, which says at which of its positions."""
    if len(axes) == 1 and axes[0].stream is not None:
        return axes[0].stream, axes[0]
    sizes = [axis.size for axis in axes]
    if None in sizes:
        raise ArchsimError(f"{node.key}: works along several axes, one of which has no fixed size")
    known = [size for size in sizes if size is not None]
    while len(known) < 2:  # noqa: PLR2004 - height and width; a sequence has height 1
        known.insert(0, 1)
    return Stream(" x ".join(map(str, known)), length=prod(known)), None
