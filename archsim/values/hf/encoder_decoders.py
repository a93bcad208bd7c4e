"""T5, BART, Whisper."""

from dataclasses import replace

from archsim.values.weight_names import POSITIONS, TOKENS, Names, Source, sources

_TARGET_TOKENS, _TARGET_POSITIONS = (f"embeddings/target embedding.{table}" for table in ("tokens", "positions"))
_SCORE_BIAS = {"score bias.table": "layer.0.SelfAttention.relative_attention_bias.weight"}
_T5_ATTENTION = {
    "attention norm": "layer.0.layer_norm",
    "qkv": "layer.0.SelfAttention.q layer.0.SelfAttention.k layer.0.SelfAttention.v",
    "attention output": "layer.0.SelfAttention.o",
    **_SCORE_BIAS,
}
_T5_CROSS = {
    "cross norm": "layer.1.layer_norm",
    "cross query": "layer.1.EncDecAttention.q",
    "cross keys and values": "layer.1.EncDecAttention.k layer.1.EncDecAttention.v",
    "cross output": "layer.1.EncDecAttention.o",
}
_BART_LAYER = {
    "attention norm": "self_attn_layer_norm",
    "qkv": "self_attn.q_proj self_attn.k_proj self_attn.v_proj",
    "attention output": "self_attn.out_proj",
    "ffn norm": "final_layer_norm",
    "ffn up": "fc1",
    "ffn down": "fc2",
}
_BART_CROSS = {
    "cross norm": "encoder_attn_layer_norm",
    "cross query": "encoder_attn.q_proj",
    "cross keys and values": "encoder_attn.k_proj encoder_attn.v_proj",
    "cross output": "encoder_attn.out_proj",
}


def _t5_feed_forward(at: int) -> dict[str, str]:
    """T5 1.1 has two projections up, of which the first is the gate; the first T5 has one."""
    return {
        "ffn norm": f"layer.{at}.layer_norm",
        "ffn gate": f"layer.{at}.DenseReluDense.wi_0",
        "ffn up": f"layer.{at}.DenseReluDense.wi_1|layer.{at}.DenseReluDense.wi",
        "ffn down": f"layer.{at}.DenseReluDense.wo",
    }


def _stacks(others: dict[str, str]) -> Names:
    return Names(
        {
            **sources("encoder.layers.{}.", _BART_LAYER, {}, stack="encoder"),
            **sources("decoder.layers.{}.", {**_BART_LAYER, **_BART_CROSS}, {}, stack="decoder"),
            **sources("", {}, {**others, "head/logits": "lm_head|proj_out"}),
        },
        ("model.",),
    )


_T5_ENCODER = {**_T5_ATTENTION, **_t5_feed_forward(1)}
T5 = Names(
    {
        **sources("encoder.block.{}.", _T5_ENCODER, {}, stack="encoder"),
        **sources("encoder.block.{}.", _T5_ENCODER, {}),
        **sources("decoder.block.{}.", {**_T5_ATTENTION, **_T5_CROSS, **_t5_feed_forward(2)}, {}, stack="decoder"),
        TOKENS: Source(("shared.weight",)),
        "encoder end/norm": Source(("encoder.final_layer_norm",)),
        "end/norm": Source(("encoder.final_layer_norm",)),
        "head/norm": Source(("decoder.final_layer_norm",)),
        "head/logits": Source(("lm_head",)),
    }
)
BART = _stacks(
    {
        TOKENS: "shared.weight",
        POSITIONS: "encoder.embed_positions.weight",
        _TARGET_POSITIONS: "decoder.embed_positions.weight",
        "embeddings/norm": "encoder.layernorm_embedding",
        "embeddings/target norm": "decoder.layernorm_embedding",
    }
)
_WHISPER = _stacks(
    {
        _TARGET_TOKENS: "decoder.embed_tokens.weight",
        POSITIONS: "encoder.embed_positions.weight",
        _TARGET_POSITIONS: "decoder.embed_positions.weight",
        "embeddings/conv {}": "encoder.conv{}",
        "encoder end/norm": "encoder.layer_norm",
        "head/norm": "decoder.layer_norm",
    }
)
_KEYS = {"qkv": 1, "cross keys and values": 0}
"""Which part of a projection is that of the keys, which have no bias."""
WHISPER = replace(
    _WHISPER,
    sources={
        key: replace(source, unbiased=_KEYS.get(key.rpartition("/")[2])) for key, source in _WHISPER.sources.items()
    },
)
