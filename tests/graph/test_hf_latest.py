"""Newer Hugging Face types: published sizes, keys of their configurations, and what is refused."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.graph import Graph
from archsim.graph.hf.latest import LATEST
from archsim.graph.hf.mixtures import MIXTURES
from archsim.graph.job import Job
from archsim.graph.operators import Matmul

SIZES: dict[str, object] = {
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 50,
    "max_position_embeddings": 32,
}


def loaded(folder: Path, kind: str, changes: dict[str, object]) -> Graph:
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": kind, **SIZES, **changes}))
    return load_model(path)


def case(cases_dir: Path, name: str) -> Graph:
    return load_model(cases_dir / "hf" / f"{name}.json")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters", "active"),
    [("qwen3-30b-a3b", 30_532_122_624, 3_353_032_704), ("deepseek-v3", 671_026_404_352, 37_552_282_624)],
)
def test_mixtures_have_their_published_sizes(cases_dir: Path, name: str, parameters: int, active: int) -> None:
    """30.5 and 3.3 billion, 671 and 37 billion, as their authors say; to the last one as transformers counts."""
    graph = case(cases_dir, name)
    assert (graph.parameters, graph.active_parameters) == (parameters, active)


@pytest.mark.parametrize(
    ("kind", "changes", "parameters"),
    [
        ("olmo2", {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 100352,
                   "intermediate_size": 11008, "num_key_value_heads": 32}, 7_298_617_344),
        ("smollm3", {"hidden_size": 2048, "num_hidden_layers": 36, "num_attention_heads": 16, "vocab_size": 128256,
                     "intermediate_size": 11008, "num_key_value_heads": 4}, 3_075_098_624),
        ("modernbert", {"hidden_size": 768, "num_hidden_layers": 22, "num_attention_heads": 12, "vocab_size": 50368,
                        "intermediate_size": 1152}, 149_014_272),
        ("albert", {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "vocab_size": 30000,
                    "intermediate_size": 3072, "max_position_embeddings": 512}, 11_683_584),
        ("falcon", {"hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71, "vocab_size": 65024,
                    }, 6_921_720_704),
        ("falcon", {"hidden_size": 8192, "num_hidden_layers": 60, "num_attention_heads": 128, "vocab_size": 65024,
                    "num_kv_heads": 8, "new_decoder_architecture": True}, 41_303_293_952),
        ("siglip_vision_model", {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                                 "intermediate_size": 3072}, 92_884_224),
    ],
)  # fmt: skip
def test_published_sizes_have_their_parameters(
    tmp_path: Path, kind: str, changes: dict[str, object], parameters: int
) -> None:
    """As transformers counts them; scripts/hf_parameters.yaml has the sources."""
    assert loaded(tmp_path, kind, changes).parameters == parameters


def test_the_form_of_latent_attention_is_chosen_in_the_config(tmp_path: Path) -> None:
    experts = {"n_routed_experts": 8, "n_group": 2, "topk_group": 1, "num_experts_per_tok": 2}
    scores = []
    for form in ("absorbed", "expanded"):
        graph = loaded(tmp_path, "deepseek_v3", {**experts, "latent_form": form})
        scores.append(graph.by_key["layer 0/scores"])
        assert graph.notes[0] == "without the module that predicts further tokens (multi-token prediction)"
    assert [each.head_dim for each in scores if isinstance(each, Matmul)] == [512 + 64, 128 + 64]


def test_llama_4_turns_and_chunks_three_of_four_layers(tmp_path: Path) -> None:
    text = {"model_type": "llama4_text", **SIZES, "attention_chunk_size": 3, "interleave_moe_layer_step": 2}
    graph = loaded(tmp_path, "llama4", {"architectures": ["Llama4ForConditionalGeneration"], "text_config": text})
    assert [f"layer {layer}/rotary" in graph.by_key for layer in range(4)] == [True, True, True, False]
    assert [f"layer {layer}/temperature" in graph.by_key for layer in range(4)] == [False, False, False, True]
    assert [f"layer {layer}/router" in graph.by_key for layer in range(4)] == [False, True, False, True]
    assert Job(seq=5).keys(graph.by_key["layer 2/scores"]).tolist() == [1, 2, 3, 1, 2]
    assert Job(seq=5).keys(graph.by_key["layer 3/scores"]).tolist() == [1, 2, 3, 4, 5]
    assert graph.notes[0].startswith("the text model (llama4_text) of a llama4")


def test_modernbert_sees_half_its_window_on_each_side(tmp_path: Path) -> None:
    """local_attention 4: 2 on each side; every third layer sees all."""
    graph = loaded(tmp_path, "modernbert", {"local_attention": 4})
    seen = [Job(seq=8).keys(graph.by_key[f"layer {layer}/scores"]).tolist()[4] for layer in range(4)]
    assert seen == [8, 5, 5, 8]
    assert "layer 0/attention norm" not in graph.by_key


def test_siglip_is_one_of_two_models(tmp_path: Path) -> None:
    parts: dict[str, object] = {"vision_config": {"model_type": "siglip_vision_model"}, "text_config": {}}
    pictures = loaded(tmp_path, "siglip", {**parts, "architectures": ["SiglipVisionModel"]})
    assert pictures.parameters == 92_884_224
    with pytest.raises(ArchsimError, match="Try its 'vision_config' or its 'text_config' in a file of its own"):
        loaded(tmp_path, "siglip", {**parts, "architectures": ["SiglipModel"]})


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("gpt_oss", {"swiglu_alpha": 1.5}, "swiglu_alpha: found 1.5; expected 1.702"),
        (
            "deepseek_v2",
            {"num_experts_per_tok": 2, "topk_method": "noaux"},
            "topk_method: found 'noaux'; expected 'greedy' or",
        ),
        ("smollm3", {"no_rope_layers": [1, 0]}, "no_rope_layers: found 2 layers; expected 4"),
        ("qwen3_moe", {"mlp_only_layers": ["one"]}, "mlp_only_layers: found 'one'; expected whole numbers"),
        ("modernbert", {"classifier_bias": True}, "classifier_bias: found 'true'; expected 'false'"),
        ("modernbert", {"architectures": ["ModernBertForTokenClassification"]}, "whose head is not known"),
        ("deepseek_v3", {"num_experts_per_tok": 300}, "'experts_per_token'"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, kind: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        loaded(tmp_path, kind, changes)
    assert message in str(caught.value)


SMALL: dict[str, object] = {
    "num_hidden_layers": 1,
    "num_experts": 2,
    "num_local_experts": 2,
    "n_routed_experts": 2,
    "num_experts_per_tok": 1,
    "n_group": 1,
    "topk_group": 1,
}
KEYS = (
    "num_hidden_layers",
    "num_attention_heads",
    "hidden_size",
    "n_routed_experts",
    "moe_intermediate_size",
    "n_group",
    "kv_lora_rank",
    "num_kv_heads",
    "sliding_window",
    "local_attention",
    "embedding_size",
    "rope_scaling",
)


@pytest.mark.parametrize("wrong", ["many", -1, [], {}, 1e9, None, "\x00"])
@pytest.mark.parametrize("kind", sorted({*MIXTURES, *LATEST}))
def test_a_wrong_size_ends_in_no_traceback(tmp_path: Path, kind: str, wrong: object) -> None:
    """Any error but archsim's own fails."""
    for key in KEYS:
        with suppress(ArchsimError):
            loaded(tmp_path, kind, {**SMALL, key: wrong})
