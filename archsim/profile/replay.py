"""A text predicted again and again with other products: what comes into each block is kept, and used again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.values.arithmetic import FloatArithmetic, Product, Values
from archsim.values.executor import Executor
from archsim.values.replay import Replay as Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archsim.graph.graph import Graph
    from archsim.values.tasks import Task

_MOST_POSITIONS = 1024
"""Positions that are worked on together: what bounds the memory of scores and logits, and stays in caches."""


Losses = NDArray[np.float64]
"""Negative log-likelihoods in nats, (tokens,)."""
Watch = Callable[[str, Values], None]
"""Is told each product's key and inputs, (n, in)."""


class Switchboard(FloatArithmetic):
    """Products in float32, any of which can be replaced by another.

    matrices: weight (out, in) and bias by key. instead: what takes a product's place.
    """

    def __init__(self) -> None:
        """Nothing is replaced yet."""
        self.matrices: dict[str, tuple[Values, Values | None]] = {}
        self.instead: Mapping[str, Product] = {}
        self.watch: Watch | None = None

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        """A matmul, or what stands in for it."""
        plain = super().linear(key, weight, bias)
        self.matrices[key] = (weight, bias)

        def product(x: Values) -> Values:
            if self.watch is not None:
                self.watch(key, x)
            return self.instead.get(key, plain)(x)

        return product


def batched(sequences: Iterable[Sequence[int]]) -> list[NDArray[np.int64]]:
    """Tokens (batch, n) of sequences of equal length, the first length first; those of one token have nothing to say.

    Raises ArchsimError where nothing is left.
    """
    by_length: dict[int, list[Sequence[int]]] = {}
    for tokens in sequences:
        by_length.setdefault(len(tokens), []).append(tokens)
    found = []
    for length, group in by_length.items():
        if length < 2:  # noqa: PLR2004 (one to predict, one to predict from)
            continue
        together = max(1, _MOST_POSITIONS // length)
        found += [np.array(group[at : at + together], np.int64) for at in range(0, len(group), together)]
    if not found:
        raise ArchsimError("found no text to predict; expected two tokens or more")
    return found


def lengths(batches: Iterable[NDArray[np.int64]]) -> list[int]:
    """Predicted tokens of each sequence, in the order of losses."""
    return [tokens.shape[1] - 1 for tokens in batches for _ in tokens]


def block_of(key: str, depth: int) -> int:
    """Number of the block that a projection is in: of `layer 3/ffn up` 3; of the head, `depth`."""
    layer = key.partition("/")[0].rpartition(" ")[2]
    return int(layer) if layer.isdigit() else depth


def depth_of(graph: Graph) -> int:
    """Blocks that have projections."""
    return 1 + max(block_of(linear.key, -1) for linear in graph.linears)


class Replay:
    """A model and a text. `losses`: float64 (tokens,), negative log-likelihoods in nats in float arithmetic.

    tokens: predicted ones. matrices: weight and bias of each projection, in the order in which they are used.
    """

    def __init__(self, task: Task) -> None:
        """Run all of it once; raises ArchsimError for a text that is too long or empty, or nothing to predict."""
        task.require_predicting()
        self.batches = batched(task.sequences)
        self.board = Switchboard()
        self.matrices = self.board.matrices
        graph = task.model.graph
        executor = Executor(graph, task.model.arrays, self.board)
        begins = {node.layer: node.key for node in reversed(graph.nodes)}
        self._runs = [
            Kept(executor, {graph.inputs[0].name: tokens[:, :-1]}, graph.outputs[0], [*begins.values()])
            for tokens in self.batches
        ]
        self.losses = self._from(None, {}, None, keep=True)
        self.tokens = len(self.losses)

    def run(self, products: Mapping[str, Product], watch: Watch | None = None) -> Losses:
        """Losses (tokens,) with some products replaced, from the first block that has one on."""
        return self._from([*products] if watch is None else None, products, watch)

    def _from(
        self, changed: Sequence[str] | None, products: Mapping[str, Product], watch: Watch | None, *, keep: bool = False
    ) -> Losses:
        self.board.instead, self.board.watch = products, watch
        try:
            found = [
                _losses(run.run(changed, keep=keep), tokens[:, 1:])
                for tokens, run in zip(self.batches, self._runs, strict=True)
            ]
        finally:
            self.board.instead, self.board.watch = {}, None
        return np.concatenate(found)


def _losses(logits: Values, targets: NDArray[np.int64]) -> Losses:
    """Of logits (batch, n, vocabulary) and the tokens (batch, n) that were to be predicted."""
    flat, wanted = logits.reshape(targets.size, -1), targets.reshape(-1)
    right = flat[np.arange(len(wanted)), wanted].astype(np.float64)
    top = flat.max(axis=1, keepdims=True)
    total = np.exp(flat - top).sum(axis=1, dtype=np.float64)
    found: Losses = np.log(total) + top[:, 0] - right
    return found
