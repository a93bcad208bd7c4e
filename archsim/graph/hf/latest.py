"""Model types with other norms, positions, heads or shared weights: OLMo 2, SmolLM3, ModernBERT, ALBERT and so on."""

from typing import Any

from archsim.errors import quoted
from archsim.graph.bounds import MOST_LAYERS
from archsim.graph.hf.families import BIASED, GATED, GROUPED, LLAMA, PICTURE, TIED, USUAL, WINDOWED, Family
from archsim.graph.hf.reading import UnfitKeyError, layers_of, rotated_layers, texts, truth, whole


def _smollm3(data: dict[str, Any], made: dict[str, Any]) -> None:
    layers = layers_of(made)
    rotated = rotated_layers(data, layers)
    if len(rotated) < len(layers):
        made["rotary_layers"] = texts(rotated)
    if "window" in made and truth(data.get("use_sliding_window")) and not data.get("layer_types"):
        made["full_layers"] = texts(rotated)


def _modernbert(data: dict[str, Any], made: dict[str, Any]) -> None:
    """A window lies on both sides of a position, half of it on each."""
    for key, expected in (("classifier_bias", "false"), ("decoder_bias", "true")):
        if str(data.get(key, expected)).lower() != expected:
            found = f"found {quoted(str(data[key]))}; expected '{expected}', as nothing else is known"
            raise UnfitKeyError(key, found)
    if "window" in made:
        made["window"] = str(whole(made["window"]) // 2 * 2 + 1)
    if not data.get("layer_types"):
        every = max(1, whole(data.get("global_attn_every_n_layers"), 3))
        made["full_layers"] = [str(layer) for layer in layers_of(made) if layer % every == 0]


def _albert(data: dict[str, Any], made: dict[str, Any]) -> None:
    """Layers of a group have the same weights; a group has one or more layers of its own, one after the other."""
    groups, inner = (max(1, whole(data.get(key), 1)) for key in ("num_hidden_groups", "inner_group_num"))
    layers = layers_of(made)
    if inner > 1:
        made["layers"] = str(whole(made["layers"]) * inner)
    if len(layers) * inner > MOST_LAYERS:  # which is refused with the other sizes
        return
    group_of = [int(layer / (len(layers) / groups)) for layer in layers]
    first = {group: group_of.index(group) for group in set(group_of)}
    made["shared_layers"] = [str(first[group] * inner + own) for group in group_of for own in range(inner)]


def _falcon(data: dict[str, Any], made: dict[str, Any]) -> None:
    """Two forms of a layer: the newer one has heads in groups, and, if nothing is said, two norms side by side."""
    heads, kept = str(whole(made.get("heads"), 1)), data.get("num_kv_heads", data.get("n_head_kv"))
    newer = truth(data.get("new_decoder_architecture"))
    if newer:
        made["kv_heads"] = str(heads if kept is None or kept == "null" else kept)
    else:
        made["kv_heads"] = "1" if truth(data.get("multi_query"), otherwise=True) else heads
    made["parallel"] = str(newer or truth(data.get("parallel_attn"), otherwise=True)).lower()
    alone = str(data.get("num_ln_in_parallel_attn", "2")) == "1" if newer else True
    made["shared_norm"] = str(made["parallel"] == "true" and alone).lower()
    if truth(data.get("alibi")):
        made["rotary"], made["score_bias"] = "false", "true"
        size = whole(made.get("hidden")) // max(1, whole(heads))
        made["score_bias_scale"] = str(max(1, size) ** -0.5)


def _siglip_text(data: dict[str, Any], made: dict[str, Any]) -> None:  # noqa: ARG001 - as all are called
    made.setdefault("project_last", made["hidden"])


LATEST = {
    "olmo2": Family(
        GROUPED,
        {**GATED, "qk_norm": "true", "qk_norm_form": "whole", "post_norms": "true", "pre_norms": "false"},
        {**LLAMA, "epsilon": "1e-5"},
        {**TIED, **BIASED},
    ),
    "smollm3": Family(
        WINDOWED,
        GATED,
        {
            **LLAMA,
            "tied": "true",
            "kv_heads": "4",
            "positions": "32768",
            "rotary_base": "2000000",
            "use_window": "false",
        },
        {**TIED, **BIASED, "mlp_bias": "ffn_bias"},
        further=_smollm3,
    ),
    "modernbert": Family(
        {
            **{key: names for key, names in USUAL.items() if key != "epsilon"},
            "epsilon": ("norm_eps", "layer_norm_eps"),
            "activation": ("hidden_activation", "hidden_act"),
            "window": ("local_attention",),
            "rotary_base": ("global_rope_theta",),
            "window_rotary_base": ("local_rope_theta",),
        },
        {
            "architecture": "encoder",
            "gated": "true",
            "rotary": "true",
            "norm_first": "true",
            "embedding_norm": "true",
            "first_norm": "false",
            "bias": "false",
        },
        {
            "activation": "gelu",
            "positions": "8192",
            "epsilon": "1e-5",
            "window": "128",
            "rotary_base": "160000",
            "window_rotary_base": "10000",
            "norm_bias": "false",
        },
        {**BIASED, "norm_bias": "norm_bias", "mlp_bias": "ffn_bias"},
        further=_modernbert,
    ),
    "albert": Family(
        {**USUAL, "segments": ("type_vocab_size",), "embedding": ("embedding_size",)},
        {"architecture": "encoder", "pooler": "true", "embedding_projected_last": "true"},
        {"activation": "gelu_new", "segments": "2", "epsilon": "1e-12", "positions": "512", "embedding": "128"},
        further=_albert,
    ),
    "falcon": Family(
        {**USUAL, "ffn": ("ffn_hidden_size",)},
        {"architecture": "decoder", "rotary": "true"},
        {"activation": "gelu", "positions": "2048", "epsilon": "1e-5", "bias": "false"},
        {**TIED, "bias": "bias"},
        further=_falcon,
    ),
    "siglip_vision_model": Family(
        PICTURE,
        {"architecture": "encoder", "norm_first": "true", "image.tokens": "0"},
        {
            "layers": "12",
            "hidden": "768",
            "heads": "12",
            "ffn": "3072",
            "image.size": "224",
            "image.patch": "16",
            "image.channels": "3",
            "activation": "gelu_pytorch_tanh",
            "epsilon": "1e-6",
            "attention_pooler": "true",
        },
        {"vision_use_head": "attention_pooler"},
    ),
    "siglip_text_model": Family(
        {**USUAL, "project_last": ("projection_size",)},
        {"architecture": "encoder", "norm_first": "true"},
        {
            "layers": "12",
            "hidden": "768",
            "heads": "12",
            "ffn": "3072",
            "vocabulary": "32000",
            "positions": "64",
            "activation": "gelu_pytorch_tanh",
            "epsilon": "1e-6",
        },
        further=_siglip_text,
    ),
}
"""By `model_type`."""
