"""State-space layers in plain numpy, written from the definition in arXiv:2312.00752, algorithm 2 and section 3."""

from typing import Any

import numpy as np

from tests.values.plain_transformer import Array, Plain


class PlainStateSpace(Plain):
    """A decoder of such layers, which come between norms and sums as attention does; float64, number by number."""

    def __init__(self, preset: dict[str, Any], weights: dict[str, Array]) -> None:
        super().__init__({"heads": 1, **preset}, weights)

    def silu(self, x: Array) -> Array:
        return x / (1 + np.exp(-x))

    def inner_norm(self, key: str, x: Array) -> Array:
        keys = self.preset["state_space"]
        if keys.get("norms", "none") == "none":
            return x
        epsilon = keys.get("norm_epsilon", self.preset.get("epsilon", 1e-5))
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * self.weights.get(f"{key}.scale", 1.0)

    def convolved(self, layer: str, x: Array) -> Array:
        """y[t] = sum over k of w[k] x[t - (K - 1) + k], of each channel."""
        weight = self.weights[f"{layer}/conv.weight"]
        out = np.zeros_like(x) + self.weights.get(f"{layer}/conv.bias", 0.0)
        for t in range(len(x)):
            for k in range(weight.shape[1]):
                at = t - (weight.shape[1] - 1) + k
                if at >= 0:
                    out[t] += weight[:, k] * x[at]
        return out

    def scanned(self, layer: str, x: Array, step: Array, b: Array, c: Array) -> Array:
        """h[t] = exp(step A) h[t - 1] + step B x; y[t] = C h[t] + D x."""
        a, d = self.weights[f"{layer}/scan.A"], self.weights[f"{layer}/scan.D"]
        out = np.zeros_like(x)
        for channel in range(x.shape[1]):
            h = np.zeros(a.shape[1])
            for t in range(len(x)):
                h = np.exp(step[t, channel] * a[channel]) * h + step[t, channel] * b[t] * x[t, channel]
                out[t, channel] = c[t] @ h + d[channel] * x[t, channel]
        return out

    def mamba(self, layer: str, x: Array) -> Array:
        values, gate = np.split(self.linear(f"{layer}/in projection", x), 2, axis=1)
        values = self.silu(self.convolved(layer, values))
        made, state = self.linear(f"{layer}/x projection", values), self.weights[f"{layer}/scan.A"].shape[1]
        step, b, c = np.split(made, [made.shape[1] - 2 * state, made.shape[1] - state], axis=1)
        step, b, c = (self.inner_norm(f"{layer}/{name} norm", x) for name, x in (("dt", step), ("B", b), ("C", c)))
        step = np.log1p(np.exp(self.linear(f"{layer}/dt projection", step)))
        return self.linear(f"{layer}/out projection", self.scanned(layer, values, step, b, c) * self.silu(gate))

    def feed_forward(self, layer: str, x: Array) -> Array:
        """Experts in some layers: gates are the softmax over all, as they are."""
        if f"{layer}/router.weight" not in self.weights:
            return self.one_feed_forward(f"{layer}/ffn", x)
        scores = np.exp(self.linear(f"{layer}/router", x))
        gates, out = scores / scores.sum(-1, keepdims=True), np.zeros_like(x)
        for i, row in enumerate(gates):
            for expert in np.argsort(-row)[: self.preset["experts_per_token"]]:
                out[i] += row[expert] * self.one_feed_forward(f"{layer}/expert {expert}", x[i : i + 1])[0]
        return out

    def logits(self, ids: Array) -> Array:
        x = self.embedded("embedding", ids)
        for number in range(self.preset["layers"]):
            layer = f"layer {number}"
            if f"{layer}/scan.A" in self.weights:
                x = x + self.mamba(layer, self.norm(f"{layer}/mamba norm", x))
            else:
                normed = self.norm(f"{layer}/attention norm", x)
                x = x + self.self_attention(layer, normed, "layer", number, causal=True)
            if self.preset["ffn"]:
                x = x + self.feed_forward(layer, self.norm(f"{layer}/ffn norm", x))
        return self.head(x)
