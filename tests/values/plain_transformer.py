"""Transformers in plain numpy, written from the papers' definitions: an oracle of the Graphs of presets."""

from math import erf, exp, log, sqrt
from typing import Any

import numpy as np

Array = Any
"""Of float64; weights by the Graph's names."""


class Plain:
    """The model of a preset's file: `preset` has the keys of the file, with Python's values."""

    def __init__(self, preset: dict[str, Any], weights: dict[str, Array]) -> None:
        self.preset = preset
        self.weights = {name: x.astype(np.float64) for name, x in weights.items()}
        self.heads = preset["heads"]
        self.kept = preset.get("kv_heads", self.heads)
        self.size = preset.get("head_dim", preset["hidden"] // self.heads)

    def linear(self, key: str, x: Array) -> Array:
        out = x @ self.weights[f"{key}.weight"].T
        return out + self.weights[f"{key}.bias"] if f"{key}.bias" in self.weights else out

    def norm(self, key: str, x: Array) -> Array:
        scale, epsilon = self.weights[f"{key}.scale"], self.preset.get("epsilon", 1e-5)
        if f"{key}.shift" not in self.weights:
            return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * scale
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * scale + self.weights[f"{key}.shift"]

    def activation(self, x: Array) -> Array:
        name = self.preset.get("activation", "gelu")
        if name == "relu":
            return np.maximum(x, 0)
        if name == "silu":
            return x / (1 + np.exp(-x))
        if name == "gelu_tanh":
            return 0.5 * x * (1 + np.tanh(sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        return 0.5 * x * (1 + np.vectorize(erf)(x / sqrt(2)))

    def rotated(self, x: Array) -> Array:
        """[positions, heads, values]; RoFormer: pairs are turned by position x base^(-2 i / turned)."""
        turned = self.preset.get("rotary_values", x.shape[-1])
        out = x.copy()
        for position in range(len(x)):
            for pair in range(turned // 2):
                angle = position * self.preset.get("rotary_base", 10_000) ** (-2 * pair / turned)
                neighbours = self.preset.get("rotary_form") == "neighbours"
                a, b = (2 * pair, 2 * pair + 1) if neighbours else (pair, pair + turned // 2)
                left, right = x[position, :, a], x[position, :, b]
                out[position, :, a] = left * np.cos(angle) - right * np.sin(angle)
                out[position, :, b] = right * np.cos(angle) + left * np.sin(angle)
        return out

    def attend(self, q: Array, k: Array, v: Array, *, causal: bool, span: int | None, table: Array | None) -> Array:
        """One number of a head at a time. q: [positions, heads, values]."""
        out = np.zeros((len(q), self.heads, self.size))
        scale = self.preset.get("score_scale", 1 / sqrt(self.size))
        cap = self.preset.get("score_cap")
        for head in range(self.heads):
            shared = head // (self.heads // self.kept)
            for i in range(len(q)):
                first = 0 if span is None else max(0, i - span + 1)
                seen = range(first, i + 1) if causal else range(len(k))
                scores = np.array([q[i, head] @ k[j, shared] * scale for j in seen])
                if cap is not None:
                    scores = cap * np.tanh(scores / cap)
                if table is not None:
                    scores += [table[self.bucket(j - i, both_ways=not causal), head] for j in seen]
                elif self.preset.get("score_bias"):
                    scores += [2 ** (-8 * (head + 1) / self.heads) * (j - i) for j in seen]
                shares = np.exp(scores - scores.max())
                out[i, head] = (shares / shares.sum()) @ np.array([v[j, shared] for j in seen])
        return out.reshape(len(q), -1)

    def bucket(self, ahead: int, *, both_ways: bool) -> int:
        """T5: near distances have a bucket each, far ones share buckets by the logarithm of the distance."""
        number, first = int(self.preset["buckets"]), 0
        if both_ways:
            number //= 2
            first = number if ahead > 0 else 0
            distance = abs(ahead)
        else:
            distance = max(0, -ahead)
        near = number // 2
        if distance < near:
            return first + distance
        far = near + int(log(distance / near) / log(128 / near) * (number - near))
        return first + min(far, number - 1)

    def self_attention(self, layer: str, x: Array, stack: str, number: int, *, causal: bool) -> Array:
        preset = self.preset
        qkv = self.linear(f"{layer}/qkv", x).reshape(len(x), self.heads + 2 * self.kept, self.size)
        q, k, v = np.split(qkv, [self.heads, self.heads + self.kept], axis=1)
        if preset.get("rotary"):
            q, k = self.rotated(q), self.rotated(k)
        every = preset.get("full_every")
        whole = every is not None and (number - preset.get("full_offset", 0)) % every == 0
        table = self.weights.get(f"{stack} 0/score bias.table")
        span = None if whole else preset.get("window")
        return self.linear(f"{layer}/attention output", self.attend(q, k, v, causal=causal, span=span, table=table))

    def cross_attention(self, layer: str, x: Array, memory: Array) -> Array:
        q = self.linear(f"{layer}/cross query", x).reshape(len(x), self.heads, self.size)
        both = self.linear(f"{layer}/cross keys and values", memory).reshape(len(memory), 2, self.kept, self.size)
        own = Plain({**self.preset, "score_bias": False}, {})
        mixed = own.attend(q, both[:, 0], both[:, 1], causal=False, span=None, table=None)
        return self.linear(f"{layer}/cross output", mixed)

    def feed_forward(self, layer: str, x: Array) -> Array:
        if self.preset.get("experts", 1) == 1:
            return self.one_feed_forward(f"{layer}/ffn", x)
        gates = self.linear(f"{layer}/router", x)
        out = np.zeros_like(x)
        for i, row in enumerate(gates):
            chosen = np.argsort(-row)[: self.preset["experts_per_token"]]
            powers = np.array([exp(row[expert] - row.max()) for expert in chosen])
            for expert, share in zip(chosen, powers / powers.sum(), strict=True):
                out[i] += share * self.one_feed_forward(f"{layer}/expert {expert}", x[i : i + 1])[0]
        return out

    def one_feed_forward(self, key: str, x: Array) -> Array:
        up = self.linear(f"{key} up", x)
        inner = self.activation(self.linear(f"{key} gate", x)) * up if self.preset.get("gated") else self.activation(up)
        return self.linear(f"{key} down", inner)

    def stack(self, name: str, layers: int, x: Array, *, causal: bool, memory: Array | None = None) -> Array:
        """All layers: norms before, after, or both; or the two parts side by side."""
        preset = self.preset
        first = preset.get("norm_first", preset["architecture"] == "decoder")
        for number in range(layers):
            layer = f"{name} {number}"

            def inner(part: str, x: Array, layer: str = layer, number: int = number) -> Array:
                if part == "attention":
                    return self.self_attention(layer, x, name, number, causal=causal)
                return self.cross_attention(layer, x, memory) if part == "cross" else self.feed_forward(layer, x)

            if preset.get("parallel"):
                normed = self.norm(f"{layer}/attention norm", x)
                other = normed if preset.get("shared_norm") else self.norm(f"{layer}/ffn norm", x)
                x = x + inner("attention", normed) + inner("ffn", other)
                continue
            for part in ("attention", "cross", "ffn") if memory is not None else ("attention", "ffn"):
                made = inner(part, self.norm(f"{layer}/{part} norm", x) if first else x)
                made = self.norm(f"{layer}/{part} post norm", made) if preset.get("post_norms") else made
                x = x + made if first else self.norm(f"{layer}/{part} norm", x + made)
        return x

    def embedded(self, key: str, ids: Array, table: str = "embeddings/embedding.tokens") -> Array:
        x = self.weights[table][ids] * self.preset.get("embedding_scale", 1)
        if f"embeddings/{key}.positions" in self.weights:
            first = self.preset.get("first_position", 0)
            x = x + self.weights[f"embeddings/{key}.positions"][first : first + len(ids)]
        if f"embeddings/{key}.segments" in self.weights:
            x = x + self.weights[f"embeddings/{key}.segments"][0]
        return x

    def head(self, x: Array, table: str = "embeddings/embedding.tokens") -> Array:
        x = self.norm("head/norm", x) if "head/norm.scale" in self.weights else x
        if "head/logits.weight" in self.weights:
            return self.linear("head/logits", x)
        return x @ self.weights[table].T
