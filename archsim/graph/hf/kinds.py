"""What a config's values have to be, where a reader would take anything else for absent."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from archsim.errors import ArchsimError, Fault
from archsim.machine.source import Document, Loc, dotted
from archsim.machine.wording import shown

_NOTHING = (None, "", "null")
_Fits = Callable[[object], bool]


def _is_number(value: object) -> bool:
    try:
        return isfinite(float(str(value)))
    except ValueError:
        return False


_KINDS: Mapping[str, _Fits] = {
    "a list in [ ]": lambda value: isinstance(value, list),
    "a mapping of keys to values": lambda value: isinstance(value, dict),
    "one value": lambda value: isinstance(value, str),
    "a whole number such as '8'": lambda value: str(value).isdigit(),
    "a number such as '0.25'": _is_number,
    "true or false": lambda value: value in ("true", "false"),
    "true, false or a whole number": lambda value: value in ("true", "false") or str(value).isdigit(),
}
_LIST, _MAPPING, _TEXT, _WHOLE, _NUMBER, _TRUTH, _SWITCH = _KINDS
_KEYS: Mapping[str, str] = {
    _LIST: "architectures layer_types attention_layers attention_types no_rope_layers mlp_only_layers moe_layers",
    _MAPPING: "text_config vision_config id2label quantization_config rope_scaling rope_parameters",
    _TEXT: "name model_type topk_method feed_forward_proj",
    _WHOLE: "num_labels max_window_layers sliding_window_pattern _sliding_window_pattern global_attn_every_n_layers "
    "no_rope_layer_interval decoder_sparse_step first_k_dense_replace moe_layer_freq n_shared_experts "
    "interleave_moe_layer_step num_hidden_groups inner_group_num num_kv_heads n_head_kv num_ln_in_parallel_attn "
    "attn_layer_period attn_layer_offset expert_layer_period expert_layer_offset",
    _NUMBER: "rope_theta rotary_emb_base global_rope_theta local_rope_theta rope_local_base_freq rotary_pct "
    "partial_rotary_factor query_pre_attn_scalar swiglu_alpha floor_scale attn_scale expand mamba_expand",
    _TRUTH: "use_sliding_window alibi multi_query parallel_attn new_decoder_architecture rope_interleave "
    "scale_attn_weights scale_embedding scale_decoder_outputs _remove_final_layer_norm mlp_gated_linear_units",
    _SWITCH: "attn_temperature_tuning",
}
_ROTARY_KEYS: Mapping[str, str] = {
    _LIST: "short_factor long_factor",
    _MAPPING: "full_attention sliding_attention",
    _TEXT: "rope_type type",
    _WHOLE: "original_max_position_embeddings",
    _NUMBER: "rope_theta partial_rotary_factor factor low_freq_factor high_freq_factor beta_fast beta_slow mscale "
    "mscale_all_dim attention_factor",
    _TRUTH: "truncate",
}
_OF_KEY = {key: kind for kind, keys in _KEYS.items() for key in keys.split()}
_OF_ROTARY_KEY = {key: kind for kind, keys in _ROTARY_KEYS.items() for key in keys.split()}
_ROTARY = ("rope_scaling", "rope_parameters")


def require_kinds(document: Document, data: Mapping[str, Any]) -> None:
    """Raise ArchsimError with each value of a config, and of its rotary positions, that is not of its key's kind."""
    faults = _faults(document, data, (), _OF_KEY)
    for key in _ROTARY:
        numbers = data.get(key)
        if isinstance(numbers, dict):
            faults += _faults(document, numbers, (key,), _OF_ROTARY_KEY)
            for layers, inner in numbers.items():
                if isinstance(inner, dict):
                    faults += _faults(document, inner, (key, layers), _OF_ROTARY_KEY)
    if faults:
        raise ArchsimError(*faults)


def _faults(document: Document, data: Mapping[str, Any], loc: Loc, kinds: Mapping[str, str]) -> list[Fault]:
    return [
        Fault(f"{dotted((*loc, key))}: found {shown(value)}; expected {kinds[key]}", document.place((*loc, key)))
        for key, value in data.items()
        if key in kinds and not (isinstance(value, str) and value in _NOTHING) and not _KINDS[kinds[key]](value)
    ]
