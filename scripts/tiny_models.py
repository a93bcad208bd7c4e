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


def encoded(model: Any, config: Any) -> Arrays:  # noqa: ANN401
    """The last hidden states, and the pooled one where the model has it; or the logits of a head."""
    tokens = drawn_tokens(config, PROMPT)
    found = model(tokens)
    states = {"prompt.tokens": tokens}
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
    """

    model: str
    config: dict[str, Any]
    outputs: Callable[[Any, Any], Arrays] = decoded
    changes: dict[str, Any] = field(default_factory=dict)


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
MODELS = {
    "bert": Tiny("BertModel", BERT, encoded),
    "roberta": Tiny("RobertaModel", BERT, encoded),
    "xlm-roberta": Tiny("XLMRobertaModel", BERT, encoded),
    "camembert": Tiny("CamembertModel", BERT, encoded),
    "distilbert": Tiny(
        "DistilBertModel",
        {
            "dim": 16,
            "hidden_dim": 24,
            "n_layers": 2,
            "n_heads": 4,
            "vocab_size": VOCABULARY,
            "max_position_embeddings": 48,
        },
        encoded,
    ),
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
    "opt": Tiny(
        "OPTForCausalLM",
        {
            **{key: value for key, value in SIZES.items() if key != "intermediate_size"},
            "ffn_dim": 24,
            "word_embed_proj_dim": 16,
        },
    ),
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
    "t5": Tiny(
        "T5ForConditionalGeneration",
        {
            "d_model": 16,
            "d_ff": 24,
            "d_kv": 8,
            "num_layers": 2,
            "num_decoder_layers": 3,
            "num_heads": 4,
            "vocab_size": VOCABULARY,
            "relative_attention_num_buckets": 8,
            "relative_attention_max_distance": 12,
        },
        translated,
    ),
    "bart": Tiny("BartForConditionalGeneration", {**BOTH, "max_position_embeddings": 48}, translated),
    "whisper": Tiny(
        "WhisperForConditionalGeneration",
        {**BOTH, "num_mel_bins": 6, "max_source_positions": 10, "max_target_positions": 20},
        translated,
    ),
}


def make(name: str, tiny: Tiny) -> None:
    """Write a model's folder."""
    torch.manual_seed(zlib.crc32(name.encode()))
    kind = getattr(transformers, tiny.model)
    config = kind.config_class(**tiny.config)
    config._attn_implementation = "eager"  # noqa: SLF001 - so that all classes compute by their own definition
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
    number = sum(parameter.numel() for parameter in model.parameters())
    np.savez_compressed(folder / "expected.npz", parameters=number, **{key: x.numpy() for key, x in arrays.items()})
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name:16} {number:8,} parameters {size / 1000:6.1f} kB")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or MODELS:
        make(chosen, MODELS[chosen])
