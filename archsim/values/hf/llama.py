"""Llama, and those that name their weights as it does."""

from dataclasses import replace

from archsim.values.weight_names import TOKENS, Names, Source, sources

_PREFIXES = ("model.", "transformer.", "language_model.model.", "model.language_model.", "language_model.")
_ATTENTION = {
    "attention norm": "input_layernorm",
    "qkv": "self_attn.q_proj self_attn.k_proj self_attn.v_proj",
    "qk norm": "self_attn.q_norm self_attn.k_norm",
    "attention output": "self_attn.o_proj",
    "ffn norm": "post_attention_layernorm",
}
_GATED = {"ffn gate": "mlp.gate_proj", "ffn up": "mlp.up_proj", "ffn down": "mlp.down_proj"}
_EXPERTS = {
    "router": "block_sparse_moe.gate",
    "expert {} gate": "block_sparse_moe.experts.{}.w1",
    "expert {} up": "block_sparse_moe.experts.{}.w3",
    "expert {} down": "block_sparse_moe.experts.{}.w2",
}
_POST_NORMS = {
    "attention post norm": "post_attention_layernorm",
    "ffn norm": "pre_feedforward_layernorm",
    "ffn post norm": "post_feedforward_layernorm",
}
_ENDS = {
    TOKENS: "embed_tokens.weight",
    "head/norm": "norm",
    "head/logits": "lm_head",
    "head/score": "score",
    "head/labels": "score|classifier|qa_outputs",
}


def _named(of_layers: dict[str, str]) -> Names:
    return Names(sources("layers.{}.", of_layers, _ENDS), _PREFIXES)


def _plus_one(names: Names) -> Names:
    """Scales of norms are stored less 1."""
    return replace(
        names, sources={key: replace(source, plus=float("norm" in key)) for key, source in names.sources.items()}
    )


LLAMA = _named({**_ATTENTION, **_GATED})
MIXTRAL = _named({**_ATTENTION, **_EXPERTS})
GEMMA = _plus_one(LLAMA)
GEMMA2 = _plus_one(_named({**_ATTENTION, **_GATED, **_POST_NORMS}))
PHI3 = replace(
    LLAMA,
    sources={
        **LLAMA.sources,
        "layer {}/qkv": Source(("layers.{}.self_attn.qkv_proj",)),
        "layer {}/ffn gate": Source(("layers.{}.mlp.gate_up_proj",), share=(0, 2)),
        "layer {}/ffn up": Source(("layers.{}.mlp.gate_up_proj",), share=(1, 2)),
    },
)
