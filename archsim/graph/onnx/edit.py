"""Nodes of an imported Graph that are changed after they were made: put in, taken out, read by other names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from archsim.graph.axes import Axis, Shape
from archsim.graph.builder import Builder
from archsim.graph.nodes import Node
from archsim.graph.sequence_nodes import Recurrence
from archsim.graph.weights import moving


class Edit:
    """A Graph's nodes by key, and who reads them.

    Parameters
    ----------
    builder
        Whose nodes and shapes they are.
    results
        Names of tensors that are results.
    """

    def __init__(self, builder: Builder, results: Sequence[str]) -> None:
        self.builder = builder
        self.nodes: dict[str, Node] = {node.key: node for node in builder.nodes}
        self.places: dict[str, int] = {key: at for at, key in enumerate(self.nodes)}
        self.results = list(results)
        self.readers: dict[str, list[str]] = {}
        for node in self.nodes.values():
            self._read(node)

    def _read(self, node: Node) -> None:
        for name in dict.fromkeys(node.inputs):
            self.readers.setdefault(name, []).append(node.key)

    def moving(self, node: Node) -> list[str]:
        """Operands that are made at run time."""
        return [name for _, name in moving(node, self.builder.weights)]

    def put(self, node: Node, place: int) -> str:
        """A new node where another stands in the order, or a changed one in place of that of its key."""
        old = self.nodes.get(node.key)
        for name in dict.fromkeys(old.inputs) if old is not None else ():
            self.readers[name].remove(node.key)
        self.nodes[node.key] = node
        self.builder.shapes[node.key] = node.shape
        self.places[node.key] = place
        self._read(node)
        return node.key

    @contextmanager
    def adding(self, place: int) -> Iterator[None]:
        """Take the nodes that the builder makes meanwhile, where another stands in the order."""
        begin = len(self.builder.nodes)
        yield
        for node in self.builder.nodes[begin:]:
            self.put(node, place)
        del self.builder.nodes[begin:]

    def rename(self, names: Mapping[str, str]) -> None:
        """Let all that read some tensors read others in their place; results are others then, too."""
        changed = {key: None for old in names for key in self.readers.get(old, ())}
        for key in changed:
            self.put(read_as(self.nodes[key], names), self.places[key])
        self.results = [names.get(name, name) for name in self.results]

    def remove(self, key: str) -> None:
        """Take a node out."""
        node = self.nodes.pop(key)
        for name in dict.fromkeys(node.inputs):
            self.readers[name].remove(key)

    def restart(self, nodes: Sequence[Node], names: Mapping[str, str]) -> None:
        """Take these nodes, in this order, in place of all; names: of tensors that have others now."""
        self.nodes = {node.key: node for node in nodes}
        self.places = {key: at for at, key in enumerate(self.nodes)}
        self.results = [names.get(name, name) for name in self.results]
        self.readers = {}
        for node in nodes:
            self.builder.shapes[node.key] = node.shape
            self._read(node)

    def replace_axes(self, axes: Mapping[Axis, Axis]) -> None:
        """Put other axes of the same sizes in the place of some, in all shapes."""

        def changed(shape: Shape) -> Shape:
            return tuple(
                tuple(replace(factor, axis=axes.get(factor.axis, factor.axis)) for factor in one) for one in shape
            )

        self.nodes = {key: _reshaped(node, changed) for key, node in self.nodes.items()}
        self.builder.shapes.update({name: changed(shape) for name, shape in self.builder.shapes.items()})
        self.builder.inputs[:] = [replace(each, shape=changed(each.shape)) for each in self.builder.inputs]

    def alone(self, key: str) -> str | None:
        """The only reader of a tensor that is no result."""
        readers = self.readers.get(key, ())
        return readers[0] if len(readers) == 1 and key not in self.results else None

    def finish(self) -> None:
        """Give the builder its nodes, each after what it reads, without those that nobody needs."""
        wanted = list(self.results)
        needed = set(wanted)
        while wanted:
            node = self.nodes.get(wanted.pop())
            more = [name for name in node.inputs if name not in needed] if node is not None else []
            needed.update(more)
            wanted += more
        ordered: dict[str, Node] = {}
        for first in sorted((key for key in self.nodes if key in needed), key=self.places.__getitem__):
            waiting = [first]
            while waiting:
                node = self.nodes[waiting[-1]]
                missing = [name for name in node.inputs if name in self.nodes and name not in ordered]
                waiting += missing
                if not missing:
                    ordered[node.key] = node
                    waiting.pop()
        self.builder.nodes[:] = ordered.values()


def _reshaped(node: Node, changed: Callable[[Shape], Shape]) -> Node:
    """A node whose shape is changed, with those of a recurrence's nodes."""
    made = replace(node, shape=changed(node.shape))
    if isinstance(made, Recurrence):
        return replace(made, body=tuple(_reshaped(each, changed) for each in made.body))
    return made


def read_as(node: Node, names: Mapping[str, str]) -> Node:
    """A node that reads other tensors; so do the nodes of a recurrence."""
    changed = replace(node, inputs=tuple(names.get(name, name) for name in node.inputs))
    if isinstance(changed, Recurrence):
        return replace(changed, body=tuple(read_as(each, names) for each in changed.body))
    return changed
