"""Mixtures of experts and latent attention: DeepSeek, Qwen, gpt-oss, Llama 4."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from archsim.values.hf.changes import GATE, UP, of_expert, of_latent
from archsim.values.hf.llama import LLAMA
from archsim.values.weight_names import Names, Source

_ATTENTION = "layers.{}.self_attn."
_PROJECTIONS = ("gate", "up", "down")


def _experts(inside: str) -> dict[str, Source]:
    """One by one, or side by side as [experts, gate then up, inputs]. inside: how names begin in a layer."""
    names = f"layers.{{}}.{inside}.experts."
    rows = {"gate": GATE, "up": UP, "down": slice(None)}
    return {
        f"layer {{}}/expert {{}} {name}.weight": Source(
            (f"{names}{{}}.{name}_proj.weight",),
            instead=Source(
                (names + ("down_proj" if name == "down" else "gate_up_proj"),),
                change=partial(of_expert, rows=rows[name]),
            ),
        )
        for name in _PROJECTIONS
    }


def _across(inside: str, *, gate: slice, up: slice) -> dict[str, Source]:
    """Side by side as [experts, inputs, outputs]; gate, up: their outputs."""
    names = f"layers.{{}}.{inside}.experts."
    rows = {"gate": gate, "up": up, "down": slice(None)}
    return {
        f"layer {{}}/expert {{}} {name}.{word}": Source(
            (names + ("down_proj" if name == "down" else "gate_up_proj") + ("_bias" if word == "bias" else ""),),
            change=partial(of_expert, rows=rows[name], across=word == "weight"),
        )
        for name in _PROJECTIONS
        for word in ("weight", "bias")
    }


def _shared(inside: str, name: str) -> dict[str, Source]:
    """The expert that all positions go through."""
    return {
        f"layer {{}}/shared expert {part}": Source((f"layers.{{}}.{inside}.{name}.{part}_proj",))
        for part in _PROJECTIONS
    }


def _with(*tables: dict[str, Source]) -> Names:
    sources = dict(LLAMA.sources)
    for table in tables:
        sources |= table
    return replace(LLAMA, sources=sources)


_ROUTER = {"layer {}/router": Source(("layers.{}.mlp.gate",))}
DEEPSEEK = replace(
    _with(
        _experts("mlp"),
        _shared("mlp", "shared_experts"),
        _ROUTER,
        {
            "layer {}/router choice.bias": Source(("layers.{}.mlp.gate.e_score_correction_bias",)),
            "layer {}/query": Source((_ATTENTION + "q_b_proj",), otherwise=((_ATTENTION + "q_proj",),)),
            "layer {}/query down": Source((_ATTENTION + "q_a_proj",)),
            "layer {}/query norm": Source((_ATTENTION + "q_a_layernorm",)),
            "layer {}/latent": Source((_ATTENTION + "kv_a_proj_with_mqa",)),
            "layer {}/latent norm": Source((_ATTENTION + "kv_a_layernorm",)),
            "layer {}/keys and values up": Source((_ATTENTION + "kv_b_proj",)),
            **dict.fromkeys(
                ("layer {}/key up.weight", "layer {}/value up.weight"),
                Source((_ATTENTION + "kv_b_proj.weight",), change=of_latent),
            ),
        },
    ),
    layers_follow=True,
)
QWEN_MOE = _with(
    _experts("mlp"),
    _shared("mlp", "shared_expert"),
    _ROUTER,
    {"layer {}/shared gate": Source(("layers.{}.mlp.shared_expert_gate",))},
)
GPT_OSS = _with(
    _across("mlp", gate=slice(0, None, 2), up=slice(1, None, 2)),
    {
        "layer {}/router": Source(("layers.{}.mlp.router",)),
        "layer {}/sinks.weight": Source((_ATTENTION + "sinks",)),
    },
)
LLAMA4 = replace(
    _with(
        _across("feed_forward", gate=GATE, up=UP),
        _shared("feed_forward", "shared_expert"),
        {
            "layer {}/router": Source(("layers.{}.feed_forward.router",)),
            **{f"layer {{}}/ffn {part}": Source((f"layers.{{}}.feed_forward.{part}_proj",)) for part in _PROJECTIONS},
        },
    ),
    prefixes=("language_model.model.", "model."),
)
