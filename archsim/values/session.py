"""Sessions: runs one after the other, of which each has only the new positions; and making tokens by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.nodes import Reduce
from archsim.graph.sequence_nodes import Recurrence
from archsim.graph.views import CausalPad, Chosen, Keep, Reshape
from archsim.graph.weights import moving
from archsim.graph.windows import SAME
from archsim.values.running import Run

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from archsim.graph.axes import Dim, Shape
    from archsim.graph.nodes import Node
    from archsim.graph.streams import Stream
    from archsim.values.executor import Executor
    from archsim.values.running import Array


class Session:
    """Keeps keys and values, states of recurrences, and what does not grow, such as an encoder's result.

    state: tensors of former runs by the key of the node that keeps them. Raises ArchsimError where a node needs
    positions of former runs that nothing keeps.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor, graph = executor, executor.graph
        self._past: dict[Stream, int] = {}
        self.state: dict[str, Array] = {}
        self._known: dict[str, Array] | None = None
        self._growing = {each.name for each in graph.inputs if any(map(_streams, each.shape))}
        self._constant: set[str] = set()
        for node in graph.nodes:
            names = {name for _, name in moving(node, graph.weights)}
            if names & self._growing:
                self._constant |= names - self._growing
                _require_own(node, executor.shapes, self._growing)
                if not (isinstance(node, Chosen) and node.shape[node.dim][0].axis.at == "first"):
                    self._growing.add(node.key)

    @property
    def positions(self) -> int:
        """Of the stream that grows, so far."""
        return max(self._past.values(), default=0)

    def run(
        self, inputs: Mapping[str, Array], *, everywhere: bool = False, also: Collection[str] = ()
    ) -> dict[str, Array]:
        """As `Executor.run`; the first time with all inputs, later with the new positions of those that grow."""
        executor, first = self._executor, self._known is None
        wanted = (*executor.graph.outputs, *also)
        constant = self._constant | (set(wanted) - self._growing) if first else set()
        run = Run(executor.arithmetic, everywhere, dict(self._past), dict(self.state))
        found = executor.execute(run, inputs, {*wanted, *constant}, self._known or {})
        if first:
            self._known = {name: found[name] for name in constant}
        self.state = run.state or {}
        for each in executor.graph.inputs:
            for stream, one in ((_streams(one), one) for one in each.shape):
                if stream is not None:
                    self._past[stream] = run.past.get(stream, 0) + run.size(one)
        return {name: found[name] for name in wanted}


def _streams(one: Dim) -> Stream | None:
    """The growing stream whose new positions are a dimension."""
    streams = (factor.axis.stream for factor in one if not factor.axis.seen)
    return next((stream for stream in streams if stream is not None and stream.grows), None)


def _require_own(node: Node, shapes: Mapping[str, Shape], growing: set[str]) -> None:
    """Of streams that grow, a node reads its own positions alone, if nothing keeps the others."""
    if isinstance(node, (Reshape, Keep, CausalPad, Chosen)):
        return
    for at, name in enumerate(node.inputs):
        if name not in growing:
            continue
        for one, reach in zip(shapes[name], node.reach(at, shapes[name]), strict=True):
            others = reach.of is None or reach.interval != SAME or (isinstance(node, Recurrence) and node.backward)
            if _streams(one) is not None and others:
                message = f"{node.key}: reads positions of former runs, which nothing keeps"
                raise ArchsimError(f"{message}. Run whole sequences, without a session.")


def generate(executor: Executor, inputs: Mapping[str, Array], number: int, *, cached: bool = True) -> Array:
    """The most likely tokens, one after the other, (batch, number).

    Parameters
    ----------
    executor
        Of a Graph with a feedback.
    inputs
        The prompt.
    number
        Of tokens.
    cached
        Whether keys, values and states are kept; else the whole sequence is run again for each token.

    Raises
    ------
    ArchsimError
        For a Graph that generates nothing.
    """
    graph = executor.graph
    if graph.feedback is None:
        raise ArchsimError(f"{graph.name} generates nothing")
    source, back = graph.feedback
    nodes = {node.key: node for node in graph.nodes}
    name = back
    while name in nodes:
        name = nodes[name].inputs[0]
    if not any(each.name == name and each.whole is not None for each in graph.inputs):
        raise ArchsimError(f"{graph.name}: its input is no whole numbers; expected tokens, as it makes them")
    session = Session(executor) if cached else None
    given, made = dict(inputs), []
    for _ in range(number):
        found = session.run(given, also=(source,)) if session else executor.run(given, also=(source,))
        last = found[source]
        if not isinstance(nodes[source], Reduce):
            last = last.argmax(axis=-1)
        tokens = last[:, -1:]
        made.append(tokens)
        given[name] = tokens if session else np.concatenate([given[name], tokens], axis=1)
    return np.concatenate(made, axis=1)
