"""Encoders of BERT's architecture on values, by their Hugging Face names."""

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.values.arithmetic import Arithmetic, Product, Values
from archsim.values.attention import attend, heads_of, layer_norm
from archsim.values.weights import Named

_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "output": "attention.output.dense",
    "up": "intermediate.dense",
    "down": "output.dense",
}


class Bert:
    """A model whose weights are prepared by an arithmetic."""

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
            at = f"encoder.layer.{len(self.layers)}"
            self.layers.append({name: self._linear(f"{at}.{part}") for name, part in _PARTS.items()})
        if not self.layers:
            raise ArchsimError(f"{named.path}: has no layers, such as encoder.layer.0.attention.self.query.weight")

    def _linear(self, name: str) -> Product:
        weight = self.named.take(f"{name}.weight", -1, -1)
        return self.arithmetic.linear(name, weight, self.named.take(f"{name}.bias", weight.shape[0]))

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
            q, k, v = (heads_of(w[name](x), batch, self.heads) for name in ("q", "k", "v"))
            mixed = attend(self.arithmetic, q, k, v, causal=False).reshape(batch * n, -1)
            x = self._norm(f"encoder.layer.{index}.attention.output.LayerNorm", x + w["output"](mixed))
            inner = self.arithmetic.function("gelu", w["up"](x))
            x = self._norm(f"encoder.layer.{index}.output.LayerNorm", x + w["down"](inner))
        return x.reshape(batch, n, -1)
