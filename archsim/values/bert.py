"""Encoders of BERT's architecture on values, by their Hugging Face names."""

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.values.arithmetic import Arithmetic, Product, Values
from archsim.values.attention import attend, heads_of, layer_norm
from archsim.values.weights import Named

_FUSED = ("attention.self.query", "attention.self.key", "attention.self.value")
_PARTS = {
    "qkv": _FUSED,
    "attention output": ("attention.output.dense",),
    "ffn up": ("intermediate.dense",),
    "ffn down": ("output.dense",),
}


class Bert:
    """A model whose weights are prepared by an arithmetic; projections have the Graph's names."""

    def __init__(self, named: Named, heads: int, arithmetic: Arithmetic) -> None:
        """Prepare all projections; raises ArchsimError for weights that are missing or do not fit."""
        self.named, self.heads, self.arithmetic = named, heads, arithmetic
        self.words = named.take("embeddings.word_embeddings.weight", -1, -1)
        self.dim = d = self.words.shape[1]
        if d % heads:
            raise ArchsimError(f"{named.path}: {d} values a position are not shared out evenly to {heads} heads")
        self.places = named.take("embeddings.position_embeddings.weight", -1, d)
        self.segments = named.take("embeddings.token_type_embeddings.weight", -1, d)
        self.layers: list[dict[str, Product]] = []
        while named.has(f"encoder.layer.{len(self.layers)}.attention.self.query.weight"):
            index = len(self.layers)
            self.layers.append({name: self._linear(index, name) for name in _PARTS})
        if not self.layers:
            raise ArchsimError(f"{named.path}: has no layers, such as encoder.layer.0.attention.self.query.weight")

    def _linear(self, index: int, part: str) -> Product:
        names = [f"encoder.layer.{index}.{name}" for name in _PARTS[part]]
        weights = [self.named.take(f"{name}.weight", -1, -1) for name in names]
        biases = [self.named.take(f"{n}.bias", w.shape[0]) for n, w in zip(names, weights, strict=True)]
        return self.arithmetic.linear(f"layer {index}/{part}", np.concatenate(weights), np.concatenate(biases))

    def _norm(self, name: str, x: Values) -> Values:
        weight, bias = (self.named.take(f"{name}.{part}", self.dim) for part in ("weight", "bias"))
        return layer_norm(x, weight, bias, 1e-12)

    def hidden(self, tokens: NDArray[np.int64]) -> Values:
        """Last hidden states (batch, n, dim) of tokens (batch, n), all of the first segment; raises ArchsimError."""
        batch, n = tokens.shape
        if n > self.places.shape[0]:
            raise ArchsimError(f"found {n} tokens in a sequence; the model has {self.places.shape[0]} positions")
        x = (self.words[tokens] + self.places[:n] + self.segments[0]).reshape(batch * n, -1)
        x = self._norm("embeddings.LayerNorm", x)
        for index, w in enumerate(self.layers):
            q, k, v = (heads_of(part, batch, self.heads) for part in np.split(w["qkv"](x), 3, axis=1))
            mixed = attend(self.arithmetic, q, k, v, causal=False).reshape(batch * n, -1)
            x = self._norm(f"encoder.layer.{index}.attention.output.LayerNorm", x + w["attention output"](mixed))
            inner = self.arithmetic.function("gelu", w["ffn up"](x))
            x = self._norm(f"encoder.layer.{index}.output.LayerNorm", x + w["ffn down"](inner))
        return x.reshape(batch, n, -1)
