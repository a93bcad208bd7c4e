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


_PARTS = {"attention output": "o", "ffn gate": "gate", "ffn up": "up", "ffn down": "down"}


class Llama:
    """A model whose weights are prepared by an arithmetic; projections have the Graph's names."""

    def __init__(self, config: LlamaConfig, weights: LlamaWeights, arithmetic: Arithmetic) -> None:
        """Prepare all projections; queries, keys and values are one."""
        self.config, self.weights, self.arithmetic = config, weights, arithmetic
        self.layers: list[dict[str, Product]] = []
        for layer in range(config.layers):
            fused = np.concatenate([weights.q[layer], weights.k[layer], weights.v[layer]])
            held = {"qkv": fused} | {name: getattr(weights, kept)[layer] for name, kept in _PARTS.items()}
            self.layers.append({n: arithmetic.linear(f"layer {layer}/{n}", w, None) for n, w in held.items()})
        self.head: Product = arithmetic.linear("head/logits", weights.head, None)
        half = np.arange(0, config.head_dim, 2, dtype=np.float32) / np.float32(config.head_dim)
        angles = np.arange(config.positions, dtype=np.float32)[:, None] / np.float32(10000) ** half
        self.cosines, self.sines = np.cos(angles), np.sin(angles)

    @property
    def depth(self) -> int:
        """Blocks."""
        return len(self.layers)

    def begin(self, tokens: "np.typing.NDArray[np.int64]") -> Values:
        """What the first block takes, (batch x n, dim), for tokens (batch, n); raises ArchsimError for too many."""
        n = tokens.shape[1]
        if n > self.config.positions:
            raise ArchsimError(f"found {n} tokens in a sequence; the model has {self.config.positions} positions")
        return self.weights.embedding[tokens].reshape(tokens.size, -1)

    def block(self, index: int, x: Values, batch: int) -> Values:
        """What a block makes of (batch x n, dim): as much."""
        w = self.layers[index]
        x = x + self._attention(w, rms_norm(x, self.weights.attention_norm[index]), batch)
        inner = rms_norm(x, self.weights.ffn_norm[index])
        gated = self.arithmetic.function("silu", w["ffn gate"](inner)) * w["ffn up"](inner)
        return x + w["ffn down"](gated)

    def end(self, x: Values) -> Values:
        """Logits (any, vocabulary) of what the last block gave, (any, dim)."""
        return self.head(rms_norm(x, self.weights.norm))

    def logits(self, tokens: "np.typing.NDArray[np.int64]") -> Values:
        """Of every position, (batch, n, vocabulary), for tokens (batch, n); raises ArchsimError for too many."""
        x = self.begin(tokens)
        for layer in range(self.depth):
            x = self.block(layer, x, len(tokens))
        return self.end(x).reshape(*tokens.shape, -1)

    def _attention(self, w: dict[str, Product], x: Values, batch: int) -> Values:
        config = self.config
        q, k, v = np.split(w["qkv"](x), (config.dim, config.dim + config.kv_dim), axis=1)
        q, k = self._rotate(heads_of(q, batch, config.heads)), self._rotate(heads_of(k, batch, config.kv_heads))
        mixed = attend(self.arithmetic, q, k, heads_of(v, batch, config.kv_heads), causal=True)
        return w["attention output"](mixed.reshape(x.shape[0], -1))

    def _rotate(self, x: Values) -> Values:
        """Turn each pair of neighbours by an angle that grows with the position."""
        n = x.shape[2]
        even, odd = x[..., 0::2], x[..., 1::2]
        cosines, sines = self.cosines[:n], self.sines[:n]
        turned = np.stack([even * cosines - odd * sines, even * sines + odd * cosines], axis=-1)
        return turned.reshape(x.shape)
