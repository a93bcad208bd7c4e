"""Keys of Hugging Face configurations that change a model's layers, its head, or which of several models is read."""

import json
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.graph import Graph
from archsim.graph.hf.known import FAMILIES
from archsim.graph.job import Job

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "intermediate_size": 24,
    "vocab_size": 50,
    "max_position_embeddings": 32,
}
BERT = {
    "model_type": "bert",
    **{key: value for key, value in SIZES.items() if key not in ("num_key_value_heads", "head_dim")},
    "type_vocab_size": 2,
}
SLIDING, FULL = "sliding_attention", "full_attention"


def loaded(folder: Path, config: dict[str, object]) -> Graph:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return load_model(path)


def case(cases_dir: Path, name: str) -> Graph:
    return load_model(cases_dir / "hf" / f"{name}.json")


def windows(graph: Graph) -> list[int | None]:
    """Positions that each layer sees at most."""
    return [operator.span for key, operator in graph.by_key.items() if key.endswith("/scores")]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("bloom-560m", 559_214_592), ("opt-350m", 331_196_416), ("llama-seqcls", 7_504_932_864)],
)
def test_cases_have_their_parameters(cases_dir: Path, name: str, parameters: int) -> None:
    assert case(cases_dir, name).parameters == parameters


def test_a_pattern_of_two_has_its_operations(cases_dir: Path) -> None:
    """Products of 100 positions; layers 0 and 2 see 8 positions, 1 and 3 all; logits of the last position.

    A layer's weights: 64 x 96 + 64 x 64 + 3 x 64 x 128 = 34,816. Pairs of positions: 28 + 93 x 8 = 772, and 5,050.
    """
    layers = 4 * 100 * 34_816 + 2 * (772 + 5_050) * 2 * 64
    assert 2 * (layers + 64 * 100) == 30_846_464
    assert 2 * Job(seq=100).macs(case(cases_dir, "gemma3-tiny-pattern2")) == 30_846_464


def test_windows_begin_after_max_window_layers(cases_dir: Path) -> None:
    assert windows(case(cases_dir, "qwen2-window")) == [None] * 12 + [1024] * 12


def test_the_text_model_of_several_is_read_and_said(cases_dir: Path) -> None:
    """Its text_config leaves out what its class has. Heads of 256; norms of 2,560 four times, and of heads two."""
    graph = case(cases_dir, "gemma-3-4b")
    layer = 2560 * (8 + 2 * 4) * 256 + 8 * 256 * 2560 + 3 * 2560 * 10_240 + 4 * 2560 + 2 * 256
    assert graph.parameters == 262_208 * 2560 + 34 * layer + 2560
    assert windows(graph)[:7] == [1024] * 5 + [None, 1024]
    assert "the text model (gemma3_text) of a gemma3; vision_config is left out" in graph.notes


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "mistral"}, [4096] * 4),
        ({"model_type": "mistral", "sliding_window": None}, [None] * 4),
        ({"model_type": "mistral", "sliding_window": 8}, [8] * 4),
        (
            {"model_type": "mistral", "sliding_window": 8, "layer_types": [FULL, SLIDING, SLIDING, FULL]},
            [None, 8, 8, None],
        ),
        ({"model_type": "qwen2", "sliding_window": 8}, [None] * 4),
        ({"model_type": "qwen2", "sliding_window": 8, "use_sliding_window": False, "max_window_layers": 1}, [None] * 4),
        (
            {"model_type": "qwen3", "sliding_window": 8, "use_sliding_window": True, "max_window_layers": 3},
            [None] * 3 + [8],
        ),
        ({"model_type": "qwen2", "sliding_window": 8, "use_sliding_window": True, "max_window_layers": 9}, [None] * 4),
        ({"model_type": "gemma2", "sliding_window": 8}, [8, None, 8, None]),
        ({"model_type": "gemma3_text", "sliding_window": 8}, [8] * 4),
        ({"model_type": "gemma3_text", "sliding_window": 8, "sliding_window_pattern": 3}, [8, 8, None, 8]),
        ({"model_type": "gemma3_text", "sliding_window": 8, "_sliding_window_pattern": 2}, [8, None, 8, None]),
        ({"model_type": "gemma3_text", "sliding_window": 8, "layer_types": [FULL] * 4}, [None] * 4),
        ({"model_type": "gpt_neo", "window_size": 8}, [None, 8, None, 8]),
        (
            {"model_type": "gpt_neo", "window_size": 8, "attention_types": [[["local", "global"], 2]]},
            [8, None, 8, None],
        ),
        ({"model_type": "gpt_neo", "window_size": 8, "attention_types": [[["global"], 4]]}, [None] * 4),
        ({"model_type": "phi3", "sliding_window": 8}, [8] * 4),
    ],
)
def test_windows_by_layer(tmp_path: Path, config: dict[str, object], expected: list[int | None]) -> None:
    assert windows(loaded(tmp_path, {**SIZES, **config})) == expected


LLAMA_HEAD, GPT2_HEAD = 50 * 16, 0
"""A table that is not tied; one that is."""


@pytest.mark.parametrize(
    ("config", "more"),
    [
        ({"model_type": "llama"}, LLAMA_HEAD),
        ({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}, LLAMA_HEAD),
        ({"model_type": "llama", "architectures": ["LlavaLlamaForCausalLM"]}, LLAMA_HEAD),
        ({"model_type": "llama", "architectures": ["LlamaModel"]}, 0),
        ({"model_type": "llama", "architectures": ["LlamaForSequenceClassification"]}, 16 * 2),
        ({"model_type": "llama", "architectures": ["LlamaForSequenceClassification"], "num_labels": 5}, 16 * 5),
        (
            {
                "model_type": "llama",
                "architectures": ["LlamaForSequenceClassification"],
                "id2label": {"0": "a", "1": "b", "2": "c"},
            },
            16 * 3,
        ),
        ({"model_type": "llama", "architectures": ["LlamaForTokenClassification"], "num_labels": 5}, 16 * 5 + 5),
        ({"model_type": "llama", "architectures": ["LlamaForQuestionAnswering"], "num_labels": 5}, 16 * 2 + 2),
    ],
)
def test_heads_of_decoders(tmp_path: Path, config: dict[str, object], more: int) -> None:
    """Beyond the table, the last norm and the layers."""
    layer = 16 * (4 + 2 * 2) * 4 + 16 * 16 + 3 * 16 * 24 + 2 * 16
    assert loaded(tmp_path, {**SIZES, **config}).parameters == 50 * 16 + 4 * layer + 16 + more


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("BertModel", 16 * 16 + 16),
        ("BertForMaskedLM", 16 * 16 + 16 + 2 * 16 + 50),
        ("BertForSequenceClassification", 16 * 16 + 16 + 3 * 16 + 3),
        ("BertForMultipleChoice", 16 * 16 + 16 + 16 + 1),
        ("BertForNextSentencePrediction", 16 * 16 + 16 + 2 * 16 + 2),
        ("BertForPreTraining", 2 * (16 * 16 + 16) + 2 * 16 + 50 + 2 * 16 + 2),
        ("BertForTokenClassification", 3 * 16 + 3),
        ("BertForQuestionAnswering", 2 * 16 + 2),
    ],
)
def test_heads_of_encoders(tmp_path: Path, name: str, more: int) -> None:
    layer = 4 * (16 * 16 + 16) + 16 * 24 + 24 + 24 * 16 + 16 + 4 * 16
    graph = loaded(tmp_path, {**BERT, "architectures": [name], "num_labels": 3})
    assert graph.parameters == (50 + 32 + 2) * 16 + 2 * 16 + 4 * layer + more


def test_a_model_without_a_head_has_no_tokens_to_feed_back(tmp_path: Path) -> None:
    graph = loaded(tmp_path, {"model_type": "llama", **SIZES, "architectures": ["LlamaModel"]})
    assert graph.feedback is None
    assert graph.outputs == ("head/norm",)


def test_stored_bits_are_said(tmp_path: Path) -> None:
    for given, bits in (
        ({"quant_method": "gptq", "bits": 3}, "3 bits (gptq)"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "4 bits (bitsandbytes)"),
        ({"quant_method": "fp8"}, "8 bits (fp8)"),
        (
            {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 4}}}},
            "4 bits (compressed-tensors)",
        ),
        ({"quant_method": "quark"}, "bits that the config does not say (quark)"),
    ):
        graph = loaded(tmp_path, {"model_type": "llama", **SIZES, "quantization_config": given})
        assert any(f"weights are stored in {bits}" in note for note in graph.notes)


def test_the_message_for_an_unknown_type_lists_all(tmp_path: Path) -> None:
    with pytest.raises(ArchsimError) as caught:
        loaded(tmp_path, {"model_type": "xlnet", **SIZES})
    assert all(f" {kind}" in str(caught.value) for kind in FAMILIES)
    assert "more" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"model_type": "llama", "architectures": ["LlamaForRegression"]},
            "found 'LlamaForRegression', whose head is not known; expected a class that ends in one of ForCausalLM, ",
        ),
        (
            {"model_type": "bert", "architectures": ["BertLMHeadModel"]},
            "found 'BertLMHeadModel', whose head is not known",
        ),
        (
            {"model_type": "mistral", "sliding_window": 8, "layer_types": [FULL, SLIDING]},
            "layer_types: found 2 layers; expected 4",
        ),
        (
            {"model_type": "mistral", "sliding_window": 8, "layer_types": [FULL, "linear_attention", FULL, FULL]},
            "layer_types: found a layer of type 'linear_attention'; expected full_attention or sliding_attention",
        ),
        (
            {"model_type": "mistral", "sliding_window": None, "layer_types": [SLIDING] * 4},
            "found layers of sliding_attention, and no 'sliding_window'",
        ),
        (
            {"model_type": "bert", "position_embedding_type": "relative_key"},
            "position_embedding_type: found 'relative_key'",
        ),
        ({"model_type": "phi", "qk_layernorm": True}, "qk_layernorm: found 'true'; expected 'false'"),
        (
            {"model_type": "seen", "text_config": {"model_type": "unheard", **SIZES}},
            "found model_type 'seen' with a 'text_config' of model_type 'unheard'. Known: ",
        ),
        (
            {
                "model_type": "phi3",
                "rope_scaling": {"type": "longrope", "short_factor": [1.0], "long_factor": [1.0]},
            },
            "found 1 factors in rotary_scaling; expected 2, one for each pair",
        ),
        (
            {"model_type": "phi3", "rope_scaling": {"type": "longrope", "short_factor": [0, 1]}},
            "found a factor of 0 or less in rotary_scaling; expected more than 0",
        ),
        ({"model_type": "llama", "rope_scaling": {"type": "linear", "factor": -2}}, "found a factor of 0 or less"),
        ({"model_type": "llama", "rope_theta": 1}, "found a rotary base of 1; expected more than 1"),
        (
            {"model_type": "phi", "partial_rotary_factor": 2},
            "found 8 values of a head that are turned; expected at most 4",
        ),
        ({"model_type": "gemma2", "final_logit_softcapping": 0}, "found a cap of 0; expected more than 0"),
        ({"model_type": "gemma2", "query_pre_attn_scalar": 0}, "query_pre_attn_scalar: found '0'; expected a number"),
        (
            {"model_type": "llama", "architectures": ["LlamaForSequenceClassification"], "num_labels": 0},
            "num_labels: found '0'; expected a whole number of at least 1",
        ),
    ],
)
def test_what_is_not_known_is_refused_by_name(tmp_path: Path, config: dict[str, object], message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        loaded(tmp_path, {**SIZES, **config})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


YARN = {"rope_type": "yarn", "factor": 2, "original_max_position_embeddings": 16}
T5_SIZES = {"d_model": 16, "d_kv": 4, "d_ff": 24, "num_layers": 1, "num_heads": 4, "vocab_size": 50}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"rope_scaling": "yarn"}, "3:18  rope_scaling: found 'yarn'; expected a mapping of keys to values"),
        ({"rope_scaling": []}, "3:18  rope_scaling: found a list; expected a mapping of keys to values"),
        ({"rope_parameters": 2}, "3:21  rope_parameters: found '2'; expected a mapping of keys to values"),
        (
            {"rope_parameters": {"full_attention": "x"}},
            "4:21  rope_parameters.full_attention: found 'x'; expected a mapping",
        ),
        (
            {"rope_parameters": {"full_attention": {"factor": "2x"}}},
            "5:14  rope_parameters.full_attention.factor: found '2x'; expected a number such as '0.25'",
        ),
        ({"rope_scaling": {**YARN, "factor": [2]}}, "5:13  rope_scaling.factor: found a list; expected a number such"),
        ({"rope_scaling": {**YARN, "truncate": "no"}}, "7:15  rope_scaling.truncate: found 'no'; expected true or"),
        ({"rope_scaling": {**YARN, "rope_type": ["yarn"]}}, "4:16  rope_scaling.rope_type: found a list; expected one"),
        ({"rope_scaling": {**YARN, "factor": -2}}, "5:13  rotary_scaling.factor: found a factor of 0 or less"),
        ({"rope_scaling": {**YARN, "beta_slow": -1}}, "7:16  rotary_scaling.low: found 0 turns or less"),
        ({"rope_parameters": {"rope_theta": 1}}, "4:17  rotary_base: found a rotary base of 1; expected more than 1"),
        (
            {"model_type": "phi", "rope_parameters": {"partial_rotary_factor": 2}},
            "4:28  rotary_values: found 8 values of a head that are turned; expected at most 4",
        ),
        ({"architectures": "LlamaModel"}, "3:19  architectures: found 'LlamaModel'; expected a list in [ ]"),
        ({"text_config": "llama"}, "3:17  text_config: found 'llama'; expected a mapping"),
        ({"quantization_config": "gptq"}, "3:25  quantization_config: found 'gptq'; expected a mapping"),
        ({"id2label": ["a", "b", "c"]}, "3:14  id2label: found a list; expected a mapping"),
        ({"use_sliding_window": "no"}, "3:24  use_sliding_window: found 'no'; expected true or false"),
        ({"sliding_window_pattern": 2.5}, "3:28  sliding_window_pattern: found '2.5'; expected a whole number"),
        ({"scale_attn_weights": 0}, "3:24  scale_attn_weights: found '0'; expected true or false"),
        ({"layer_types": "full_attention"}, "3:17  layer_types: found 'full_attention'; expected a list"),
        ({"layer_types": []}, "3:17  layer_types: found 0 layers; expected 4"),
        (
            {"model_type": "gpt_neo", "attention_types": [["global", 4]]},
            "3:21  attention_types: found a list; expected lists [[types], times]",
        ),
        ({"model_type": "qwen3_moe", "mlp_only_layers": 0}, "3:21  mlp_only_layers: found '0'; expected a list"),
        ({"model_type": "qwen3_moe", "mlp_only_layers": ["a"]}, "3:21  mlp_only_layers: found 'a'; expected whole"),
        ({"model_type": "deepseek_v3", "first_k_dense_replace": "all"}, "3:27  first_k_dense_replace: found 'all'"),
        ({"model_type": "falcon", "alibi": "yes"}, "3:11  alibi: found 'yes'; expected true or false"),
        ({"model_type": "t5", "feed_forward_proj": "gate-gelu"}, "3:23  feed_forward_proj: found 'gate-gelu'; expec"),
        ({"model_type": "t5", "feed_forward_proj": "gated-gellu"}, "3:23  feed_forward_proj: found 'gated-gellu'"),
        ({"model_type": "gemma2", "final_logit_softcapping": 0}, "3:29  logit_cap: found a cap of 0; expected more"),
    ],
)
def test_a_value_that_is_of_another_kind_has_its_place(tmp_path: Path, config: dict[str, object], message: str) -> None:
    """A reader that took it for absent would read another model. Lines: the type, the changes, then all sizes."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama", **config, **SIZES, **T5_SIZES}, indent=1))
    with pytest.raises(ArchsimError) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}:{message}")


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        (None, ["relu"]),
        ("silu", ["silu"]),
        ("gated-gelu", ["gelu"]),
        ("gated-silu", ["silu"]),
    ],
)
def test_t5_says_its_activation_in_one_word(tmp_path: Path, given: str | None, kinds: list[str]) -> None:
    """Gated feed-forward parts have three matrices of 16 x 24, in each of both layers; others two."""
    graph = loaded(tmp_path, {"model_type": "t5", **T5_SIZES, "feed_forward_proj": given})
    plain = loaded(tmp_path, {"model_type": "t5", **T5_SIZES})
    assert sorted({each.kind for each in graph.operators} & {"relu", "gelu", "silu"}) == kinds
    gated = given is not None and given.startswith("gated")
    assert graph.parameters - plain.parameters == (2 * 16 * 24 if gated else 0)
