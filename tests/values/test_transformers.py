"""Presets of transformers on random weights against plain numpy."""

from typing import Any

import numpy as np
import pytest

from archsim.graph.graph import Graph
from archsim.graph.load import build
from archsim.machine.source import parse
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.session import generate
from tests.values.plain_transformer import Plain

SIZES = {"layers": 2, "hidden": 24, "heads": 4, "ffn": 40, "vocabulary": 31, "positions": 32}
LLAMA = {"gated": True, "activation": "silu", "norm": "rmsnorm", "rotary": True, "bias": False, "kv_heads": 2}
DECODERS: dict[str, dict[str, Any]] = {
    "gpt2": {"activation": "gelu_tanh"},
    "llama": {**LLAMA, "rotary_form": "neighbours", "rotary_base": 500},
    "mistral": {**LLAMA, "window": 3},
    "mixtral": {**LLAMA, "experts": 4, "experts_per_token": 2, "tied": False},
    "gpt-j": {
        "parallel": True, "shared_norm": True, "rotary": True, "rotary_values": 4, "rotary_form": "neighbours",
        "qkv_bias": False, "output_bias": False, "head_bias": True, "tied": False,
    },
    "gpt-neox": {"parallel": True, "rotary": True, "rotary_values": 2, "tied": False},
    "bloom": {"score_bias": True, "embedding_norm": True},
    "opt": {"activation": "relu", "position_rows": 34, "first_position": 2},
    "gemma-2": {
        **LLAMA, "post_norms": True, "window": 4, "full_every": 2, "full_offset": 1, "head_dim": 8,
        "activation": "gelu_tanh", "embedding_scale": 4.9, "score_scale": 0.3, "score_cap": 2.0,
    },
}  # fmt: skip
T5 = {
    "architecture": "encoder-decoder", "norm": "rmsnorm", "norm_first": True, "bias": False, "score_bias": True,
    "buckets": 8, "activation": "relu", "score_scale": 1, "epsilon": 1e-6, "decoder_layers": 3,
}  # fmt: skip
BART = {"architecture": "encoder-decoder", "position_rows": 34, "first_position": 2}
WHISPER = {"architecture": "encoder-decoder", "audio": {"mels": 5, "positions": 6}, "norm_first": True,
           "key_bias": False}  # fmt: skip


def graph_of(**keys: Any) -> Graph:  # noqa: ANN401 - as a file has them
    lines = [f"{key}: {str(value).lower() if isinstance(value, bool) else value}" for key, value in keys.items()]
    text = "\n".join(lines).replace("'", "")
    return build(parse(f"schema: archsim.model/1\nname: tiny\n{text}\n", "tiny.yaml"))


def weights_of(graph: Graph) -> dict[str, Any]:
    draw = np.random.default_rng(7)
    found = {}
    for name, weight in graph.weights.items():
        if weight.tied is None:
            middle = 1.0 if name.endswith("scale") else 0.0
            found[name] = (middle + 0.3 * draw.standard_normal(weight.shape)).astype(np.float32)
    return found


def close(made: Any, expected: Any) -> None:  # noqa: ANN401 - arrays
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("name", DECODERS)
def test_decoders(name: str) -> None:
    keys = {"architecture": "decoder", **SIZES, **DECODERS[name]}
    graph = graph_of(**keys)
    weights = weights_of(graph)
    ids = np.random.default_rng(1).integers(0, 31, (2, 9))
    executor = Executor(graph, weights, FloatArithmetic())
    logits = executor.run({"tokens": ids}, everywhere=True)["head/logits"]
    plain = Plain(keys, weights)
    for row, made in zip(ids, logits, strict=True):
        x = plain.embedded("embedding", row)
        x = plain.norm("embeddings/norm", x) if "embedding_norm" in keys else x
        close(made, plain.head(plain.stack("layer", 2, x, causal=True)))
    made = generate(executor, {"tokens": ids}, 6)
    assert (made == generate(executor, {"tokens": ids}, 6, cached=False)).all()


def test_an_encoder_with_a_pooler_and_classes() -> None:
    keys = {"architecture": "encoder", **SIZES, "segments": 2, "pooler": True, "classes": 3, "epsilon": 1e-12}
    graph = graph_of(**keys)
    weights = weights_of(graph)
    ids = np.random.default_rng(2).integers(0, 31, (2, 7))
    made = Executor(graph, weights, FloatArithmetic()).run({"tokens": ids})
    plain = Plain(keys, weights)
    for at, row in enumerate(ids):
        x = plain.norm("embeddings/norm", plain.embedded("embedding", row))
        x = plain.stack("layer", 2, x, causal=False)
        close(made[graph.outputs[0]][at], x)
        pooled = np.tanh(plain.linear("pooler/dense", x[:1]))
        close(made[graph.outputs[-1]][at], plain.linear("classifier/classes", pooled))


def test_a_picture_in_patches() -> None:
    """8 x 8 pixels in squares of 4 are four patches; a class token stands before them."""
    keys = {"architecture": "encoder", "layers": 2, "hidden": 24, "heads": 4, "ffn": 40, "norm_first": True,
            "image": "{size: 8, patch: 4, channels: 2}", "classes": 3}  # fmt: skip
    graph = graph_of(**keys)
    weights = weights_of(graph)
    pictures = np.random.default_rng(3).standard_normal((2, 2, 8, 8)).astype(np.float32)
    made = Executor(graph, weights, FloatArithmetic()).run({"image": pictures})[graph.outputs[-1]]
    plain = Plain(keys, weights)
    for row, logits in zip(pictures, made, strict=True):
        patches = [row[:, y : y + 4, x : x + 4].reshape(-1) for y in (0, 4) for x in (0, 4)]
        cut = plain.linear("embeddings/patches", np.array(patches, np.float64))
        x = np.concatenate([plain.weights["embeddings/first tokens"], cut])
        x = plain.stack("layer", 2, x + plain.weights["embeddings/embedding.positions"], causal=False)
        close(logits, plain.linear("classifier/classes", plain.norm("end/norm", x)[:1]))


def decoded(plain: Plain, memory: Any, ids: Any, table: str, norms: bool) -> Any:  # noqa: ANN401, FBT001 - arrays
    x = plain.embedded("target embedding", ids, table)
    x = plain.norm("embeddings/target norm", x) if norms else x
    layers = plain.preset.get("decoder_layers", plain.preset["layers"])
    return plain.head(plain.stack("decoder", layers, x, causal=True, memory=memory), table)


@pytest.mark.parametrize(("keys", "norms"), [(T5, False), (BART, True)])
def test_encoder_decoders(keys: dict[str, Any], norms: bool) -> None:  # noqa: FBT001 - of post-norm models
    keys = {**SIZES, **keys}
    graph = graph_of(**keys)
    weights = weights_of(graph)
    draw = np.random.default_rng(4)
    source, target = draw.integers(0, 31, (2, 8)), draw.integers(0, 31, (2, 5))
    names = [each.name for each in graph.inputs]
    inputs = dict(zip(names, (source, target), strict=True))
    executor = Executor(graph, weights, FloatArithmetic())
    logits = executor.run(inputs, everywhere=True)["head/logits"]
    plain, table = Plain(keys, weights), "embeddings/embedding.tokens"
    for at in range(2):
        x = plain.embedded("embedding", source[at])
        x = plain.norm("embeddings/norm", x) if norms else x
        memory = plain.stack("encoder", 2, x, causal=False)
        memory = memory if norms else plain.norm("encoder end/norm", memory)
        close(logits[at], decoded(plain, memory, target[at], table, norms))
    begin = {names[0]: source, names[1]: target[:, :1]}
    made = generate(executor, begin, 6)
    assert (made == generate(executor, begin, 6, cached=False)).all()


def test_speech_to_text() -> None:
    """Frames [12, 5]: a convolution of width 3, one of stride 2, then as BART with norms first."""
    sizes = {**SIZES, **WHISPER}
    graph = graph_of(**{**sizes, "audio": "{mels: 5, positions: 6}"})
    weights = weights_of(graph)
    for name in weights:  # keys have no bias
        if name.endswith("/qkv.bias"):
            weights[name][24:48] = 0
        if name.endswith("/cross keys and values.bias"):
            weights[name][:24] = 0
    draw = np.random.default_rng(5)
    frames, ids = draw.standard_normal((1, 12, 5)).astype(np.float32), draw.integers(0, 31, (1, 4))
    names = [each.name for each in graph.inputs]
    inputs: dict[str, Any] = dict(zip(names, (frames, ids), strict=True))
    logits = Executor(graph, weights, FloatArithmetic()).run(inputs, everywhere=True)["head/logits"]
    plain = Plain({**sizes}, weights)
    x = frames[0].astype(np.float64)
    for key, stride in (("conv 1", 1), ("conv 2", 2)):
        weight, padded = plain.weights[f"embeddings/{key}.weight"], np.pad(x, ((1, 1), (0, 0)))
        rows = [np.einsum("ki,oik->o", padded[at : at + 3], weight) for at in range(0, len(x), stride)]
        x = plain.activation(np.array(rows) + plain.weights[f"embeddings/{key}.bias"])
    x = plain.stack("encoder", 2, x + plain.weights["embeddings/embedding.positions"], causal=False)
    memory = plain.norm("encoder end/norm", x)
    close(logits[0], decoded(plain, memory, ids[0], "embeddings/target embedding.tokens", norms=False))
