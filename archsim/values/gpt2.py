"""Decoders of GPT-2 architecture on values, by their Hugging Face names; a missing head is the embedding."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.values.arithmetic import Arithmetic, Product, Values
from archsim.values.attention import attend, heads_of, layer_norm
from archsim.values.weights import Named

_PARTS = {"qkv": "attn.c_attn", "attention output": "attn.c_proj", "ffn up": "mlp.c_fc", "ffn down": "mlp.c_proj"}


def _unseen(_name: str, _x: Values) -> None:
    """Nobody looks."""


class Gpt2:
    """A model whose weights are prepared by an arithmetic; projections have the Graph's names.

    Projections may lie as GPT-2's `Conv1D` does, (in, out), or as a linear layer does, (out, in): the shape of `c_attn`
    says which.
    """

    def __init__(self, named: Named, heads: int, arithmetic: Arithmetic) -> None:
        """Prepare all projections; raises ArchsimError for weights that are missing or do not fit."""
        self.named, self.heads, self.arithmetic = named, heads, arithmetic
        self.embedding = named.take("wte.weight", -1, -1)
        self.dim = d = self.embedding.shape[1]
        if d % heads:
            raise ArchsimError(f"{named.path}: {d} values a position are not shared out evenly to {heads} heads")
        self.places = named.take("wpe.weight", -1, d)
        self.layers: list[dict[str, Product]] = []
        sizes = {"qkv": (3 * d, d), "attention output": (d, d), "ffn up": (4 * d, d), "ffn down": (d, 4 * d)}
        while named.has(f"h.{len(self.layers)}.ln_1.weight"):
            index = len(self.layers)
            flipped = named.take(f"h.{index}.attn.c_attn.weight", -1, -1).shape == (d, 3 * d)
            parts = {name: self._linear(index, name, *size, flipped=flipped) for name, size in sizes.items()}
            self.layers.append(parts)
        if not self.layers:
            raise ArchsimError(f"{named.path}: has no layers, such as h.0.ln_1.weight")
        tied = "lm_head.weight" not in named.weights
        self.head = arithmetic.linear("head/logits", self.embedding if tied else named.weights["lm_head.weight"], None)

    def _linear(self, index: int, part: str, out: int, into: int, *, flipped: bool) -> Product:
        name = f"h.{index}.{_PARTS[part]}"
        weight = self.named.take(f"{name}.weight", *((into, out) if flipped else (out, into)))
        bias = self.named.take(f"{name}.bias", out)
        return self.arithmetic.linear(f"layer {index}/{part}", weight.T if flipped else weight, bias)

    def _norm(self, name: str, x: Values) -> Values:
        return layer_norm(x, self.named.take(f"{name}.weight", self.dim), self.named.take(f"{name}.bias", self.dim))

    @property
    def depth(self) -> int:
        """Blocks."""
        return len(self.layers)

    def begin(self, tokens: NDArray[np.int64]) -> Values:
        """What the first block takes, (batch x n, dim), for tokens (batch, n); raises ArchsimError for too many."""
        n = tokens.shape[1]
        if n > self.places.shape[0]:
            raise ArchsimError(f"found {n} tokens in a sequence; the model has {self.places.shape[0]} positions")
        return (self.embedding[tokens] + self.places[:n]).reshape(tokens.size, -1)

    def block(self, index: int, x: Values, batch: int, observe: Callable[[str, Values], None] = _unseen) -> Values:
        """What a block makes of (batch x n, dim): as much. observe: told what comes out of its parts, by name."""
        w = self.layers[index]
        inner = self._norm(f"h.{index}.ln_1", x)
        observe(f"h.{index}.ln_1", inner)
        q, k, v = (heads_of(part, batch, self.heads) for part in np.split(w["qkv"](inner), 3, axis=1))
        mixed = attend(self.arithmetic, q, k, v, causal=True).reshape(len(x), -1)
        observe(f"h.{index}.attn", mixed)
        x = x + w["attention output"](mixed)
        up = self.arithmetic.function("gelu_tanh", w["ffn up"](self._norm(f"h.{index}.ln_2", x)))
        observe(f"h.{index}.mlp.act", up)
        x = x + w["ffn down"](up)
        observe(f"h.{index}", x)
        return x

    def end(self, x: Values) -> Values:
        """Logits (any, vocabulary) of what the last block gave, (any, dim)."""
        return self.head(self._norm("ln_f", x))

    def logits(self, tokens: NDArray[np.int64], observe: Callable[[str, Values], None] = _unseen) -> Values:
        """Of every position, (batch, n, vocabulary), for tokens (batch, n); raises ArchsimError for too many."""
        x = self.begin(tokens)
        for index in range(self.depth):
            x = self.block(index, x, len(tokens), observe)
        return self.end(x).reshape(*tokens.shape, -1)
