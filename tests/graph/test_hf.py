"""Hugging Face configurations as models."""

import json
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.operators import Linear, Matmul, Rowwise

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "intermediate_size": 160,
    "vocab_size": 100,
    "max_position_embeddings": 32,
    "hidden_act": "silu",
    "rope_scaling": None,
}


def write(folder: Path, changes: dict[str, object], name: str = "tiny/config.json") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    data = {key: value for key, value in {**LLAMA, **changes}.items() if value != "left out"}
    path.write_text(json.dumps(data, indent=1))
    return path


def test_a_llama_has_the_shapes_of_its_config(tmp_path: Path) -> None:
    """qkv: 8 + 2 x 2 heads of 8; weights of a layer: 64 x 96 + 64 x 64 + 3 x 64 x 160; two norms of 64."""
    graph = load_model(write(tmp_path, {}))
    found = graph.by_key
    qkv, scores, rotary = found["layer 0/qkv"], found["layer 0/scores"], found["layer 0/rotary"]
    assert graph.name == "tiny"
    assert isinstance(qkv, Linear)
    assert isinstance(scores, Matmul)
    assert isinstance(rotary, Rowwise)
    assert qkv.out_features == 96
    assert "layer 0/qkv.bias" not in graph.weights
    assert (scores.heads, scores.head_dim, scores.stored) == (8, 8, 16)
    assert (rotary.rows, rotary.width) == (10, 8)
    layer = 64 * 96 + 64 * 64 + 3 * 64 * 160 + 2 * 64
    assert graph.parameters == 2 * 100 * 64 + 2 * layer + 64
    tied = load_model(write(tmp_path, {"tie_word_embeddings": True}))
    assert tied.parameters == graph.parameters - 100 * 64


@pytest.mark.parametrize(
    ("file", "parameters"),
    [
        ("hf/bart-large.json", 406_291_456),
        ("hf/bert-base-uncased.hf.json", 109_483_778),
        ("hf/bert-base-uncased.json", 109_482_240),
        ("hf/bert-large-uncased.json", 335_141_888),
        ("hf/t5-small.hf.json", 60_506_624),
        ("hf_class_defaults/BertConfig.json", 109_482_240),
        ("hf_class_defaults/DeiTConfig.json", 86_390_784),
        ("hf_class_defaults/DistilBertConfig.json", 66_362_880),
        ("hf_class_defaults/GPT2Config.json", 124_439_808),
        ("hf_class_defaults/GPTJConfig.json", 6_050_882_784),
        ("hf_class_defaults/GPTNeoXConfig.json", 20_554_567_680),
        ("hf_class_defaults/LlamaConfig.json", 6_738_415_616),
        ("hf_class_defaults/MistralConfig.json", 7_241_732_096),
        ("hf_class_defaults/OPTConfig.json", 125_239_296),
        ("hf_class_defaults/RobertaConfig.json", 124_644_864),
        ("hf_class_defaults/T5Config.json", 60_506_624),
        ("hf_class_defaults/ViTConfig.json", 86_389_248),
        ("hf_class_defaults/WhisperConfig.json", 37_760_640),
        ("llm-analysis/model_configs/bigscience_bloom-7b1.json", 7_069_016_064),
        ("llm-analysis/model_configs/distilgpt2.json", 81_912_576),
        ("llm-analysis/model_configs/facebook_opt-13b.json", 12_853_473_280),
        ("llm-analysis/model_configs/sentence-transformers_all-MiniLM-L6-v2.json", 22_713_216),
    ],
)
def test_published_configs_have_their_parameters(data_dir: Path, file: str, parameters: int) -> None:
    assert load_model(data_dir / "configs" / file).parameters == parameters


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model_type": "lama"},
            "2:16  found model_type 'lama'. Did you mean 'llama'? Known: albert, bart, bert, bloom,",
        ),
        ({"model_type": "left out"}, "1:1  has no 'model_type'. Known: albert, bart, bert, bloom,"),
        ({"hidden_size": "wide"}, "3:17  hidden: found 'wide'; expected a whole number such as '8'"),
        ({"num_hidden_layers": "left out"}, "1:1  has no 'num_hidden_layers', which a llama needs"),
        ({"num_hidden_layers": None}, "4:23  has no 'num_hidden_layers', which a llama needs"),
        ({"hidden_act": "sliu"}, "10:16  hidden_act: found 'sliu'. Did you mean 'silu'? Known: gelu, gelu_fast,"),
        ({"num_key_value_heads": 3}, "6:25  kv_heads: 'heads' 8 is not a multiple of 'kv_heads' 3"),
    ],
)
def test_a_wrong_config_has_its_place(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = write(tmp_path, changes)
    with pytest.raises(ArchsimError) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}:{message}")


def test_all_configs_at_hand_import(data_dir: Path) -> None:
    files = [*data_dir.glob("configs/hf*/*.json"), *data_dir.glob("configs/llm-analysis/model_configs/*.json")]
    assert len(files) >= 60
    assert all(load_model(file).parameters > 10**7 for file in files)
