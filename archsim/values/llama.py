"""Decoders of Llama architecture on values: RMSNorm, rotary positions, grouped-query attention, SwiGLU."""

from dataclasses import dataclass

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.arithmetic import Arithmetic, Product, Values
from archsim.values.attention import attend, heads_of, rms_norm


@dataclass(frozen=True, slots=True)
class LlamaConfig:
    """Sizes."""

    dim: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    positions: int

    @property
    def head_dim(self) -> int:
        """Of one head."""
        return self.dim // self.heads

    @property
    def kv_dim(self) -> int:
        """Of all keys of a position."""
        return self.head_dim * self.kv_heads


@dataclass(frozen=True)
class LlamaWeights:
    """float32; those of layers have the layer first, then (out, in)."""

    embedding: Values
    attention_norm: Values
    q: Values
    k: Values
    v: Values
    o: Values
    ffn_norm: Values
    gate: Values
    up: Values
    down: Values
    norm: Values
    head: Values


class Llama:
    """A model whose weights are prepared by an arithmetic."""

    def __init__(self, config: LlamaConfig, weights: LlamaWeights, arithmetic: Arithmetic) -> None:
        """Prepare all projections."""
        self.config, self.weights, self.arithmetic = config, weights, arithmetic
        self.layers = [
            {
                name: arithmetic.linear(f"layer {layer}/{name}", getattr(weights, name)[layer], None)
                for name in ("q", "k", "v", "o", "gate", "up", "down")
            }
            for layer in range(config.layers)
        ]
        self.head: Product = arithmetic.linear("head", weights.head, None)
        half = np.arange(0, config.head_dim, 2, dtype=np.float32) / np.float32(config.head_dim)
        angles = np.arange(config.positions, dtype=np.float32)[:, None] / np.float32(10000) ** half
        self.cosines, self.sines = np.cos(angles), np.sin(angles)

    def logits(self, tokens: "np.typing.NDArray[np.int64]") -> Values:
        """Of every position, (batch, n, vocabulary), for tokens (batch, n); raises ArchsimError for too many."""
        batch, n = tokens.shape
        if n > self.config.positions:
            raise ArchsimError(f"found {n} tokens in a sequence; the model has {self.config.positions} positions")
        weights, w = self.weights, self.layers
        x = weights.embedding[tokens].reshape(batch * n, -1)
        for layer in range(self.config.layers):
            x = x + self._attention(w[layer], rms_norm(x, weights.attention_norm[layer]), batch)
            inner = rms_norm(x, weights.ffn_norm[layer])
            gated = self.arithmetic.function("silu", w[layer]["gate"](inner)) * w[layer]["up"](inner)
            x = x + w[layer]["down"](gated)
        return self.head(rms_norm(x, weights.norm)).reshape(batch, n, -1)

    def _attention(self, w: dict[str, Product], x: Values, batch: int) -> Values:
        q = self._rotate(heads_of(w["q"](x), batch, self.config.heads))
        k = self._rotate(heads_of(w["k"](x), batch, self.config.kv_heads))
        v = heads_of(w["v"](x), batch, self.config.kv_heads)
        mixed = attend(self.arithmetic, q, k, v, causal=True)
        return w["o"](mixed.reshape(x.shape[0], -1))

    def _rotate(self, x: Values) -> Values:
        """Turn each pair of neighbours by an angle that grows with the position."""
        n = x.shape[2]
        even, odd = x[..., 0::2], x[..., 1::2]
        cosines, sines = self.cosines[:n], self.sines[:n]
        turned = np.stack([even * cosines - odd * sines, even * sines + odd * cosines], axis=-1)
        return turned.reshape(x.shape)
