"""Where a config says what a model file's key is made of, for keys that are not a size of one name."""

from archsim.errors import Place
from archsim.machine.source import Document, Loc

_FROM = {
    "kv_heads": "num_kv_heads n_head_kv",
    "gated": "mlp_gated_linear_units feed_forward_proj",
    "classes": "num_labels id2label",
    "position_classes": "num_labels id2label",
    "full_layers": "layer_types attention_layers attention_types sliding_window_pattern _sliding_window_pattern "
    "max_window_layers global_attn_every_n_layers no_rope_layers no_rope_layer_interval",
    "rotary_base": "rope_theta",
    "rotary_values": "partial_rotary_factor rotary_pct",
    "rotary_layers": "no_rope_layers no_rope_layer_interval",
    "temperature.every": "floor_scale",
    "temperature.rise": "attn_scale",
    "mixture.layers": "moe_layers mlp_only_layers decoder_sparse_step first_k_dense_replace moe_layer_freq "
    "interleave_moe_layer_step expert_layer_period expert_layer_offset",
    "mixture.shared": "n_shared_experts",
    "shared_layers": "num_hidden_groups inner_group_num",
    "state_space.layers": "attn_layer_period attn_layer_offset",
    "state_space.channels": "expand mamba_expand",
}
_OF_ROTATION = {
    "rotary_base": "rope_theta",
    "rotary_values": "partial_rotary_factor",
    "rotary_scaling.kind": "rope_type type",
    "rotary_scaling.factor": "factor",
    "rotary_scaling.factors": "short_factor",
    "rotary_scaling.low": "low_freq_factor beta_slow",
    "rotary_scaling.high": "high_freq_factor beta_fast",
    "rotary_scaling.positions": "original_max_position_embeddings",
    "rotary_scaling.magnitude": "attention_factor",
}
_ROTATIONS: tuple[Loc, ...] = tuple(
    (key, *inner) for key in ("rope_scaling", "rope_parameters") for inner in (("full_attention",), ())
)


def place_of(document: Document, key: str) -> Place | None:
    """The place of the first of a config's keys that decide on a key of a model file; None where it has none."""
    rotation = [(*loc, name) for loc in _ROTATIONS for name in _OF_ROTATION.get(key, "").split()]
    if key == "window_rotary_base":
        rotation = [("rope_parameters", "sliding_attention", "rope_theta")]
    locs: list[Loc] = [*rotation, *((name,) for name in _FROM.get(key, "").split())]
    if key.startswith("rotary_scaling."):
        locs += _ROTATIONS
    return next((document.places[loc] for loc in locs if loc in document.places), None)
