"""OLMo 2, ModernBERT, ALBERT, Falcon, SigLIP."""

from __future__ import annotations

from dataclasses import replace

from archsim.values.hf.changes import after_query, of_query
from archsim.values.hf.llama import LLAMA
from archsim.values.weight_names import POSITIONS, TOKENS, Names, Source, sources

OLMO2 = replace(
    LLAMA,
    sources={
        **{key: source for key, source in LLAMA.sources.items() if not key.endswith((" norm", "qk norm"))},
        "layer {}/query norm": Source(("layers.{}.self_attn.q_norm",)),
        "layer {}/key norm": Source(("layers.{}.self_attn.k_norm",)),
        "layer {}/attention post norm": Source(("layers.{}.post_attention_layernorm",)),
        "layer {}/ffn post norm": Source(("layers.{}.post_feedforward_layernorm",)),
    },
)
MODERNBERT = Names(
    {
        **sources(
            "layers.{}.",
            {
                "attention norm": "attn_norm",
                "qkv": "attn.Wqkv",
                "attention output": "attn.Wo",
                "ffn norm": "mlp_norm",
                "ffn down": "mlp.Wo",
            },
            {
                TOKENS: "embeddings.tok_embeddings.weight",
                "embeddings/norm": "embeddings.norm",
                "end/norm": "final_norm",
                "head/dense": "head.dense",
                "head/norm": "head.norm",
                "head/logits": "decoder",
            },
        ),
        "layer {}/ffn gate": Source(("layers.{}.mlp.Wi",), share=(0, 2)),
        "layer {}/ffn up": Source(("layers.{}.mlp.Wi",), share=(1, 2)),
    },
    ("model.",),
)
_GROUP = "encoder.albert_layer_groups.{}.albert_layers.0."
ALBERT = Names(
    sources(
        _GROUP,
        {
            "attention norm": "attention.LayerNorm",
            "qkv": "attention.query attention.key attention.value",
            "attention output": "attention.dense",
            "ffn norm": "full_layer_layer_norm",
            "ffn up": "ffn",
            "ffn down": "ffn_output",
        },
        {
            TOKENS: "embeddings.word_embeddings.weight",
            POSITIONS: "embeddings.position_embeddings.weight",
            "embeddings/embedding.segments": "embeddings.token_type_embeddings.weight",
            "embeddings/norm": "embeddings.LayerNorm",
            "embeddings/project in": "encoder.embedding_hidden_mapping_in",
            "pooler/dense": "pooler",
            "classifier/classes": "classifier|sop_classifier.classifier",
            "head/labels": "classifier|qa_outputs",
            "head/dense": "predictions.dense",
            "head/norm": "predictions.LayerNorm",
            "head/logits": "predictions.decoder",
            "head/logits.bias": "predictions.bias",
        },
    ),
    ("albert.",),
)
FALCON = Names(
    {
        **sources(
            "h.{}.",
            {
                "attention output": "self_attention.dense",
                "ffn up": "mlp.dense_h_to_4h",
                "ffn down": "mlp.dense_4h_to_h",
            },
            {
                TOKENS: "word_embeddings.weight",
                "head/norm": "ln_f",
                "head/logits": "lm_head",
                "head/score": "score",
                "head/labels": "classifier|qa_outputs",
            },
        ),
        "layer {}/qkv": Source(("h.{}.self_attention.query_key_value",), by_groups=True),
        "layer {}/attention norm": Source(("h.{}.input_layernorm",), otherwise=(("h.{}.ln_attn",),)),
        "layer {}/ffn norm": Source(("h.{}.post_attention_layernorm",), otherwise=(("h.{}.ln_mlp",),)),
    },
    ("transformer.",),
)
_SIGLIP_LAYER = {
    "attention norm": "layer_norm1",
    "qkv": "self_attn.q_proj self_attn.k_proj self_attn.v_proj",
    "attention output": "self_attn.out_proj",
    "ffn norm": "layer_norm2",
    "ffn up": "mlp.fc1",
    "ffn down": "mlp.fc2",
}
_IN = "head.attention.in_proj_"
SIGLIP_VISION = Names(
    {
        **sources(
            "encoder.layers.{}.",
            _SIGLIP_LAYER,
            {
                "embeddings/patches": "embeddings.patch_embedding",
                POSITIONS: "embeddings.position_embedding.weight",
                "end/norm": "post_layernorm",
                "pooler/attention output": "head.attention.out_proj",
                "pooler/ffn norm": "head.layernorm",
                "pooler/ffn up": "head.mlp.fc1",
                "pooler/ffn down": "head.mlp.fc2",
            },
        ),
        "pooler/query.vector": Source(("head.probe", _IN + "weight", _IN + "bias"), change=of_query),
        "pooler/keys and values.weight": Source((_IN + "weight",), change=after_query),
        "pooler/keys and values.bias": Source((_IN + "bias",), change=after_query),
    },
    ("vision_model.",),
)
SIGLIP_TEXT = Names(
    sources(
        "encoder.layers.{}.",
        _SIGLIP_LAYER,
        {
            TOKENS: "embeddings.token_embedding.weight",
            POSITIONS: "embeddings.position_embedding.weight",
            "end/norm": "final_layer_norm",
            "pooler/projection": "head",
        },
    ),
    ("text_model.",),
)
