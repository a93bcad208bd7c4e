"""Small models as files: random tensors by the names that people's files have."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

Tensors = dict[str, np.ndarray]


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> Tensors:
    """Random float32 numbers."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def saved(folder: Path, tensors: Tensors, config: Mapping[str, object] | None = None) -> Path:
    """A folder as people download it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, folder / "model.safetensors")
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


def gpt2_shapes(d: int, layers: int, vocabulary: int, positions: int) -> dict[str, tuple[int, ...]]:
    """As linear layers lie, (outputs, inputs)."""
    shapes: dict[str, tuple[int, ...]] = {"wte.weight": (vocabulary, d), "wpe.weight": (positions, d)}
    for at in range(layers):
        sizes = {"attn.c_attn": (3 * d, d), "attn.c_proj": (d, d), "mlp.c_fc": (4 * d, d), "mlp.c_proj": (d, 4 * d)}
        shapes |= {f"h.{at}.{name}.weight": size for name, size in sizes.items()}
        shapes |= {f"h.{at}.{name}.bias": size[:1] for name, size in sizes.items()}
        shapes |= {f"h.{at}.{norm}.{word}": (d,) for norm in ("ln_1", "ln_2") for word in ("weight", "bias")}
    return shapes | {"ln_f.weight": (d,), "ln_f.bias": (d,)}


def llama_shapes(d: int, ffn: int, queries: int, keys: int, layers: int, vocabulary: int) -> dict[str, tuple[int, ...]]:
    """queries, keys: values of all heads."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocabulary, d), "model.norm.weight": (d,)}
    sizes = {
        "self_attn.q_proj": (queries, d),
        "self_attn.k_proj": (keys, d),
        "self_attn.v_proj": (keys, d),
        "self_attn.o_proj": (d, queries),
        "mlp.gate_proj": (ffn, d),
        "mlp.up_proj": (ffn, d),
        "mlp.down_proj": (d, ffn),
        "input_layernorm": (d,),
        "post_attention_layernorm": (d,),
    }
    return shapes | {f"model.layers.{at}.{name}.weight": size for at in range(layers) for name, size in sizes.items()}


def encoder_shapes(d: int, ffn: int, parts: Mapping[str, str], layers: int) -> dict[str, tuple[int, ...]]:
    """Layers of BERT and ViT. parts: names of query, norm 1 and norm 2 in a layer."""
    shapes: dict[str, tuple[int, ...]] = {}
    for at in range(layers):
        query = f"encoder.layer.{at}.{parts['query']}"
        names = [query, query.replace("query", "key"), query.replace("query", "value")]
        sizes = dict.fromkeys(names, (d, d)) | {
            f"encoder.layer.{at}.attention.output.dense": (d, d),
            f"encoder.layer.{at}.intermediate.dense": (ffn, d),
            f"encoder.layer.{at}.output.dense": (d, ffn),
        }
        shapes |= {f"{name}.weight": size for name, size in sizes.items()}
        shapes |= {f"{name}.bias": size[:1] for name, size in sizes.items()}
        norms = [
            f"encoder.layer.{at}.{parts[norm]}.{word}" for norm in ("norm 1", "norm 2") for word in ("weight", "bias")
        ]
        shapes |= dict.fromkeys(norms, (d,))
    return shapes
