"""Decoders of GPT-2 architecture on values, by their Hugging Face names; a missing head is the embedding."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.values.arithmetic import Arithmetic, Product, Values
from archsim.values.attention import attend, heads_of, layer_norm
from archsim.values.weights import Named


class Gpt2:
    """A model whose weights are prepared by an arithmetic.

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
        while named.has(f"h.{len(self.layers)}.ln_1.weight"):
            at = f"h.{len(self.layers)}"
            flipped = named.take(f"{at}.attn.c_attn.weight", -1, -1).shape == (d, 3 * d)
            self.layers.append(
                {
                    "qkv": self._linear(f"{at}.attn.c_attn", 3 * d, d, flipped=flipped),
                    "output": self._linear(f"{at}.attn.c_proj", d, d, flipped=flipped),
                    "up": self._linear(f"{at}.mlp.c_fc", 4 * d, d, flipped=flipped),
                    "down": self._linear(f"{at}.mlp.c_proj", d, 4 * d, flipped=flipped),
                }
            )
        if not self.layers:
            raise ArchsimError(f"{named.path}: has no layers, such as h.0.ln_1.weight")
        tied = "lm_head.weight" not in named.weights
        self.head = arithmetic.linear("head", self.embedding if tied else named.weights["lm_head.weight"], None)

    def _linear(self, name: str, out: int, into: int, *, flipped: bool) -> Product:
        weight = self.named.take(f"{name}.weight", *((into, out) if flipped else (out, into)))
        return self.arithmetic.linear(name, weight.T if flipped else weight, self.named.take(f"{name}.bias", out))

    def _norm(self, name: str, x: Values) -> Values:
        return layer_norm(x, self.named.take(f"{name}.weight", self.dim), self.named.take(f"{name}.bias", self.dim))

    def logits(
        self, tokens: NDArray[np.int64], observe: Callable[[str, Values], None] = lambda _name, _x: None
    ) -> Values:
        """Of every position, (batch, n, vocabulary), for tokens (batch, n); raises ArchsimError for too many.

        observe: told what comes out of the parts of each block, by name.
        """
        batch, n = tokens.shape
        if n > self.places.shape[0]:
            raise ArchsimError(f"found {n} tokens in a sequence; the model has {self.places.shape[0]} positions")
        x = (self.embedding[tokens] + self.places[:n]).reshape(batch * n, -1)
        for index, w in enumerate(self.layers):
            inner = self._norm(f"h.{index}.ln_1", x)
            observe(f"h.{index}.ln_1", inner)
            q, k, v = (heads_of(part, batch, self.heads) for part in np.split(w["qkv"](inner), 3, axis=1))
            mixed = attend(self.arithmetic, q, k, v, causal=True).reshape(batch * n, -1)
            observe(f"h.{index}.attn", mixed)
            x = x + w["output"](mixed)
            up = self.arithmetic.function("gelu_tanh", w["up"](self._norm(f"h.{index}.ln_2", x)))
            observe(f"h.{index}.mlp.act", up)
            x = x + w["down"](up)
            observe(f"h.{index}", x)
        return self.head(self._norm("ln_f", x)).reshape(batch, n, -1)
