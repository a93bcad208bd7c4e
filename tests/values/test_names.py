"""Products are named as the Graph names its projections."""

from pathlib import Path

import numpy as np

from archsim.graph import load_model
from archsim.graph.operators import Linear
from archsim.values.arithmetic import FloatArithmetic, Product, Values
from archsim.values.bert import Bert
from archsim.values.gpt2 import Gpt2
from archsim.values.llama import Llama, LlamaConfig, LlamaWeights
from archsim.values.weights import Named


class Names(FloatArithmetic):
    """Writes down what is asked for."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        self.found.append(key)
        return super().linear(key, weight, bias)


def projections(model: str) -> list[str]:
    """The keys of a preset's first two layers and its head."""
    keys = [operator.key for operator in load_model(model).operators if isinstance(operator, Linear)]
    return [key for key in keys if key.startswith(("layer 0/", "layer 1/", "head/"))]


def zeros(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {name.replace("__", "."): np.zeros(shape, np.float32) for name, shape in shapes.items()}


def test_gpt2() -> None:
    weights = zeros(wte__weight=(5, 4), wpe__weight=(3, 4))
    for at in ("h.0", "h.1"):
        weights |= {f"{at}.ln_1.weight": np.zeros(4, np.float32)}
        for name, out in (("attn.c_attn", (4, 12)), ("attn.c_proj", (4, 4)), ("mlp.c_fc", (4, 16))):
            weights |= {f"{at}.{name}.weight": np.zeros(out, np.float32), f"{at}.{name}.bias": np.zeros(out[1], "f4")}
        weights |= {f"{at}.mlp.c_proj.weight": np.zeros((16, 4), "f4"), f"{at}.mlp.c_proj.bias": np.zeros(4, "f4")}
    names = Names()
    Gpt2(Named(Path("m"), weights), 2, names)
    assert names.found == projections("gpt2")


def test_bert() -> None:
    weights = zeros(
        embeddings__word_embeddings__weight=(5, 4),
        embeddings__position_embeddings__weight=(3, 4),
        embeddings__token_type_embeddings__weight=(2, 4),
    )
    for at in ("encoder.layer.0", "encoder.layer.1"):
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            weights |= {f"{at}.{name}.weight": np.zeros((4, 4), "f4"), f"{at}.{name}.bias": np.zeros(4, "f4")}
        for name, (out, into) in (("intermediate.dense", (8, 4)), ("output.dense", (4, 8))):
            weights |= {f"{at}.{name}.weight": np.zeros((out, into), "f4"), f"{at}.{name}.bias": np.zeros(out, "f4")}
    names = Names()
    Bert(Named(Path("m"), weights), 2, names)
    assert names.found == projections("bert-base")


def test_llama() -> None:
    d, h, n, v = 4, 8, 2, 5
    square, wide = np.zeros((n, d, d), np.float32), np.zeros((n, h, d), np.float32)
    table, norms = np.zeros((v, d), np.float32), np.zeros((n, d), np.float32)
    weights = LlamaWeights(
        embedding=table,
        attention_norm=norms,
        q=square,
        k=square,
        v=square,
        o=square,
        ffn_norm=norms,
        gate=wide,
        up=wide,
        down=np.zeros((n, d, h), np.float32),
        norm=norms[0],
        head=table,
    )
    names = Names()
    Llama(LlamaConfig(d, h, n, 2, 2, v, 3), weights, names)
    assert names.found == projections("llama-3.2-1b")
