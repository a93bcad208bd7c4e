"""The executor: a Graph on numbers, in any arithmetic."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError, did_you_mean
from archsim.graph.axes import shown, size_of, sizes_of
from archsim.graph.nodes import Contraction, Node, Unknown
from archsim.graph.sequence_nodes import Previous, Recurrence
from archsim.graph.weights import moving
from archsim.values.asked import asked_of
from archsim.values.indexing import INDEXED
from archsim.values.products import Grouped, between, contract, finished, prepared
from archsim.values.rearranging import VIEWS
from archsim.values.rows import ROWS
from archsim.values.running import Array, Run
from archsim.values.sequence import SEQUENCES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Input
    from archsim.values.arithmetic import Arithmetic
    from archsim.values.session import Session

_COMPUTED = {**VIEWS, **ROWS, **SEQUENCES, **INDEXED}


class Executor:
    """A Graph with numbers.

    Parameters
    ----------
    graph
        Whose nodes are run.
    weights
        By name; those that are tied may be left out. They are read when they are first needed.
    arithmetic
        By which products and functions are computed.

    Raises
    ------
    ArchsimError
        For weights that are missing; when they are read, for those of another shape.
    """

    def __init__(self, graph: Graph, weights: Mapping[str, Array], arithmetic: Arithmetic) -> None:
        self.graph, self.arithmetic = graph, arithmetic
        arithmetic.begin(graph)
        self.shapes = {each.name: each.shape for each in graph.inputs} | {node.key: node.shape for node in graph.nodes}
        self._numbers = weights
        self._arrays: dict[str, Array] = {}
        self._products: dict[str, Grouped] = {}
        missing = [name for name in graph.weights if self._source(name) not in weights]
        if missing:
            sizes = list(graph.weights[missing[0]].shape)
            more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise ArchsimError(
                f"{graph.name}: found no weights '{missing[0]}' {sizes}{more}; expected all of the model"
            )

    def run(
        self,
        inputs: Mapping[str, Array],
        *,
        everywhere: bool = False,
        known: Mapping[str, Array] | None = None,
        also: Collection[str] = (),
    ) -> dict[str, Array]:
        """Tensors by name: the outputs of the Graph, and those named in `also`.

        Parameters
        ----------
        inputs
            By name, the batch of the job first.
        everywhere
            Whether positions all stay where the last would be chosen.
        known
            Tensors that need no computing.
        also
            Keys of nodes.

        Raises
        ------
        ArchsimError
            For inputs that are missing or do not fit, and for nodes whose values are not known.
        """
        return self.execute(Run(self.arithmetic, everywhere), inputs, (*self.graph.outputs, *also), known or {})

    def execute(
        self, run: Run, inputs: Mapping[str, Array], wanted: Collection[str], known: Mapping[str, Array]
    ) -> dict[str, Array]:
        """As `run`, in a Run that has been begun: only nodes that `wanted` needs."""
        needed, nodes = set(wanted) - set(known), []
        for node in reversed(self.graph.nodes):
            if node.key in needed:
                nodes.append(node)
                needed |= {name for _, name in moving(node, self.graph.weights)} - set(known)
        tensors = {name: run.noted(name, self.shapes[name], x) for name, x in known.items()}
        tensors |= {each.name: self._input(run, each, inputs) for each in self.graph.inputs if each.name in needed}
        unknown = sorted(needed - set(self.shapes) - set(self.graph.weights))
        if unknown:
            raise ArchsimError(f"{self.graph.name}: no tensor '{unknown[0]}'. {did_you_mean(unknown[0], self.shapes)}")
        with np.errstate(all="ignore"):  # as IEEE 754 says: what overflows is infinite
            self._all(run, nodes[::-1], tensors, wanted)
        return {name: tensors[name] if name in tensors else self.weight(name)[None] for name in wanted}

    def _all(self, run: Run, nodes: Sequence[Node], tensors: dict[str, Array], wanted: Collection[str]) -> None:
        """Nodes in order; what no later one reads is let go."""
        reads = Counter(name for node in nodes for name in {name for _, name in moving(node, self.graph.weights)})
        for node in nodes:
            tensors[node.key] = run.noted(node.key, node.shape, self._made(run, node, tensors))
            for name in {name for _, name in moving(node, self.graph.weights)}:
                reads[name] -= 1
                if not reads[name] and name not in wanted:
                    del tensors[name]

    def _made(self, run: Run, node: Node, tensors: Mapping[str, Array]) -> Array:
        def operand(name: str) -> Array:
            return self.weight(name)[None] if name in self.graph.weights else tensors[name]

        if isinstance(node, Contraction):
            return self._contraction(run, node, operand)
        if isinstance(node, Recurrence):
            return self._recurrence(run, node, {name: operand(name) for name in node.inputs})
        if isinstance(node, Unknown):
            raise ArchsimError(f"{node.key}: its values are not known: {node.why}")
        operands = [operand(name) for name in node.inputs]
        asked = asked_of(node, operands, run) if run.arithmetic.does(node.key) else None
        if asked is not None:
            return asked.finish(run.arithmetic.operator(asked.call))
        return _COMPUTED[type(node)](node, operands, run)

    def _contraction(self, run: Run, node: Contraction, operand: Callable[[str], Array]) -> Array:
        first, second, *others = node.inputs
        fixed = node.stationary and not (others and others[0] not in self.graph.weights)
        x = operand(first)
        if node.stationary:
            x = run.arithmetic.inputs(node.key, x)
            if node.key not in self._products:
                bias = self.weight(others[0]) if others and fixed else None
                self._products[node.key] = prepared(node, self._read(second), bias, self.arithmetic)
            product = self._products[node.key]
            sizes = dict(zip(node.second, node.second_sizes, strict=True))
        else:
            product = between(node, operand(second), self.arithmetic)
            sizes = dict(zip(node.second, operand(second).shape[1:], strict=True))
        x = contract(node, x, product, [sizes[letter] for letter in node.outputs], run)
        return finished(node, x, operand(others[0]) if others and not fixed else None, run)

    def _recurrence(self, run: Run, node: Recurrence, outside: Mapping[str, Array]) -> Array:
        """One position after the other; a session keeps what is taken from the position before."""
        batch, length = next(iter(outside.values())).shape[:2]
        inner = replace(run, stepwise=True, lengths=dict(run.lengths))
        before = {each.key: each for each in node.body if isinstance(each, Previous)}
        kept = run.state or {}
        previous = {
            key: kept[key] if key in kept else np.zeros((batch, *inner.sizes(each.shape)), np.float32)
            for key, each in before.items()
        }
        body = [each for each in node.body if each.key not in before]
        sources = {each.inputs[0] for each in before.values()}
        made: dict[int, Array] = {}
        for at in reversed(range(length)) if node.backward else range(length):
            tensors = {name: x[:, at : at + 1] for name, x in outside.items()} | previous
            self._all(inner, body, tensors, {node.result, *sources})
            previous = {key: tensors[each.inputs[0]] for key, each in before.items()}
            made[at] = tensors[node.result]
        if run.state is not None:
            run.state |= previous
        return np.concatenate([made[at] for at in range(length)], axis=1)

    def weight(self, name: str) -> Array:
        """Numbers of a weight, float32 or int64, of the shape that the Graph says; they are kept."""
        if name not in self._arrays:
            self._arrays[name] = self._read(name)
        return self._arrays[name]

    def _read(self, name: str) -> Array:
        weight = self.graph.weights[name]
        x = np.asarray(self._numbers[self._source(name)])
        if x.shape != weight.shape:
            raise ArchsimError(f"weights '{name}': found {list(x.shape)}; expected {list(weight.shape)}")
        return x.astype(np.float32 if x.dtype.kind == "f" else np.int64, copy=False)

    def _source(self, name: str) -> str:
        """By which name weights are read: their own, or that of those whose numbers they have."""
        tied = self.graph.weights[name].tied
        return name if tied is None or name in self._numbers else tied

    def _input(self, run: Run, each: Input, inputs: Mapping[str, Array]) -> Array:
        """Checked. Raises ArchsimError."""
        if each.name not in inputs:
            raise ArchsimError(
                f"{self.graph.name}: found no input '{each.name}'; expected (batch, {shown(each.shape)})"
            )
        x = np.asarray(inputs[each.name])
        fits = [size in (None, given) for size, given in zip(sizes_of(each.shape), x.shape[1:], strict=False)]
        if x.ndim != len(each.shape) + 1 or not all(fits):
            raise ArchsimError(
                f"input '{each.name}': found {list(x.shape)}; expected the batch, then {shown(each.shape)}"
            )
        if each.whole is not None and x.size and not each.least <= int(x.min()) <= int(x.max()) < each.whole:
            wrong = x.max() if x.min() >= each.least else x.min()
            span = f"{each.least} to {each.whole - 1}"
            raise ArchsimError(f"input '{each.name}': found {wrong}; expected whole numbers from {span}")
        x = run.noted(each.name, each.shape, x.astype(np.float32 if each.whole is None else np.int64, copy=False))
        for one in each.shape:
            positions = run.start(one) + run.size(one)
            if size_of(one) is None and positions > self.graph.max_positions:
                most = f"the model has {self.graph.max_positions} positions"
                raise ArchsimError(f"input '{each.name}': found {positions} in a sequence; {most}")
        return x

    def session(self) -> Session:
        """Runs one after the other."""
        from archsim.values.session import Session

        return Session(self)
