"""First pass over a Graph's nodes: at which positions operators work, and what they read."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from archsim.graph.axes import Axis
from archsim.graph.nodes import Contraction, Node
from archsim.graph.sequence_nodes import Previous, Recurrence
from archsim.graph.tracing import EVERYTHING, Link, Source, Traced, Tracer, through
from archsim.graph.views import Keep
from archsim.graph.weights import moving
from archsim.graph.windows import SAME, Interval

_BEFORE = Interval(pad=1)
_PASSED = ("layernorm", "rmsnorm", "rotary")
"""What is done to keys, or a latent, on the way from their projection to where they are kept."""


@dataclass(frozen=True)
class Read:
    """An operator's node, its positions, and the sources of each of its operands, as seen from it."""

    node: Node
    positions: frozenset[Axis]
    operands: tuple[tuple[int, Traced, tuple[Source, ...]], ...]


def flat(nodes: Sequence[Node]) -> Iterator[Node]:
    """Nodes with those of recurrences, which come before these."""
    for node in nodes:
        if isinstance(node, Recurrence):
            yield from node.body
        yield node


class Reading:
    """First pass: positions, and what is read."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.found: list[Read] = []
        self.by_key: dict[str, Read] = {}
        self.positions: frozenset[Axis] = frozenset()  # of what comes into a recurrence

    def take(self, node: Node) -> None:
        """Read the next node. Raises ArchsimError where its positions cannot be said."""
        tracer = self.tracer
        if isinstance(node, Recurrence):
            self._recurrence(node)
        elif isinstance(node, Previous):
            steps = {factor.axis for factor in node.shape[0]}
            axes = frozenset(steps | {factor.axis for one in node.shape for factor in one} & self.positions)
            before = tuple((axis, Link(axis, _BEFORE if axis in steps else SAME)) for axis in axes)
            tracer.tensors[node.key] = Traced(node.shape, axes, (Source(node.inputs[0], before, previous=True),))
        elif node.free:
            tracer.view(node)
            if isinstance(node, Keep):
                self._kept(node)
        else:
            self._work(node)

    def _work(self, node: Node) -> None:
        tracer = self.tracer
        positions = tracer.positions(node)
        operands: list[tuple[int, Traced, tuple[Source, ...]]] = []
        for at, _ in moving(node, tracer.weights):
            operand, links = tracer.operand(node, at)
            tracer.mix(operand, links)
            sources = tuple(through(source, links) for source in operand.sources)
            if isinstance(node, Contraction) and not node.stationary and at == 1:
                sources = self._of_keys(sources, {source.key for source in operands[0][2]} if operands else set())
            operands.append((at, operand, sources))
        read = Read(node, positions, tuple(operands))
        self.found.append(read)
        self.by_key[node.key] = read
        tracer.made(node, positions)

    def _recurrence(self, node: Recurrence) -> None:
        """Backward, the first waits for all that comes in, and who reads the result waits for all of it."""
        tracer = self.tracer
        before = {name: tracer.tensors[name] for name in node.inputs}
        steps = {factor.axis for factor in node.shape[0]}
        self.positions = frozenset(axis for traced in before.values() for axis in traced.positions)
        if node.backward:
            tracer.tensors |= {name: _whole(traced, steps) for name, traced in before.items()}
        for each in node.body:
            self.take(each)
        tracer.tensors |= before
        result = tracer.tensors[node.result]
        tracer.tensors[node.key] = _whole(result, steps) if node.backward else result
        tracer.mixed |= {axis.order for axis in steps}

    def _kept(self, node: Keep) -> None:
        """A position keeps what its projection gives: what is done to it on the way is waited for at the position."""
        traced = self.tracer.tensors[node.key]
        sources = tuple(self._behind(source) for source in traced.sources)
        self.tracer.tensors[node.key] = replace(traced, sources=tuple(dict.fromkeys(sources)))

    def _of_keys(self, sources: tuple[Source, ...], queries: Collection[str]) -> tuple[Source, ...]:
        """Of keys that one operator turns or normalises with their queries: the projections that they come from."""
        behind = (self._behind(source) if source.key in queries else source for source in sources)
        return tuple(dict.fromkeys(behind))

    def _behind(self, source: Source) -> Source:
        read = self.by_key.get(source.key)
        while read is not None and read.node.kind in _PASSED and len(read.operands[0][2]) == 1:
            source = replace(source, key=read.operands[0][2][0].key, worked=source.worked or source.key)
            read = self.by_key.get(source.key)
        return source


def _whole(traced: Traced, steps: Collection[Axis]) -> Traced:
    """A tensor all of whose steps are needed, whichever is asked for."""

    def link(one: Link) -> Link:
        return EVERYTHING if one.axis in steps else one

    sources = (replace(each, links=tuple((axis, link(one)) for axis, one in each.links)) for each in traced.sources)
    return replace(traced, sources=tuple(sources))
