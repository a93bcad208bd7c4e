"""Model types with mixtures of experts."""

from math import log, sqrt
from typing import Any

from archsim.errors import quoted
from archsim.graph.hf.families import BIASED, GATED, GROUPED, LLAMA, TIED, USUAL, WINDOWED, Family, Sizes
from archsim.graph.hf.reading import UnfitKeyError, layers_of, listed, rotated_layers, texts, truth, whole
from archsim.graph.hf.rotary import number, rotary_scaling

_EXPERTS: Sizes = {
    "experts": ("num_experts", "num_local_experts", "n_routed_experts"),
    "experts_per_token": ("num_experts_per_tok", "experts_per_token"),
    "mixture.ffn": ("moe_intermediate_size",),
}
_LATENT: Sizes = {
    **{key: names for key, names in USUAL.items() if key != "epsilon"},
    "epsilon": ("rms_norm_eps",),
    **_EXPERTS,
    "mixture.groups": ("n_group",),
    "mixture.groups_per_token": ("topk_group",),
    "mixture.scale": ("routed_scaling_factor",),
    "latent.width": ("kv_lora_rank",),
    "latent.queries": ("q_lora_rank",),
    "latent.plain": ("qk_nope_head_dim",),
    "latent.rotary": ("qk_rope_head_dim",),
    "latent.values": ("v_head_dim",),
    "latent.form": ("latent_form",),
}
_LATENT_DEFAULTS = {
    "latent.width": "512",
    "latent.queries": "1536",
    "latent.plain": "128",
    "latent.rotary": "64",
    "latent.values": "128",
}
_RENORMALISED = {"norm_topk_prob": "gates_renormalised"}
_GAIN = 1.702
"""Of the sigmoid in the approximation of GELU that gpt-oss has."""
_FURTHER_TOKENS = "without the module that predicts further tokens (multi-token prediction)"


def _latent(data: dict[str, Any], made: dict[str, Any], first: int, shared: int) -> None:
    """Layers with experts, the shared one, and the scale of scores under yarn.

    first: layers at the beginning without experts; shared: experts that all positions go through.
    """
    first, every = whole(data.get("first_k_dense_replace"), first), whole(data.get("moe_layer_freq"), 1)
    made["mixture.layers"] = [str(layer) for layer in layers_of(made) if layer >= first and layer % max(1, every) == 0]
    shared = whole(data.get("n_shared_experts"), shared)
    made["mixture.shared"] = str(shared * whole(made["mixture.ffn"]))
    kind, numbers = rotary_scaling(data)
    scale, factor = number(numbers.get("mscale_all_dim")), number(numbers.get("factor"))
    if kind != "default" and scale:
        values = whole(made["latent.plain"]) + whole(made["latent.rotary"])
        grown = 0.1 * scale * log(factor) + 1 if factor > 1 else 1.0
        made["score_scale"] = str(grown**2 / sqrt(max(1, values)))


def _deepseek_v2(data: dict[str, Any], made: dict[str, Any]) -> None:
    method = str(data.get("topk_method", "greedy"))
    if method not in ("greedy", "group_limited_greedy"):
        raise UnfitKeyError("topk_method", f"found {quoted(method)}; expected 'greedy' or 'group_limited_greedy'")
    if method == "greedy":
        made |= {"mixture.groups": "1", "mixture.groups_per_token": "1"}
    _latent(data, made, first=0, shared=2)


def _deepseek_v3(data: dict[str, Any], made: dict[str, Any]) -> None:
    made["notes"] = [_FURTHER_TOKENS]
    if truth(data.get("rope_interleave"), otherwise=True):
        made["rotary_form"] = "neighbours"
    groups = max(1, whole(made.get("mixture.groups")))
    made["mixture.group_largest"] = str(max(1, min(2, whole(made["experts"]) // groups)))
    _latent(data, made, first=3, shared=1)


def _sparse_layers(data: dict[str, Any], made: dict[str, Any]) -> None:
    """Qwen's: each so many layers has experts, but for those that are listed."""
    every, without = max(1, whole(data.get("decoder_sparse_step"), 1)), listed(data, "mlp_only_layers") or []
    sparse = [layer for layer in layers_of(made) if (layer + 1) % every == 0 and layer not in without]
    if len(sparse) < len(layers_of(made)):
        made["mixture.layers"] = texts(sparse)


def _qwen2_moe(data: dict[str, Any], made: dict[str, Any]) -> None:
    _sparse_layers(data, made)
    if truth(data.get("use_sliding_window")) and not data.get("layer_types"):
        first = whole(data.get("max_window_layers"), 28)
        made["full_layers"] = [str(layer) for layer in layers_of(made) if layer % 2 or layer >= first]
        data.pop("max_window_layers", None)


def _gpt_oss(data: dict[str, Any], made: dict[str, Any]) -> None:  # noqa: ARG001 - as all are called
    gain = number(data.get("swiglu_alpha", "1.702"))
    if gain != _GAIN:
        raise UnfitKeyError("swiglu_alpha", f"found {gain}; expected 1.702, as nothing else is executed")
    if not data.get("rope_scaling") and not data.get("rope_parameters"):
        data["rope_scaling"] = {
            "rope_type": "yarn",
            "factor": "32",
            "beta_fast": "32",
            "beta_slow": "1",
            "truncate": "false",
            "original_max_position_embeddings": "4096",
        }


def _llama4(data: dict[str, Any], made: dict[str, Any]) -> None:
    layers = layers_of(made)
    rotated = rotated_layers(data, layers)
    made["rotary_layers"] = texts(rotated)
    if not data.get("layer_types") and "window" in made:
        made["full_layers"] = [str(layer) for layer in layers if layer not in rotated]
    if len(rotated) < len(layers) and str(data.get("attn_temperature_tuning", "true")) not in ("false", "0"):
        made["temperature.every"] = str(data.get("floor_scale", "8192"))
        made["temperature.rise"] = str(data.get("attn_scale", "0.1"))
    every, sparse = max(1, whole(data.get("interleave_moe_layer_step"), 1)), listed(data, "moe_layers")
    if sparse is None:
        sparse = list(range(every - 1, len(layers), every))
    made["mixture.layers"] = texts(sparse)
    made["mixture.shared"] = made["mixture.ffn"]


_SPARSE = {**LLAMA, "positions": "32768", "gates_renormalised": "false", "use_window": "false"}
MIXTURES = {
    "deepseek_v2": Family(
        _LATENT,
        {**GATED, "rotary_form": "neighbours", "gates_renormalised": "false"},
        {
            **LLAMA,
            **_LATENT_DEFAULTS,
            "latent.form": "absorbed",
            "experts": "64",
            "mixture.ffn": "1407",
            "mixture.groups": "1",
            "mixture.groups_per_token": "1",
            "mixture.scale": "1",
        },
        {**TIED, **BIASED},
        further=_deepseek_v2,
    ),
    "deepseek_v3": Family(
        _LATENT,
        {**GATED, "mixture.scores": "sigmoid", "mixture.choice_bias": "true"},
        {
            **LLAMA,
            **_LATENT_DEFAULTS,
            "latent.form": "absorbed",
            "positions": "4096",
            "experts": "256",
            "experts_per_token": "8",
            "mixture.ffn": "2048",
            "mixture.groups": "8",
            "mixture.groups_per_token": "4",
            "mixture.scale": "2.5",
        },
        {**TIED, **BIASED, **_RENORMALISED},
        further=_deepseek_v3,
    ),
    "qwen2_moe": Family(
        {**WINDOWED, **_EXPERTS, "mixture.shared": ("shared_expert_intermediate_size",)},
        {**GATED, "mixture.shared_gate": "true", "output_bias": "false"},
        {
            **_SPARSE,
            "qkv_bias": "true",
            "experts": "60",
            "experts_per_token": "4",
            "mixture.ffn": "1408",
            "mixture.shared": "5632",
        },
        {**TIED, **_RENORMALISED, "qkv_bias": "qkv_bias"},
        further=_qwen2_moe,
    ),
    "qwen3_moe": Family(
        {**WINDOWED, **_EXPERTS},
        {**GATED, "qk_norm": "true"},
        {**_SPARSE, "kv_heads": "4", "experts": "128", "experts_per_token": "8", "mixture.ffn": "768"},
        {**TIED, **BIASED, **_RENORMALISED},
        further=_sparse_layers,
    ),
    "gpt_oss": Family(
        {
            **{key: names for key, names in WINDOWED.items() if key != "activation"},
            **{key: names for key, names in _EXPERTS.items() if key != "mixture.ffn"},
            "gate_limit": ("swiglu_limit",),
        },
        {
            **GATED,
            "activation": "quick_gelu",
            "sinks": "true",
            "ffn_bias": "true",
            "mixture.router_bias": "true",
            "up_shift": "1",
        },
        {
            "tied": "false",
            "qkv_bias": "true",
            "output_bias": "true",
            "positions": "131072",
            "epsilon": "1e-5",
            "rotary_base": "150000",
            "head_dim": "64",
            "kv_heads": "8",
            "window": "128",
            "window_pattern": "2",
            "experts": "128",
            "experts_per_token": "4",
            "gate_limit": "7",
        },
        {**TIED, **BIASED},
        further=_gpt_oss,
    ),
    "llama4_text": Family(
        {
            **GROUPED,
            **_EXPERTS,
            "ffn": ("intermediate_size_mlp",),
            "mixture.ffn": ("intermediate_size",),
            "window": ("attention_chunk_size",),
        },
        {
            **GATED,
            "rotary_form": "neighbours",
            "qk_norm_form": "turned",
            "mixture.scores": "sigmoid",
            "mixture.multiply": "inputs",
            "gates_renormalised": "false",
            "window_chunks": "true",
        },
        {
            **LLAMA,
            "positions": "131072",
            "epsilon": "1e-5",
            "rotary_base": "500000",
            "kv_heads": "8",
            "head_dim": "128",
            "ffn": "16384",
            "mixture.ffn": "8192",
            "window": "8192",
            "experts": "16",
            "experts_per_token": "1",
            "qk_norm": "true",
        },
        {**TIED, **BIASED, "use_qk_norm": "qk_norm"},
        further=_llama4,
    ),
}
"""By `model_type`."""
