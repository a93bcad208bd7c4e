"""A Graph on the same inputs again and again: tensors before chosen nodes are kept, and runs begin there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.graph.sequence_nodes import Recurrence
from archsim.graph.weights import moving
from archsim.values.running import Run

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from archsim.graph.graph import Graph
    from archsim.values.executor import Executor
    from archsim.values.running import Array


@dataclass(frozen=True, slots=True)
class _Cut:
    """Before the node at a position; alive: tensors made before it that it or later ones need."""

    position: int
    alive: tuple[str, ...]


class Replay:
    """Runs of which each computes only what follows the first node that has changed.

    Parameters
    ----------
    executor
        Of the Graph. What its arithmetic does may change from run to run.
    inputs
        By name, the batch first; the same in all runs.
    output
        Key of the node whose tensor is wanted.
    cuts
        Keys of nodes before which tensors are kept.
    memory
        The most bytes that are kept; None: no bound.
    """

    def __init__(
        self,
        executor: Executor,
        inputs: Mapping[str, Array],
        output: str,
        cuts: Sequence[str],
        *,
        memory: int | None = None,
    ) -> None:
        self._executor, self._inputs, self._output, self._memory = executor, inputs, output, memory
        self._order: dict[str, int] = {}
        for at, node in enumerate(executor.graph.nodes):
            self._order[node.key] = at
            self._order |= {each.key: at for each in node.body} if isinstance(node, Recurrence) else {}
        positions = sorted({0, *(self._order[key] for key in cuts)})
        self._cuts = [_Cut(at, _alive(executor.graph, output, at)) for at in positions]
        self._kept: dict[str, Array] = {}

    def run(self, changed: Collection[str] | None = None, *, keep: bool = False) -> Array:
        """The tensor that is wanted.

        Parameters
        ----------
        changed
            Keys of nodes that compute otherwise than in the run that was kept last; None: any may.
        keep
            Whether this run's tensors are kept in place of those of the run before.

        Raises
        ------
        ArchsimError
            As `Executor.run`; what was kept of the run before stays, as far as it holds for both.
        """
        first = 0 if changed is None else min((self._order[key] for key in changed), default=len(self._order))
        usable = [cut for cut in self._cuts if cut.position <= first and self._kept.keys() >= {*cut.alive}]
        begin = usable[-1]
        if keep:
            self._kept = {name: x for name, x in self._kept.items() if self._order[name] < begin.position}
        run, kept = Run(self._executor.arithmetic, everywhere=True), dict(self._kept)
        tensors = {name: self._kept[name] for name in begin.alive}
        for cut in self._cuts[self._cuts.index(begin) + 1 :]:
            tensors = self._executor.execute(run, self._inputs, cut.alive, tensors)
            if keep and self._has_room(kept | tensors):
                kept |= tensors
        found = self._executor.execute(run, self._inputs, (self._output,), tensors)[self._output]
        if keep:
            self._kept = kept
        return found

    def _has_room(self, tensors: Mapping[str, Array]) -> bool:
        return self._memory is None or sum(x.nbytes for x in tensors.values()) <= self._memory


def _alive(graph: Graph, output: str, position: int) -> tuple[str, ...]:
    """Tensors of nodes before a position that those from it on need, for a result."""
    needed = {output}
    for node in reversed(graph.nodes[position:]):
        if node.key in needed:
            needed |= {name for _, name in moving(node, graph.weights)}
    return tuple(node.key for node in graph.nodes[:position] if node.key in needed)
