"""Make tests/fixtures/hf: a tiny model with random weights of each Hugging Face type, its inputs and its outputs.

    python scripts/tiny_models.py [NAME ...]

Needs torch and transformers. A new type needs a line in MODELS. Each folder has the config.json and model.safetensors
that `save_pretrained` writes (weights in float16), and expected.npz with what the model computes from these weights in
float32:

- parameters: trained numbers, each once where it is tied.
- prompt.INPUT: an input of the graph by its name, the batch first. prompt.output.N: the graph's output N.
- step.INPUT, step.output.N: for models that generate, the same for one more token, with the cache of the prompt.
"""

import copy
import json
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "hf"
BATCH, PROMPT, VOCABULARY = 2, 11, 48
Arrays = dict[str, Any]
LEFT_OUT = ("vision_tower", "multi_modal_projector")
"""Parts of models of several kinds of input that are not the text model."""


def decoded(model: Any, config: Any) -> Arrays:  # noqa: ANN401 - transformers is not typed here
    """Logits of a prompt and of one more token."""
    tokens = drawn_tokens(config, PROMPT + 1)
    prompt = model(tokens[:, :-1], use_cache=True)
    step = model(tokens[:, -1:], past_key_values=prompt.past_key_values, use_cache=True)
    return {
        "prompt.tokens": tokens[:, :-1],
        "prompt.output.0": prompt.logits,
        "step.tokens": tokens[:, -1:],
        "step.output.0": step.logits,
    }


def recurrent(model: Any, config: Any) -> Arrays:  # noqa: ANN401
    """Logits of a prompt and of one more token, with states in the cache."""
    tokens = drawn_tokens(config, PROMPT + 1)
    prompt = model(tokens[:, :-1], use_cache=True)
    step = model(tokens[:, -1:], cache=prompt.cache, use_cache=True)
    return {
        "prompt.tokens": tokens[:, :-1],
        "prompt.output.0": prompt.logits,
        "step.tokens": tokens[:, -1:],
        "step.output.0": step.logits,
    }


def encoded(model: Any, config: Any) -> Arrays:  # noqa: ANN401
    """The last hidden states, and the pooled one where the model has it; or the logits of a head."""
    tokens = drawn_tokens(config, PROMPT)
    found = model(tokens)
    states = {"prompt.tokens": tokens}
    if "start_logits" in found:
        return {**states, "prompt.output.0": torch.stack((found.start_logits, found.end_logits), -1)}
    if "prediction_logits" in found:
        return {**states, "prompt.output.0": found.prediction_logits, "prompt.output.1": found.seq_relationship_logits}
    if "logits" in found:
        return {**states, "prompt.output.0": found.logits}
    if found.get("pooler_output") is not None:
        states["prompt.output.1"] = found.pooler_output
    return {**states, "prompt.output.0": found.last_hidden_state}


def classified(model: Any, config: Any) -> Arrays:  # noqa: ANN401
    """Logits of classes of a sequence: output 1 of an encoder, output 0 of a decoder, which has one output."""
    tokens = drawn_tokens(config, PROMPT)
    output = 1 if model.base_model_prefix in ("bert", "roberta", "distilbert") else 0
    return {"prompt.tokens": tokens, f"prompt.output.{output}": model(tokens).logits}


def seen(model: Any, config: Any) -> Arrays:  # noqa: ANN401
    """Classes of pictures, or the pooled state of the first position."""
    size = config.image_size
    image = torch.randn(BATCH, config.num_channels, size, size)
    found = model(image)
    last = found.logits if "logits" in found else found.pooler_output
    return {"prompt.image": image, "prompt.output.1": last}


def translated(model: Any, config: Any) -> Arrays:  # noqa: ANN401
    """Logits of three tokens and of one more, by a source of tokens or of frames of sound."""
    target = drawn_tokens(config, 4)
    if config.model_type == "whisper":
        frames = torch.randn(BATCH, config.num_mel_bins, 2 * config.max_source_positions)
        source, name, shown = {"input_features": frames}, "frames", frames.transpose(1, 2)
    else:
        shown = drawn_tokens(config, PROMPT)
        source, name = {"input_ids": shown}, "source"
    prompt = model(**source, decoder_input_ids=target[:, :-1], use_cache=True)
    step = model(
        encoder_outputs=(prompt.encoder_last_hidden_state,),
        decoder_input_ids=target[:, -1:],
        past_key_values=prompt.past_key_values,
        use_cache=True,
    )
    return {
        f"prompt.{name}": shown,
        "prompt.target": target[:, :-1],
        "prompt.output.0": prompt.logits,
        "step.target": target[:, -1:],
        "step.output.0": step.logits,
    }


def drawn_tokens(config: Any, length: int) -> torch.Tensor:  # noqa: ANN401
    """Numbers from 3 on, as the first ones may stand for padding, which a model treats otherwise."""
    return torch.randint(3, config.get_text_config().vocab_size, (BATCH, length))


@dataclass(frozen=True)
class Tiny:
    """A class of transformers, what its configuration says, and what is asked of the model.

    changes: to config.json after it is saved, such as keys in the form of older files; None leaves a key out.
    attention: how it is computed; `eager` so that all classes compute by their own definition.
    """

    model: str
    config: dict[str, Any]
    outputs: Callable[[Any, Any], Arrays] = decoded
    changes: dict[str, Any] = field(default_factory=dict)
    attention: str = "eager"


SIZES = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 48,
}
GROUPED = {**SIZES, "num_key_value_heads": 2, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
BERT = {**SIZES, "type_vocab_size": 2}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 4, "vocab_size": VOCABULARY, "n_positions": 48}
VIT = {
    **{key: value for key, value in SIZES.items() if key not in ("vocab_size", "max_position_embeddings")},
    "image_size": 16,
    "patch_size": 4,
}
BOTH = {
    "encoder_layers": 2,
    "decoder_layers": 3,
    "d_model": 16,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "vocab_size": VOCABULARY,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
}
MAMBA = {
    "hidden_size": 16,
    "state_size": 4,
    "num_hidden_layers": 2,
    "time_step_rank": 3,
    "vocab_size": VOCABULARY,
}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 10}
LATENT = {
    **SIZES,
    "num_key_value_heads": 4,
    "kv_lora_rank": 8,
    "qk_nope_head_dim": 6,
    "qk_rope_head_dim": 4,
    "v_head_dim": 5,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 10,
    "n_group": 4,
    "topk_group": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
FALCON = {**SIZES, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
DISTILBERT = {
    "dim": 16,
    "hidden_dim": 24,
    "n_layers": 2,
    "n_heads": 4,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 48,
}
OPT = {
    **{key: value for key, value in SIZES.items() if key != "intermediate_size"},
    "ffn_dim": 24,
    "word_embed_proj_dim": 16,
}
T5 = {
    "d_model": 16,
    "d_ff": 24,
    "d_kv": 8,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 4,
    "vocab_size": VOCABULARY,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 12,
}
MODERNBERT = {
    **SIZES,
    "num_hidden_layers": 4,
    "local_attention": 6,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "cls_token_id": 1,
    "sep_token_id": 2,
}
MODELS = {
    "bert": Tiny("BertModel", BERT, encoded),
    "roberta": Tiny("RobertaModel", BERT, encoded),
    "xlm-roberta": Tiny("XLMRobertaModel", BERT, encoded),
    "camembert": Tiny("CamembertModel", BERT, encoded),
    "distilbert": Tiny("DistilBertModel", DISTILBERT, encoded),
    "vit": Tiny("ViTForImageClassification", {**VIT, "num_labels": 5}, seen),
    "deit": Tiny("DeiTForImageClassification", {**VIT, "num_labels": 5}, seen),
    "gpt2": Tiny("GPT2LMHeadModel", GPT2),
    "gpt_neo": Tiny(
        "GPTNeoForCausalLM",
        {
            "hidden_size": 16,
            "num_layers": 4,
            "num_heads": 4,
            "attention_types": [[["global", "local"], 2]],
            "window_size": 5,
            "vocab_size": VOCABULARY,
            "max_position_embeddings": 48,
        },
    ),
    "gptj": Tiny("GPTJForCausalLM", {**GPT2, "rotary_dim": 4}),
    "gpt_neox": Tiny("GPTNeoXForCausalLM", {**SIZES, "hidden_size": 32}),
    "opt": Tiny("OPTForCausalLM", OPT),
    "bloom": Tiny("BloomForCausalLM", {"hidden_size": 16, "n_layer": 2, "n_head": 4, "vocab_size": VOCABULARY}),
    "llama": Tiny("LlamaForCausalLM", GROUPED),
    "mistral": Tiny("MistralForCausalLM", {**GROUPED, "sliding_window": 5}),
    "mixtral": Tiny("MixtralForCausalLM", {**GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen2": Tiny("Qwen2ForCausalLM", GROUPED),
    "qwen3": Tiny("Qwen3ForCausalLM", {**GROUPED, "head_dim": 8}),
    "phi": Tiny("PhiForCausalLM", {**GROUPED, "hidden_size": 32}),
    "phi3": Tiny("Phi3ForCausalLM", {**GROUPED, "sliding_window": 5}),
    "gemma": Tiny("GemmaForCausalLM", {**GROUPED, "num_key_value_heads": 1, "head_dim": 8}),
    "gemma2": Tiny("Gemma2ForCausalLM", {**GROUPED, "head_dim": 8, "sliding_window": 5, "query_pre_attn_scalar": 12}),
    "gemma3_text": Tiny(
        "Gemma3ForCausalLM",
        {
            **GROUPED,
            "num_hidden_layers": 4,
            "head_dim": 8,
            "sliding_window": 5,
            "query_pre_attn_scalar": 12,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
        },
    ),
    "mamba": Tiny("MambaForCausalLM", MAMBA, recurrent),
    "falcon_mamba": Tiny(
        "FalconMambaForCausalLM", {**MAMBA, "tie_word_embeddings": False, "use_bias": True}, recurrent
    ),
    "jamba": Tiny(
        "JambaForCausalLM",
        {
            **GROUPED,
            "num_hidden_layers": 4,
            "num_experts": 3,
            "num_experts_per_tok": 2,
            "attn_layer_period": 3,
            "attn_layer_offset": 1,
            "mamba_d_state": 4,
            "mamba_dt_rank": 3,
        },
        recurrent,
    ),
    "deepseek_v2": Tiny(
        "DeepseekV2ForCausalLM",
        {
            **LATENT,
            "topk_method": "group_limited_greedy",
            "n_shared_experts": 2,
            "first_k_dense_replace": 1,
            "q_lora_rank": None,
        },
    ),
    "deepseek_v3": Tiny(
        "DeepseekV3ForCausalLM",
        {
            **LATENT,
            "n_shared_experts": 1,
            "first_k_dense_replace": 1,
            "q_lora_rank": 12,
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 10000.0,
                "factor": 4.0,
                "mscale": 1.0,
                "mscale_all_dim": 1.0,
                "original_max_position_embeddings": 12,
            },
        },
    ),
    "qwen2_moe": Tiny(
        "Qwen2MoeForCausalLM",
        {**GROUPED, **EXPERTS, "num_hidden_layers": 3, "decoder_sparse_step": 2, "shared_expert_intermediate_size": 20},
    ),
    "qwen3_moe": Tiny(
        "Qwen3MoeForCausalLM",
        {
            **GROUPED,
            **EXPERTS,
            "head_dim": 8,
            "num_hidden_layers": 3,
            "mlp_only_layers": [1],
            "norm_topk_prob": True,
        },
    ),
    "gpt_oss": Tiny(
        "GptOssForCausalLM",
        {
            **GROUPED,
            "head_dim": 8,
            "sliding_window": 5,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "swiglu_limit": 0.5,
        },
    ),
    "llama4_text": Tiny(
        "Llama4ForCausalLM",
        {
            **GROUPED,
            "num_hidden_layers": 4,
            "head_dim": 8,
            "intermediate_size_mlp": 20,
            "num_local_experts": 4,
            "interleave_moe_layer_step": 2,
            "attention_chunk_size": 5,
            "floor_scale": 4,
            "attn_scale": 0.5,
        },
    ),
    "olmo2": Tiny("Olmo2ForCausalLM", GROUPED),
    "smollm3": Tiny("SmolLM3ForCausalLM", {**GROUPED, "no_rope_layer_interval": 2}),
    "modernbert": Tiny("ModernBertModel", MODERNBERT, encoded),
    "modernbert-masked": Tiny("ModernBertForMaskedLM", MODERNBERT, encoded),
    "albert-masked": Tiny("AlbertForMaskedLM", {**BERT, "embedding_size": 8}, encoded),
    "albert": Tiny("AlbertModel", {**BERT, "embedding_size": 8, "num_hidden_layers": 4}, encoded),
    "falcon": Tiny("FalconForCausalLM", {**FALCON, "new_decoder_architecture": True, "num_kv_heads": 2}),
    "falcon-7b": Tiny("FalconForCausalLM", {**FALCON, "multi_query": True, "parallel_attn": True}),
    "falcon-rw": Tiny(
        "FalconForCausalLM",
        {**FALCON, "alibi": True, "multi_query": False, "parallel_attn": False, "bias": True},
        attention="sdpa",  # the class's own definition adds the biases twice
    ),
    "siglip_vision_model": Tiny("SiglipVisionModel", VIT, seen),
    "siglip_text_model": Tiny("SiglipTextModel", {**SIZES, "projection_size": 12}, encoded),
    "t5": Tiny("T5ForConditionalGeneration", T5, translated),
    "bart": Tiny("BartForConditionalGeneration", {**BOTH, "max_position_embeddings": 48}, translated),
    "whisper": Tiny(
        "WhisperForConditionalGeneration",
        {**BOTH, "num_mel_bins": 6, "max_source_positions": 10, "max_target_positions": 20},
        translated,
    ),
}
ONE_LAYER = {**GROUPED, "num_hidden_layers": 1}
LABELS = {"num_labels": 3}
SCALED = {"rope_theta": 5000.0, "factor": 4.0, "original_max_position_embeddings": 12}
TEXT = {**GROUPED, "head_dim": 8, "sliding_window": 5, "layer_types": ["sliding_attention", "full_attention"]}
PICTURE = {**VIT, "num_hidden_layers": 1}
VARIANTS = {
    "bert-masked": Tiny("BertForMaskedLM", BERT, encoded),
    "bert-pretraining": Tiny("BertForPreTraining", BERT, encoded),
    "bert-classes": Tiny("BertForSequenceClassification", {**BERT, **LABELS}, classified),
    "bert-labels": Tiny("BertForTokenClassification", {**BERT, **LABELS, "hidden_act": "relu"}, encoded),
    "bert-questions": Tiny("BertForQuestionAnswering", BERT, encoded),
    "roberta-masked": Tiny("RobertaForMaskedLM", {**BERT, "type_vocab_size": 1}, encoded),
    "roberta-classes": Tiny("RobertaForSequenceClassification", {**BERT, **LABELS}, classified),
    "distilbert-masked": Tiny("DistilBertForMaskedLM", DISTILBERT, encoded),
    "distilbert-classes": Tiny("DistilBertForSequenceClassification", {**DISTILBERT, **LABELS}, classified),
    "vit-pooled": Tiny("ViTModel", {**VIT, "qkv_bias": False, "image_size": 12}, seen),
    "gpt2-classes": Tiny("GPT2ForSequenceClassification", {**GPT2, **LABELS, "pad_token_id": 0}, classified),
    "gpt2-unscaled": Tiny("GPT2LMHeadModel", {**GPT2, "scale_attn_weights": False, "n_inner": 24}),
    "gpt_neox-in-turn": Tiny(
        "GPTNeoXForCausalLM", {**SIZES, "use_parallel_residual": False, "attention_bias": False, "rotary_pct": 0.5}
    ),
    "llama-model": Tiny("LlamaModel", ONE_LAYER, encoded),
    "llama-classes": Tiny("LlamaForSequenceClassification", {**ONE_LAYER, **LABELS}, classified),
    "llama-labels": Tiny("LlamaForTokenClassification", {**ONE_LAYER, **LABELS}, encoded),
    "llama-biases": Tiny(
        "LlamaForCausalLM",
        {**ONE_LAYER, "attention_bias": True, "mlp_bias": True, "head_dim": 6, "tie_word_embeddings": True},
    ),
    "llama-llama3": Tiny(
        "LlamaForCausalLM",
        {
            **ONE_LAYER,
            "head_dim": 16,
            "rope_parameters": {"rope_type": "llama3", **SCALED, "low_freq_factor": 1.0, "high_freq_factor": 4.0},
        },
    ),
    "llama-linear": Tiny(
        "LlamaForCausalLM",
        {**ONE_LAYER, "rope_parameters": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 4.0}},
        changes={"rope_parameters": None, "rope_theta": 5000.0, "rope_scaling": {"type": "linear", "factor": 4.0}},
    ),
    "llama-dynamic": Tiny(
        "LlamaForCausalLM",
        {**ONE_LAYER, "rope_parameters": {"rope_type": "dynamic", "rope_theta": 5000.0, "factor": 4.0}},
    ),
    "llama-yarn": Tiny(
        "LlamaForCausalLM",
        {**ONE_LAYER, "head_dim": 16, "rope_parameters": {"rope_type": "yarn", **SCALED, "beta_fast": 4.0}},
    ),
    "phi3-longrope": Tiny(
        "Phi3ForCausalLM",
        {
            **ONE_LAYER,
            "hidden_size": 32,
            "original_max_position_embeddings": 24,
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 5000.0,
                "partial_rotary_factor": 0.75,
                "short_factor": [1.0, 1.25, 2.0],
                "long_factor": [1.0, 3.0, 9.0],
                "original_max_position_embeddings": 24,
            },
        },
    ),
    "qwen2-window": Tiny(
        "Qwen2ForCausalLM",
        {**GROUPED, "use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1},
        changes={"layer_types": None, "rope_parameters": None, "rope_theta": 10000.0},
    ),
    "gemma3": Tiny(
        "Gemma3ForConditionalGeneration",
        {
            "text_config": {
                **TEXT,
                "rope_parameters": {
                    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 100000.0},
                    "sliding_attention": {"rope_type": "default", "rope_theta": 1000.0},
                },
            },
            "vision_config": {**PICTURE, "intermediate_size": 16},
            "mm_tokens_per_image": 4,
        },
    ),
    "opt-norm-after": Tiny(
        "OPTForCausalLM", {**OPT, "word_embed_proj_dim": 8, "do_layer_norm_before": False, "num_hidden_layers": 1}
    ),
    "opt-model": Tiny("OPTModel", {**OPT, "enable_bias": False, "num_hidden_layers": 1}, encoded),
    "bloom-heads": Tiny("BloomForCausalLM", {"hidden_size": 24, "n_layer": 1, "n_head": 6, "vocab_size": VOCABULARY}),
    "t5-gated": Tiny(
        "T5ForConditionalGeneration",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False, "num_decoder_layers": 1},
        translated,
    ),
    "t5-encoder": Tiny("T5EncoderModel", T5, encoded),
    "bart-scaled": Tiny(
        "BartForConditionalGeneration",
        {**BOTH, "max_position_embeddings": 48, "scale_embedding": True, "decoder_layers": 1, "encoder_layers": 1},
        translated,
    ),
}
"""Of types in MODELS: other heads, and other values of the keys that change a layer."""


def make(name: str, tiny: Tiny) -> None:
    """Write a model's folder."""
    torch.manual_seed(zlib.crc32(name.encode()))
    kind = getattr(transformers, tiny.model)
    config = kind.config_class(**tiny.config)
    config._attn_implementation = tiny.attention  # noqa: SLF001
    config._experts_implementation = "eager"  # noqa: SLF001
    model = kind(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.25)
            else:  # scales of norms near 1, or near 0 where a class adds 1; biases far enough from 0 to be missed
                parameter.normal_(float(parameter.mean() > 0.5), 0.3)  # noqa: PLR2004 - a scale's first value is 1
            parameter.copy_(parameter.half())
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        copy.deepcopy(model).half().save_pretrained(folder)  # a copy, as buffers such as frequencies stay in float32
        arrays = tiny.outputs(model, config)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if tiny.changes:
        path = folder / "config.json"
        changed = {**json.loads(path.read_text()), **tiny.changes}
        path.write_text(json.dumps({key: value for key, value in changed.items() if value is not None}, indent=2))
    number = sum(value.numel() for key, value in model.named_parameters() if not any(part in key for part in LEFT_OUT))
    np.savez_compressed(folder / "expected.npz", parameters=number, **{key: x.numpy() for key, x in arrays.items()})
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name:16} {number:8,} parameters {size / 1000:6.1f} kB")


if __name__ == "__main__":
    everything = {**MODELS, **VARIANTS}
    for chosen in sys.argv[1:] or everything:
        make(chosen, everything[chosen])
