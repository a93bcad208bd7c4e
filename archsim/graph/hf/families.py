"""Model types of Hugging Face's config.json: under which names each keeps its sizes, and what all of a type have."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

Sizes = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Family:
    """sizes: keys of a model file, and the config's keys for them, of which the first that is there counts.

    fixed: what all models of the family have; defaults: of keys that a config may leave out, as in its class.
    flags: a config's truth values, and the keys of a model file that they set; `!` before the key turns it round.
    more_rows: rows of the table of positions beyond the positions; position 0 has the first row after them.
    first_row: the row of position 0, where the rows before it are part of the positions that a config says.
    further: sets what no table says, by the config's data, to which it may add what its class would; raises
    UnfitKeyError with what was found and expected.
    """

    sizes: Sizes
    fixed: dict[str, str]
    defaults: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    more_rows: int = 0
    first_row: int = 0
    further: Callable[[dict[str, Any], dict[str, Any]], None] | None = None


# The last name of each is that of llm-analysis, whose files have the same model types.
USUAL: Sizes = {
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "hidden": ("hidden_size", "n_embd", "n_embed", "d_model", "dim", "hidden_dim"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "ffn": ("intermediate_size", "ffn_dim", "n_inner", "ffn_embed_dim"),
    "vocabulary": ("vocab_size",),
    "positions": ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len"),
    "activation": ("hidden_act", "activation_function", "hidden_activation", "activation"),
    "epsilon": ("layer_norm_eps", "layer_norm_epsilon", "rms_norm_eps"),
    "rotary_base": ("rope_theta", "rotary_emb_base"),
}
TIED = {"tie_word_embeddings": "tied"}
BIASED = {"attention_bias": "qkv_bias output_bias"}
GROUPED: Sizes = {**USUAL, "kv_heads": ("num_key_value_heads",), "head_dim": ("head_dim",)}
WINDOWED: Sizes = {**GROUPED, "window": ("sliding_window",)}
_CAPPED: Sizes = {
    **WINDOWED,
    "score_cap": ("attn_logit_softcapping",),
    "logit_cap": ("final_logit_softcapping",),
    "score_scalar": ("query_pre_attn_scalar",),
}
GATED = {"architecture": "decoder", "gated": "true", "norm": "rmsnorm", "rotary": "true", "bias": "false"}
LLAMA = {"activation": "silu", "tied": "false", "positions": "2048", "epsilon": "1e-6"}
_FINE = "1e-12"
"""Added to variances by BERT and its kin, if a config does not say."""
_SCALED = {**GATED, "embedding_scale": "sqrt hidden"}
_GEMMA = {"activation": "gelu_pytorch_tanh", "tied": "true", "epsilon": "1e-6"}
PICTURE: Sizes = {
    **{key: names for key, names in USUAL.items() if key not in ("vocabulary", "positions")},
    "image.size": ("image_size",),
    "image.patch": ("patch_size",),
    "image.channels": ("num_channels",),
}
_BERT = Family(
    {**USUAL, "segments": ("type_vocab_size",)},
    {"architecture": "encoder", "pooler": "true"},
    {"activation": "gelu", "segments": "2", "epsilon": _FINE},
    TIED,
)
_ROBERTA = replace(_BERT, first_row=2)
_DISTILLED: Sizes = {**USUAL, "ffn": ("hidden_dim", "ffn_embed_dim"), "hidden": ("dim", "hidden_dim")}
_VIT = {"architecture": "encoder", "norm_first": "true", "pooler": "true"}
_PATCHES = {"activation": "gelu", "image.channels": "3", "epsilon": _FINE}
_ENCODER_DECODER: Sizes = {
    "layers": ("encoder_layers", "num_hidden_layers", "num_layers"),
    "decoder_layers": ("decoder_layers", "num_decoder_layers"),
    "hidden": ("d_model",),
    "heads": ("encoder_attention_heads", "num_heads"),
    "ffn": ("encoder_ffn_dim", "d_ff"),
    "vocabulary": ("vocab_size",),
    "activation": ("activation_function", "dense_act_fn"),
    "epsilon": ("layer_norm_epsilon",),
}
FAMILIES = {
    "bert": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "distilbert": Family(_DISTILLED, {"architecture": "encoder"}, {"activation": "gelu", "epsilon": _FINE}, TIED),
    "vit": Family(PICTURE, {**_VIT, "image.tokens": "1"}, _PATCHES, {"qkv_bias": "qkv_bias"}),
    "deit": Family(PICTURE, {**_VIT, "image.tokens": "2"}, _PATCHES, {"qkv_bias": "qkv_bias"}),
    "gpt2": Family(USUAL, {"architecture": "decoder"}, {"activation": "gelu_new", "positions": "1024"}, TIED),
    "gpt_neo": Family(
        {**USUAL, "window": ("window_size",)},
        {"architecture": "decoder", "qkv_bias": "false", "score_scale": "1"},
        {"activation": "gelu_new", "window": "256", "full_every": "2"},
        TIED,
    ),
    "gptj": Family(
        {**USUAL, "rotary_values": ("rotary_dim",)},
        {
            "architecture": "decoder",
            "rotary_form": "neighbours",
            "parallel": "true",
            "shared_norm": "true",
            "rotary": "true",
            "head_bias": "true",
            "qkv_bias": "false",
            "output_bias": "false",
        },
        {"activation": "gelu_new", "tied": "false", "rotary_values": "64"},
        TIED,
    ),
    "gpt_neox": Family(
        {**USUAL, "rotary_share": ("rotary_pct", "partial_rotary_factor")},
        {"architecture": "decoder", "rotary": "true"},
        {"activation": "gelu", "tied": "false", "parallel": "true", "rotary_share": "0.25"},
        {**TIED, **BIASED, "use_parallel_residual": "parallel"},
    ),
    "opt": Family(
        {**USUAL, "embedding": ("word_embed_proj_dim",)},
        {"architecture": "decoder", "embedding_norm": "false"},
        {"activation": "relu"},
        {
            **TIED,
            "do_layer_norm_before": "norm_first",
            "enable_bias": "bias",
        },
        more_rows=2,
    ),
    "bloom": Family(
        USUAL,
        {"architecture": "decoder", "score_bias": "true", "embedding_norm": "true", "activation": "gelu_new"},
        {"positions": "2048"},
        TIED,
    ),
    "llama": Family(GROUPED, GATED, LLAMA, {**TIED, **BIASED, "mlp_bias": "ffn_bias"}),
    "mistral": Family(WINDOWED, GATED, {**LLAMA, "window": "4096"}, TIED),
    "mixtral": Family(
        {**WINDOWED, "experts": ("num_local_experts",), "experts_per_token": ("num_experts_per_tok",)},
        GATED,
        {**LLAMA, "experts": "8", "experts_per_token": "2", "rotary_base": "1000000"},
        TIED,
    ),
    "qwen2": Family(WINDOWED, {**GATED, "qkv_bias": "true"}, {**LLAMA, "use_window": "false"}, TIED),
    "qwen3": Family(
        WINDOWED,
        {**GATED, "qk_norm": "true"},
        {**LLAMA, "head_dim": "128", "use_window": "false"},
        {**TIED, **BIASED},
    ),
    "phi": Family(
        {**GROUPED, "rotary_share": ("partial_rotary_factor",)},
        {"architecture": "decoder", "parallel": "true", "shared_norm": "true", "rotary": "true", "head_bias": "true"},
        {"activation": "gelu_new", "tied": "false", "rotary_share": "0.5"},
        TIED,
    ),
    "phi3": Family({**WINDOWED, "rotary_share": ("partial_rotary_factor",)}, GATED, {**LLAMA, "epsilon": "1e-5"}, TIED),
    "gemma": Family(GROUPED, _SCALED, {**_GEMMA, "head_dim": "256"}, {**TIED, **BIASED}),
    "gemma2": Family(
        _CAPPED,
        {**_SCALED, "post_norms": "true"},
        {
            **_GEMMA,
            "head_dim": "256",
            "window": "4096",
            "window_pattern": "2",
            "score_cap": "50",
            "logit_cap": "30",
            "score_scalar": "256",
        },
        {**TIED, **BIASED},
    ),
    "gemma3_text": Family(
        {**_CAPPED, "window_rotary_base": ("rope_local_base_freq",)},
        {**_SCALED, "post_norms": "true", "qk_norm": "true"},
        {
            **_GEMMA,
            "head_dim": "256",
            "window": "4096",
            "window_pattern": "6",
            "score_scalar": "256",
            "rotary_base": "1000000",
            "window_rotary_base": "10000",
        },
        {**TIED, **BIASED},
    ),
    "t5": Family(
        {
            **_ENCODER_DECODER,
            "head_dim": ("d_kv",),
            "positions": ("n_positions",),
            "buckets": ("relative_attention_num_buckets",),
            "furthest": ("relative_attention_max_distance",),
        },
        {
            "architecture": "encoder-decoder",
            "norm": "rmsnorm",
            "norm_first": "true",
            "bias": "false",
            "score_bias": "true",
            "score_scale": "1",
            "scaled_if_tied": "true",
        },
        {"activation": "relu", "buckets": "32", "positions": "512", "epsilon": "1e-6"},
        {**TIED, "is_gated_act": "gated"},
    ),
    "bart": Family(
        {**_ENCODER_DECODER, "positions": ("max_position_embeddings",)},
        {"architecture": "encoder-decoder"},
        {"activation": "gelu", "positions": "1024"},
        {**TIED, "normalize_before": "norm_first", "normalize_embedding": "embedding_norm"},
        more_rows=2,
    ),
    "whisper": Family(
        {
            **_ENCODER_DECODER,
            "positions": ("max_target_positions",),
            "audio.mels": ("num_mel_bins",),
            "audio.positions": ("max_source_positions",),
        },
        {"architecture": "encoder-decoder", "norm_first": "true", "key_bias": "false"},
        {"activation": "gelu"},
    ),
}
"""By `model_type`."""

OPTIONAL = frozenset(
    {"ffn", "segments", "kv_heads", "head_dim", "window", "embedding", "decoder_layers", "rotary_share"}
    | {"epsilon", "rotary_base", "rotary_values", "window_rotary_base", "score_cap", "logit_cap", "score_scalar"}
    | {"furthest", "latent.queries", "mixture.groups", "mixture.groups_per_token", "project_last"}
    | {"state_space.rank", "state_space.channels"}
)
"""Sizes that a config may lack, as they follow from others."""

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "quick_gelu": "quick_gelu",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
}
"""Their names for activations, and ours."""

SAME_IN_BOTH = (
    ("encoder_attention_heads", "decoder_attention_heads"),
    ("encoder_ffn_dim", "decoder_ffn_dim"),
)
"""Sizes of encoder and decoder that have to be equal here."""
