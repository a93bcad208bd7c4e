"""Weights of each family by the Graph's names: what stands in the file, joined, turned and shifted as it has to be."""

from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.values.network_weights import network_arrays
from archsim.values.opened import open_model
from tests.values.model_files import Tensors, drawn, encoder_shapes, gpt2_shapes, llama_shapes, saved

GPT2 = {"model_type": "gpt2", "n_layer": 2, "n_embd": 8, "n_head": 2, "vocab_size": 11, "n_positions": 5}
LLAMA = {
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 11,
    "max_position_embeddings": 16,
}
ENCODER = {
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "hidden_act": "gelu",
}
QKV = [f"model.layers.1.self_attn.{name}_proj" for name in "qkv"]


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.dtype == np.float32 and found.shape == expected.shape and bool((found == expected).all())


def llama(tensors: Tensors, name: str) -> np.ndarray:
    return tensors[f"model.layers.1.{name}.weight"]


@pytest.mark.parametrize("prefix", ["", "transformer."])
@pytest.mark.parametrize("flipped", [False, True])
def test_gpt2(tmp_path: Path, prefix: str, flipped: bool) -> None:  # noqa: FBT001
    """Its own files have projections as (inputs, outputs); some have them as linear layers. A mask is no weight."""
    tensors = drawn(gpt2_shapes(8, 2, 11, 5))
    stored = {
        f"{prefix}{name}": value.T if flipped and value.ndim == 2 and name.startswith("h.") else value
        for name, value in tensors.items()
    } | {f"{prefix}h.0.attn.bias": np.ones((1, 1, 5, 5), np.float32)}
    arrays = open_model(saved(tmp_path / "m", stored, GPT2)).arrays
    expected = {
        "embeddings/embedding.tokens": "wte.weight",
        "embeddings/embedding.positions": "wpe.weight",
        "layer 1/attention norm.scale": "h.1.ln_1.weight",
        "layer 1/attention norm.shift": "h.1.ln_1.bias",
        "layer 1/qkv.weight": "h.1.attn.c_attn.weight",
        "layer 1/qkv.bias": "h.1.attn.c_attn.bias",
        "layer 1/attention output.weight": "h.1.attn.c_proj.weight",
        "layer 1/ffn norm.scale": "h.1.ln_2.weight",
        "layer 1/ffn up.weight": "h.1.mlp.c_fc.weight",
        "layer 0/ffn down.weight": "h.0.mlp.c_proj.weight",
        "head/norm.shift": "ln_f.bias",
        "head/logits.weight": "wte.weight",
    }
    for ours, theirs in expected.items():
        assert same(arrays[ours], tensors[theirs]), ours


def test_a_head_of_its_own_counts_where_the_config_says_nothing(tmp_path: Path) -> None:
    tensors = drawn(gpt2_shapes(8, 2, 11, 5) | {"lm_head.weight": (11, 8)})
    free = open_model(saved(tmp_path / "free", tensors, GPT2))
    assert same(free.arrays["head/logits.weight"], tensors["lm_head.weight"])
    tied = open_model(saved(tmp_path / "tied", tensors, GPT2 | {"tie_word_embeddings": True}))
    assert same(tied.arrays["head/logits.weight"], tensors["wte.weight"])
    assert free.graph.parameters - tied.graph.parameters == 88


def test_gpt2_without_a_config(tmp_path: Path) -> None:
    """Sizes by shapes; heads of 64, or as many as a file says that says no more."""
    tensors = drawn(gpt2_shapes(128, 1, 7, 3))
    folder = saved(tmp_path / "m", tensors)
    opened = open_model(folder / "model.safetensors")
    assert (opened.name, opened.vocabulary, opened.positions) == ("model.safetensors", 7, 3)
    assert opened.graph.by_key["layer 0/scores"].heads == 2  # type: ignore[attr-defined]
    (folder / "config.json").write_text('{"n_head": 4}')
    assert open_model(folder).graph.by_key["layer 0/scores"].heads == 4  # type: ignore[attr-defined]
    (folder / "config.json").write_text('{"n_head": "x"}')
    with pytest.raises(ArchsimError, match=r"config.json:1:12  heads: found 'x'"):
        open_model(folder)


@pytest.mark.parametrize("kind", ["llama", "mistral", "qwen2", "qwen3", "gemma", "phi3"])
def test_the_llama_family(tmp_path: Path, kind: str) -> None:
    """Queries, keys and values are one; gemma's norms are stored less 1; phi3's projections are stored joined."""
    tensors = drawn(llama_shapes(8, 12, 8, 4, 2, 11))
    config: dict[str, object] = {"model_type": kind, **LLAMA, "head_dim": 2}
    stored = dict(tensors)
    if kind == "qwen2":
        tensors |= drawn({f"{name}.bias": tensors[f"{name}.weight"].shape[:1] for name in QKV}, 1)
        tensors |= {name.replace("layers.1", "layers.0"): value for name, value in tensors.items() if "bias" in name}
        stored = dict(tensors)
    if kind == "qwen3":
        norms = {f"model.layers.{at}.self_attn.{name}_norm.weight": (2,) for at in (0, 1) for name in "qk"}
        tensors |= drawn(norms, 2)
        stored = dict(tensors)
    if kind == "phi3":
        for at in (0, 1):
            layer = f"model.layers.{at}"
            parts = [stored.pop(f"{layer}.self_attn.{name}_proj.weight") for name in "qkv"]
            both = [stored.pop(f"{layer}.mlp.{name}_proj.weight") for name in ("gate", "up")]
            stored[f"{layer}.self_attn.qkv_proj.weight"] = np.concatenate(parts)
            stored[f"{layer}.mlp.gate_up_proj.weight"] = np.concatenate(both)
    arrays = open_model(saved(tmp_path / "m", stored, config)).arrays
    plus = np.float32(kind == "gemma")
    expected = {
        "embeddings/embedding.tokens": tensors["model.embed_tokens.weight"],
        "layer 1/attention norm.scale": llama(tensors, "input_layernorm") + plus,
        "layer 1/qkv.weight": np.concatenate([tensors[f"{name}.weight"] for name in QKV]),
        "layer 1/attention output.weight": llama(tensors, "self_attn.o_proj"),
        "layer 1/ffn norm.scale": llama(tensors, "post_attention_layernorm") + plus,
        "layer 1/ffn gate.weight": llama(tensors, "mlp.gate_proj"),
        "layer 1/ffn up.weight": llama(tensors, "mlp.up_proj"),
        "layer 1/ffn down.weight": llama(tensors, "mlp.down_proj"),
        "head/norm.scale": tensors["model.norm.weight"] + plus,
        "head/logits.weight": tensors["model.embed_tokens.weight"],
    }
    if kind == "qwen2":
        expected["layer 1/qkv.bias"] = np.concatenate([tensors[f"{name}.bias"] for name in QKV])
    if kind == "qwen3":
        query, key = (llama(tensors, f"self_attn.{name}_norm") for name in "qk")
        expected["layer 1/qk norm.scale"] = np.stack([query] * 4 + [key] * 2)
    assert {name for name in arrays if name.startswith(("layer 1", "head", "emb"))} == set(expected)
    for name, values in expected.items():
        assert same(arrays[name], values), name


@pytest.mark.parametrize("kind", ["bert", "roberta"])
@pytest.mark.parametrize("prefixed", [False, True])
def test_bert(tmp_path: Path, kind: str, prefixed: bool) -> None:  # noqa: FBT001
    """A file without a pooler has a Graph without one."""
    parts = {"query": "attention.self.query", "norm 1": "attention.output.LayerNorm", "norm 2": "output.LayerNorm"}
    shapes = encoder_shapes(8, 12, parts, 2) | {
        "embeddings.word_embeddings.weight": (11, 8),
        "embeddings.position_embeddings.weight": (7, 8),
        "embeddings.token_type_embeddings.weight": (2, 8),
        "embeddings.LayerNorm.weight": (8,),
        "embeddings.LayerNorm.bias": (8,),
    }
    tensors = drawn(shapes)
    config = {"model_type": kind, **ENCODER, "vocab_size": 11, "max_position_embeddings": 7, "type_vocab_size": 2}
    prefix = f"{kind}." if prefixed else ""
    opened = open_model(saved(tmp_path / "m", {prefix + name: x for name, x in tensors.items()}, config))
    assert opened.positions == (7 if kind == "bert" else 5)  # RoBERTa's first two rows are of no position
    assert opened.graph.outputs == ("layer 1/ffn norm",)
    layer = "encoder.layer.1."
    qkv = [f"{layer}attention.self.{name}" for name in ("query", "key", "value")]
    expected = {
        "embeddings/embedding.tokens": tensors["embeddings.word_embeddings.weight"],
        "embeddings/embedding.positions": tensors["embeddings.position_embeddings.weight"],
        "embeddings/embedding.segments": tensors["embeddings.token_type_embeddings.weight"],
        "embeddings/norm.shift": tensors["embeddings.LayerNorm.bias"],
        "layer 1/qkv.weight": np.concatenate([tensors[f"{name}.weight"] for name in qkv]),
        "layer 1/qkv.bias": np.concatenate([tensors[f"{name}.bias"] for name in qkv]),
        "layer 1/attention output.bias": tensors[f"{layer}attention.output.dense.bias"],
        "layer 1/attention norm.scale": tensors[f"{layer}attention.output.LayerNorm.weight"],
        "layer 1/ffn up.weight": tensors[f"{layer}intermediate.dense.weight"],
        "layer 1/ffn down.weight": tensors[f"{layer}output.dense.weight"],
        "layer 1/ffn norm.shift": tensors[f"{layer}output.LayerNorm.bias"],
    }
    for name, values in expected.items():
        assert same(opened.arrays[name], values), name


def test_vit(tmp_path: Path) -> None:
    """Pictures of 4 x 4 in patches of 2 x 2: four, and the class token."""
    parts = {"query": "attention.attention.query", "norm 1": "layernorm_before", "norm 2": "layernorm_after"}
    shapes = encoder_shapes(8, 12, parts, 2) | {
        "embeddings.cls_token": (1, 1, 8),
        "embeddings.position_embeddings": (1, 5, 8),
        "embeddings.patch_embeddings.projection.weight": (8, 3, 2, 2),
        "embeddings.patch_embeddings.projection.bias": (8,),
        "layernorm.weight": (8,),
        "layernorm.bias": (8,),
    }
    tensors = {f"vit.{name}": x for name, x in drawn(shapes).items()}
    tensors |= drawn({"classifier.weight": (3, 8), "classifier.bias": (3,)}, 1)
    config = {"model_type": "vit", **ENCODER, "image_size": 4, "patch_size": 2, "num_labels": 3}
    arrays = open_model(
        saved(tmp_path / "m", tensors, config | {"architectures": ["ViTForImageClassification"]})
    ).arrays
    layer = "vit.encoder.layer.1."
    expected = {
        "embeddings/first tokens": tensors["vit.embeddings.cls_token"][0],
        "embeddings/embedding.positions": tensors["vit.embeddings.position_embeddings"][0],
        "embeddings/patches.weight": tensors["vit.embeddings.patch_embeddings.projection.weight"].reshape(8, 12),
        "layer 1/attention norm.scale": tensors[f"{layer}layernorm_before.weight"],
        "layer 1/ffn norm.shift": tensors[f"{layer}layernorm_after.bias"],
        "layer 1/attention output.weight": tensors[f"{layer}attention.output.dense.weight"],
        "end/norm.scale": tensors["vit.layernorm.weight"],
        "classifier/classes.weight": tensors["classifier.weight"],
    }
    for name, values in expected.items():
        assert same(arrays[name], values), name


def test_what_does_not_fit_is_said_with_names_and_shapes(tmp_path: Path) -> None:
    tensors = drawn(gpt2_shapes(8, 2, 11, 5))
    file = tmp_path / "m" / "model.safetensors"
    rest = {name: value for name, value in tensors.items() if name != "h.1.ln_2.bias"}
    with pytest.raises(ArchsimError, match=r"model.safetensors: has no weights 'h.1.ln_2.bias'. Did you mean"):
        open_model(saved(file.parent, rest, GPT2))
    shape = r"wpe.weight has the shape \[5, 8\]; expected \[6, 8\] for 'embeddings/embedding.positions' of m"
    with pytest.raises(ArchsimError, match=shape):
        open_model(saved(file.parent, tensors, GPT2 | {"n_positions": 6}))
    with pytest.raises(ArchsimError, match="found 2 layers; expected 1, as m has"):
        open_model(saved(file.parent, tensors, GPT2 | {"n_layer": 1}))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"model_type": "xlnet", **ENCODER},
            "weights of model_type 'xlnet' are not read. Known: .*whisper, xlm-roberta",
        ),
        (
            {**GPT2, "scale_attn_by_inverse_layer_idx": True},
            "scale_attn_by_inverse_layer_idx: found 'true'; expected 'false', as nothing else is executed",
        ),
        (
            {"model_type": "llama", **LLAMA, "rope_scaling": {"rope_type": "ntk", "factor": 4}},
            "found rotary positions that are scaled by the rule 'ntk'; expected one of default, linear, dynamic,",
        ),
        (None, "needs its sizes; found no config.json of its model beside it"),
    ],
)
def test_configurations_whose_values_are_not_known(tmp_path: Path, config: dict[str, object] | None, said: str) -> None:
    with pytest.raises(ArchsimError, match=said):
        open_model(saved(tmp_path, drawn(llama_shapes(8, 12, 8, 4, 2, 11)), config))


def test_full_layers(tmp_path: Path) -> None:
    shapes = {"1": (300, 784), "2": (100, 300), "3": (10, 100)}
    tensors = drawn(
        {f"{key}.weight": size for key, size in shapes.items()}
        | {f"{key}.bias": size[:1] for key, size in shapes.items()}
    )
    file = saved(tmp_path, tensors) / "model.safetensors"
    arrays = network_arrays(file, load_model("mlp-mnist"))
    assert same(arrays["2 linear/product.weight"], tensors["2.weight"])
    assert same(arrays["3 linear/product.bias"], tensors["3.bias"])
    with pytest.raises(ArchsimError, match=r"found 1 linear/product.weight, expected 1 conv/product.weight"):
        network_arrays(file, load_model("resnet-20"))


def test_batch_norms_are_folded(data_dir: Path) -> None:
    """w x g / sqrt(v + 1e-5), and b - m x g / sqrt(v + 1e-5), in float64."""
    from safetensors.numpy import load_file

    path = data_dir / "cifar10" / "resnet20.safetensors"
    tensors = {name: value.astype(np.float64) for name, value in load_file(path).items()}
    arrays = network_arrays(path, load_model("resnet-20"))
    assert len(arrays) == 40
    at = "layer2.0"  # the eighth convolution, after 1 + 2 x 3
    scale = tensors[f"{at}.bn1.weight"] / np.sqrt(tensors[f"{at}.bn1.running_var"] + 1e-5)
    weight = tensors[f"{at}.conv1.weight"] * scale[:, None, None, None]
    bias = tensors[f"{at}.bn1.bias"] - tensors[f"{at}.bn1.running_mean"] * scale
    assert np.allclose(arrays["8 conv/product.weight"], weight, rtol=1e-6, atol=1e-7)
    assert np.allclose(arrays["8 conv/product.bias"], bias, rtol=1e-5, atol=1e-6)
    assert same(arrays["20 linear/product.weight"], tensors["linear.weight"].astype(np.float32))
