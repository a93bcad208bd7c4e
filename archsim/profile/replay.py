"""A text predicted again and again with other products: what comes into each block is kept, and used again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.values.arithmetic import FloatArithmetic, Product, Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archsim.values.layered import Layered

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


class Replay:
    """A model and a text. `losses`: float64 (tokens,), negative log-likelihoods in nats in float arithmetic.

    tokens: predicted ones. matrices: weight and bias of each projection, in the order in which they are used.
    """

    def __init__(self, make: Callable[[FloatArithmetic], Layered], sequences: Iterable[Sequence[int]]) -> None:
        """Run all of it once; raises ArchsimError for a text that is too long or empty."""
        self.board = Switchboard()
        self.model = make(self.board)
        self.matrices = self.board.matrices
        self.batches = batched(sequences)
        self.inputs: list[list[Values]] = []
        for tokens in self.batches:
            kept = [self.model.begin(tokens[:, :-1])]
            for index in range(self.model.depth):
                kept.append(self.model.block(index, kept[-1], len(tokens)))
            self.inputs.append(kept)
        self.losses = self.run({})
        self.tokens = len(self.losses)

    def run(self, products: Mapping[str, Product], watch: Watch | None = None) -> Losses:
        """Losses (tokens,) with some products replaced, from the first block that has one on."""
        start = min((block_of(key, self.model.depth) for key in products), default=self.model.depth)
        return self._from(start if watch is None else 0, products, watch)

    def _from(self, start: int, products: Mapping[str, Product], watch: Watch | None) -> Losses:
        self.board.instead, self.board.watch = products, watch
        found = []
        try:
            for tokens, inputs in zip(self.batches, self.inputs, strict=True):
                x = inputs[start]
                for index in range(start, self.model.depth):
                    x = self.model.block(index, x, len(tokens))
                found.append(self._losses(x, tokens[:, 1:].reshape(-1)))
        finally:
            self.board.instead, self.board.watch = {}, None
        return np.concatenate(found)

    def _losses(self, x: Values, targets: NDArray[np.int64]) -> Losses:
        logits = self.model.end(x)
        right = logits[np.arange(len(targets)), targets].astype(np.float64)
        top = logits.max(axis=1, keepdims=True)
        total = np.exp(logits - top).sum(axis=1, dtype=np.float64)
        found: Losses = np.log(total) + top[:, 0] - right
        return found
