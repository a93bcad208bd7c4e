"""Which keys of a transformer's file go together: those of mixtures, latent attention, windows and lists of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from archsim.graph.bounds import LARGEST_SIZE, MOST_EXPERTS, MOST_LAYERS, WIDEST_HEAD
from archsim.graph.mechanisms import Mixture

if TYPE_CHECKING:
    from archsim.graph.preset import Preset


def misfit(key: str, message: str, /, **values: object) -> PydanticCustomError:
    """An error at a key of a file, whose message has values in braces."""
    return PydanticCustomError("preset", message, {**values, "at": key})


def idle_mechanisms(preset: Preset) -> list[tuple[str, str]]:
    """Keys that are there without another key without which they have no use: both."""
    decodes = preset.architecture == "decoder"
    needs: list[tuple[str, bool, str]] = [
        ("mixture", preset.mixture != Mixture() and preset.experts == 1, "experts"),
        (
            "window_chunks",
            preset.window_chunks and (preset.window is None or not preset.is_causal),
            "window, in a decoder or with causal: true",
        ),
        ("rotary_layers", preset.rotary_layers is not None and not preset.rotary, "rotary: true"),
        ("temperature", preset.temperature is not None and preset.rotary_layers is None, "rotary_layers"),
        ("qk_norm_form", preset.qk_norm_form != "heads" and not preset.qk_norm, "qk_norm: true"),
        ("attention_pooler", preset.attention_pooler and preset.image is None, "image"),
        (
            "project_last",
            preset.project_last is not None and preset.architecture != "encoder",
            "architecture: encoder",
        ),
        ("window_rotary_base", preset.window_rotary_base is not None and preset.window is None, "window"),
        ("gate_limit", preset.gate_limit is not None and not preset.gated, "gated: true"),
        ("up_shift", preset.up_shift != 0 and not preset.gated, "gated: true"),
        ("pre_norms", not preset.pre_norms and not preset.post_norms, "post_norms: true"),
        (
            "embedding_projected_last",
            preset.embedding_projected_last and (preset.embedding is None or preset.architecture != "encoder"),
            "embedding, and architecture: encoder",
        ),
        (
            "latent",
            preset.latent is not None and not (decodes and preset.rotary),
            "architecture: decoder and rotary: true",
        ),
    ]
    needs += [
        (
            "state_space",
            preset.state_space is not None and not (decodes and not preset.parallel),
            "architecture: decoder, and without parallel",
        ),
        ("ffn: 0", not preset.ffn and preset.state_space is None, "state_space"),
        ("experts", preset.experts > 1 and not preset.ffn, "an ffn of 1 or more"),
    ]
    return [(key, with_what) for key, useless, with_what in needs if useless]


def require_bounds(preset: Preset) -> None:
    """Raise PydanticCustomError for more layers, experts or values of heads than are built."""
    twice = preset.architecture == "encoder-decoder"
    layers = preset.layers + (preset.decoder_layers or preset.layers) * twice
    mixing = 0 if layers > MOST_LAYERS else sum(map(preset.mixes, range(layers)))
    of_a_head = "heads" if preset.head_dim is None else "head_dim"
    for key, found, what, most in (
        ("layers", layers, "layers", MOST_LAYERS),
        ("experts", mixing * preset.experts, "experts in all layers", MOST_EXPERTS),
        (of_a_head, preset.per_head, "values of a head", WIDEST_HEAD),
        ("latent.rotary" if preset.latent else "rotary_values", preset.turned, "values that are turned", WIDEST_HEAD),
        ("heads", preset.heads * preset.per_head, "values of all heads", LARGEST_SIZE),
    ):
        if found > most:
            raise misfit(key, "found {found} {what}; expected at most {most}", found=found, what=what, most=most)


def require_mechanisms(preset: Preset) -> None:
    """Raise PydanticCustomError for what does not fit together."""
    _require_layers(preset)
    _require_groups(preset)
    _require_attention(preset)
    latent = preset.latent
    if preset.window is not None and not preset.is_causal and preset.window % 2 == 0:
        message = "found a window of {window}; expected an odd number in an encoder: as many on both sides"
        raise misfit("window", message, window=preset.window)
    if latent is not None and any(
        (preset.kv_heads, preset.qk_norm, preset.score_bias, preset.sinks, preset.window, preset.temperature)
    ):
        message = "found 'latent' with '{key}'; expected one or the other"
        keys = ("kv_heads", "qk_norm", "score_bias", "sinks", "window", "temperature")
        key = next(key for key in keys if getattr(preset, key))
        raise misfit(key, message, key=key)
    if latent is not None and latent.rotary % 2:
        message = "found {rotary} 'rotary' values; expected an even number, as pairs are turned"
        raise misfit("latent.rotary", message, rotary=latent.rotary)


def _require_layers(preset: Preset) -> None:
    """Numbers in lists are of layers that there are."""
    lists = {
        "rotary_layers": preset.rotary_layers,
        "mixture.layers": preset.mixture.layers,
        "shared_layers": preset.shared_layers,
        "full_layers": preset.full_layers,
        "state_space.layers": None if preset.state_space is None else preset.state_space.layers,
    }
    layers = max(preset.layers, preset.decoder_layers or 0)
    for key, listed in lists.items():
        beyond = next((layer for layer in listed or () if layer >= layers), None)
        if beyond is not None:
            message = "'{key}' has layer {beyond}; expected numbers from 0 to {last}"
            raise misfit(key, message, key=key, beyond=beyond, last=layers - 1)
    shared = preset.shared_layers
    if shared is not None and (
        preset.architecture == "encoder-decoder"
        or len(shared) != preset.layers
        or any(source > at or shared[source] != source for at, source in enumerate(shared))
    ):
        message = "'shared_layers': expected for each of {layers} layers its own number or that of one before it"
        raise misfit("shared_layers", message, layers=preset.layers)


def _require_attention(preset: Preset) -> None:
    """Keys of attention alone have a use where some layer has any."""
    if preset.state_space is None or any(map(preset.attends, range(preset.layers))):
        return
    keys = ("heads", "kv_heads", "head_dim", "rotary", "qk_norm", "score_bias", "window", "latent", "sinks")
    used = next((key for key in keys if getattr(preset, key)), None)
    if used is not None:
        message = "found '{key}', but no layer has attention; expected fewer state_space.layers"
        raise misfit(used, message, key=used)


def _require_groups(preset: Preset) -> None:
    """Groups of experts are of one size, and enough of them are taken."""
    mixture = preset.mixture
    if preset.experts % mixture.groups or mixture.groups_per_token > mixture.groups:
        message = "found {experts} experts in {groups} groups, of which {chosen} are taken; expected groups of one size"
        sizes = {"experts": preset.experts, "groups": mixture.groups, "chosen": mixture.groups_per_token}
        raise misfit("mixture.groups", message, **sizes)
    size = preset.experts // mixture.groups
    if mixture.group_largest > size or preset.experts_per_token > mixture.groups_per_token * size:
        message = "found groups of {size} experts; expected enough for 'group_largest' and 'experts_per_token'"
        raise misfit("mixture.groups", message, size=size)


def require_rotation(preset: Preset) -> None:
    """Raise PydanticCustomError for rotary positions, epsilons and caps with which nothing can be computed."""
    _require_turned(preset)
    if preset.norm_epsilon < 0:
        raise misfit("epsilon", f"found an epsilon of {preset.epsilon:g}; expected 0 or more")
    for key in ("rotary_base", "window_rotary_base"):
        base = getattr(preset, key)
        if base is not None and base <= 1:
            raise misfit(key, f"found a rotary base of {base:g}; expected more than 1")
    for key in ("score_cap", "logit_cap"):
        cap = getattr(preset, key)
        if cap is not None and cap <= 0:
            raise misfit(key, f"found a cap of {cap:g}; expected more than 0")


def _require_turned(preset: Preset) -> None:
    """Values that are turned are pairs of a head's, and all factors are of more than 0."""
    turned, scaling = preset.turned, preset.rotary_scaling
    if preset.rotary and turned % 2:
        raise misfit("rotary_values", f"found {turned} values of a head that are turned; expected pairs")
    if preset.rotary and preset.latent is None and turned > preset.per_head:
        wrong = f"found {turned} values of a head that are turned; expected at most {preset.per_head}"
        raise misfit("rotary_values", wrong)
    if scaling is None:
        return
    if scaling.kind == "longrope" and len(scaling.factors) != turned // 2:
        pairs = f"{turned // 2}, one for each pair that is turned"
        wrong = f"found {len(scaling.factors)} factors in rotary_scaling; expected {pairs}"
        raise misfit("rotary_scaling.factors", wrong)
    if min((scaling.factor, *scaling.factors)) <= 0:
        key = "rotary_scaling.factor" if scaling.factor <= 0 else "rotary_scaling.factors"
        raise misfit(key, "found a factor of 0 or less in rotary_scaling; expected more than 0")
    if scaling.kind == "yarn" and min(scaling.low, scaling.high) <= 0:
        key = "rotary_scaling.low" if scaling.low <= 0 else "rotary_scaling.high"
        raise misfit(key, "found 0 turns or less in rotary_scaling; expected more than 0")
