"""GPT-2, GPT-Neo, GPT-J, GPT-NeoX, OPT, BLOOM, Phi: decoders with layer norms."""

from archsim.values.weight_names import POSITIONS, TOKENS, Names, Source, sources

_TABLES = {TOKENS: "wte.weight", POSITIONS: "wpe.weight"}
_ENDS = {
    "head/norm": "ln_f",
    "head/logits": "lm_head",
    "head/score": "score",
    "head/labels": "score|classifier|qa_outputs",
}
_TRANSFORMER = ("transformer.",)
_FUSED = "layer {}/qkv"

GPT2 = Names(
    sources(
        "h.{}.",
        {
            "attention norm": "ln_1",
            "qkv": "attn.c_attn",
            "attention output": "attn.c_proj",
            "ffn norm": "ln_2",
            "ffn up": "mlp.c_fc",
            "ffn down": "mlp.c_proj",
        },
        {**_TABLES, **_ENDS},
    ),
    _TRANSFORMER,
    "h.0.attn.c_attn.weight",
)
GPT_NEO = Names(
    sources(
        "h.{}.",
        {
            "attention norm": "ln_1",
            "qkv": "attn.attention.q_proj attn.attention.k_proj attn.attention.v_proj",
            "attention output": "attn.attention.out_proj",
            "ffn norm": "ln_2",
            "ffn up": "mlp.c_fc",
            "ffn down": "mlp.c_proj",
        },
        {**_TABLES, **_ENDS},
    ),
    _TRANSFORMER,
)
GPT_J = Names(
    sources(
        "h.{}.",
        {
            "attention norm": "ln_1",
            "qkv": "attn.q_proj attn.k_proj attn.v_proj",
            "attention output": "attn.out_proj",
            "ffn up": "mlp.fc_in",
            "ffn down": "mlp.fc_out",
        },
        {TOKENS: "wte.weight", **_ENDS},
    ),
    _TRANSFORMER,
)
GPT_NEOX = Names(
    {
        **sources(
            "layers.{}.",
            {
                "attention norm": "input_layernorm",
                "attention output": "attention.dense",
                "ffn norm": "post_attention_layernorm",
                "ffn up": "mlp.dense_h_to_4h",
                "ffn down": "mlp.dense_4h_to_h",
            },
            {
                TOKENS: "embed_in.weight",
                "head/norm": "final_layer_norm",
                "head/logits": "embed_out",
                "head/score": "score",
                "head/labels": "score|classifier|qa_outputs",
            },
        ),
        _FUSED: Source(("layers.{}.attention.query_key_value",), by_groups=True),
    },
    ("gpt_neox.",),
)
OPT = Names(
    sources(
        "layers.{}.",
        {
            "attention norm": "self_attn_layer_norm",
            "qkv": "self_attn.q_proj self_attn.k_proj self_attn.v_proj",
            "attention output": "self_attn.out_proj",
            "ffn norm": "final_layer_norm",
            "ffn up": "fc1",
            "ffn down": "fc2",
        },
        {
            TOKENS: "embed_tokens.weight",
            POSITIONS: "embed_positions.weight",
            "embeddings/positions.positions": "embed_positions.weight",
            "embeddings/project in": "project_in",
            "head/norm": "final_layer_norm",
            "head/project out": "project_out",
            "head/logits": "lm_head",
            "head/score": "score",
            "head/labels": "score|classifier|qa_outputs",
        },
    ),
    ("model.decoder.", "decoder."),
)
BLOOM = Names(
    {
        **sources(
            "h.{}.",
            {
                "attention norm": "input_layernorm",
                "attention output": "self_attention.dense",
                "ffn norm": "post_attention_layernorm",
                "ffn up": "mlp.dense_h_to_4h",
                "ffn down": "mlp.dense_4h_to_h",
            },
            {TOKENS: "word_embeddings.weight", "embeddings/norm": "word_embeddings_layernorm", **_ENDS},
        ),
        _FUSED: Source(("h.{}.self_attention.query_key_value",), by_groups=True),
    },
    _TRANSFORMER,
)
PHI = Names(
    sources(
        "layers.{}.",
        {
            "attention norm": "input_layernorm",
            "qkv": "self_attn.q_proj self_attn.k_proj self_attn.v_proj",
            "attention output": "self_attn.dense",
            "ffn up": "mlp.fc1",
            "ffn down": "mlp.fc2",
        },
        {
            TOKENS: "embed_tokens.weight",
            "head/norm": "final_layernorm",
            "head/logits": "lm_head",
            "head/score": "score",
            "head/labels": "score|classifier|qa_outputs",
        },
    ),
    ("model.", "transformer.", "language_model.model.", "model.language_model.", "language_model."),
)
