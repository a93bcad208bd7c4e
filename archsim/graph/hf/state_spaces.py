"""Model types with state-space layers: Mamba, Falcon Mamba, Jamba."""

from dataclasses import replace
from typing import Any

from archsim.errors import quoted
from archsim.graph.hf.families import GATED, GROUPED, LLAMA, TIED, USUAL, Family, Sizes
from archsim.graph.hf.reading import UnfitKeyError, layers_of, texts, whole

_SIZES = {"state_space.state": "16", "state_space.kernel": "4"}


def _set_channels(data: dict[str, Any], made: dict[str, Any], key: str) -> None:
    """So many times the values of a position, rounded down; and the usual rank, where it is `auto`."""
    if str(made.get("state_space.rank")) == "auto":
        del made["state_space.rank"]
    if "state_space.channels" not in made:
        expand = str(data.get(key, 2))
        if not expand.replace(".", "", 1).isdigit():
            raise UnfitKeyError(key, f"found {quoted(expand)}; expected a number of 0 or more such as '2'")
        made["state_space.channels"] = str(int(float(expand) * whole(made["hidden"], 1)))


def _mamba(data: dict[str, Any], made: dict[str, Any]) -> None:
    _set_channels(data, made, "expand")


def _jamba(data: dict[str, Any], made: dict[str, Any]) -> None:
    """One layer of each period has attention in place of a state space, one of another period experts."""
    _set_channels(data, made, "mamba_expand")
    layers = layers_of(made)
    attention = _periodic(data, "attn_layer", (8, 4), layers)
    if not attention:
        for key in ("heads", "kv_heads", "head_dim"):
            made.pop(key, None)
    made["state_space.layers"] = texts([layer for layer in layers if layer not in attention])
    if str(made["experts"]) == "1":
        del made["experts_per_token"]
    else:
        made["mixture.layers"] = texts(_periodic(data, "expert_layer", (2, 1), layers))


def _periodic(data: dict[str, Any], key: str, usual: tuple[int, int], layers: range) -> list[int]:
    """Layers by a period and an offset; usual: both, where a config does not say. Raises UnfitKeyError."""
    period_key, offset_key = f"{key}_period", f"{key}_offset"
    period, offset = (whole(data.get(name), at) for name, at in zip((period_key, offset_key), usual, strict=True))
    if not period:
        raise UnfitKeyError(period_key, "found '0'; expected 1 or more")
    if offset >= period:
        found = f"found {period_key} {period} and {offset_key} {offset}; expected an offset below the period"
        raise UnfitKeyError(offset_key if offset_key in data else period_key, found)
    return [layer for layer in layers if layer % period == offset]


_MAMBA_SIZES: Sizes = {
    **{key: USUAL[key] for key in ("layers", "hidden", "vocabulary", "activation", "epsilon")},
    "state_space.state": ("state_size",),
    "state_space.kernel": ("conv_kernel",),
    "state_space.rank": ("time_step_rank",),
    "state_space.channels": ("intermediate_size",),
}
_MAMBA = Family(
    _MAMBA_SIZES,
    # a recurrence has no longest sequence: as many positions as a job may have
    {"architecture": "decoder", "norm": "rmsnorm", "bias": "false", "ffn": "0", "positions": "1048576"},
    {"activation": "silu", "epsilon": "1e-5", **_SIZES},
    {**TIED, "use_bias": "state_space.bias", "use_conv_bias": "state_space.conv_bias"},
    further=_mamba,
)
STATE_SPACES = {
    "mamba": _MAMBA,
    "falcon_mamba": replace(
        _MAMBA,
        sizes={**_MAMBA_SIZES, "state_space.norm_epsilon": ("mixer_rms_eps",)},
        fixed={**_MAMBA.fixed, "state_space.norms": "plain"},
        defaults={**_MAMBA.defaults, "state_space.norm_epsilon": "1e-6"},
    ),
    "jamba": Family(
        {
            **GROUPED,
            "experts": ("num_local_experts", "num_experts"),
            "experts_per_token": ("num_experts_per_tok",),
            "state_space.state": ("mamba_d_state",),
            "state_space.kernel": ("mamba_d_conv",),
            "state_space.rank": ("mamba_dt_rank",),
        },
        {**GATED, "rotary": "false", "gates_renormalised": "false", "state_space.norms": "scaled"},
        {**LLAMA, "positions": "262144", "experts": "16", "experts_per_token": "2", **_SIZES},
        {**TIED, "mamba_conv_bias": "state_space.conv_bias", "mamba_proj_bias": "state_space.bias"},
        further=_jamba,
    ),
}
"""By `model_type`."""
