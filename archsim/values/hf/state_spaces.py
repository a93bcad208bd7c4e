"""Mamba, Falcon Mamba, Jamba."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from archsim.graph.graph import Graph
from archsim.graph.weights import Weight
from archsim.values.stored import Numbers, Stored, changed
from archsim.values.weight_names import TOKENS, Names, sources

_DECAYS = "layer {}/scan.A"


def _mixer(name: str) -> dict[str, str]:
    """Of a layer whose state space has a name of its own."""
    return {
        "in projection": f"{name}.in_proj",
        "conv": f"{name}.conv1d",
        "x projection": f"{name}.x_proj",
        "dt norm": f"{name}.dt_layernorm",
        "B norm": f"{name}.b_layernorm",
        "C norm": f"{name}.c_layernorm",
        "dt projection": f"{name}.dt_proj",
        "scan.A": f"{name}.A_log",
        "scan.D": f"{name}.D",
        "out projection": f"{name}.out_proj",
    }


def _decays(parts: Sequence[Stored], weight: Weight, graph: Graph) -> Stored:  # noqa: ARG001 - as all are called
    """A, whose numbers are below 0: stored are the logarithms of their magnitudes."""
    (one,) = parts
    return changed(one, one.shape, _negative_power)


def _negative_power(x: Numbers) -> Numbers:
    return -np.exp(x)


def _with_decays(names: Names) -> Names:
    return replace(names, sources={**names.sources, _DECAYS: replace(names.sources[_DECAYS], change=_decays)})


MAMBA = _with_decays(
    Names(
        sources(
            "layers.{}.",
            {"mamba norm": "norm", **_mixer("mixer")},
            {TOKENS: "embeddings.weight", "head/norm": "norm_f", "head/logits": "lm_head"},
        ),
        ("backbone.",),
    )
)
JAMBA = _with_decays(
    Names(
        sources(
            "layers.{}.",
            {
                "mamba norm": "input_layernorm",
                **_mixer("mamba"),
                "attention norm": "input_layernorm",
                "qkv": "self_attn.q_proj self_attn.k_proj self_attn.v_proj",
                "attention output": "self_attn.o_proj",
                "ffn norm": "pre_ff_layernorm",
                "ffn gate": "feed_forward.gate_proj",
                "ffn up": "feed_forward.up_proj",
                "ffn down": "feed_forward.down_proj",
                "router": "feed_forward.router",
                "expert {} gate": "feed_forward.experts.{}.gate_proj",
                "expert {} up": "feed_forward.experts.{}.up_proj",
                "expert {} down": "feed_forward.experts.{}.down_proj",
            },
            {
                TOKENS: "embed_tokens.weight",
                "head/norm": "final_layernorm",
                "head/logits": "lm_head",
                "head/score": "score",
            },
        ),
        ("model.",),
    )
)
