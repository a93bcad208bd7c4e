"""BERT, DistilBERT, ViT and their kin."""

from dataclasses import replace

from archsim.values.weight_names import POSITIONS, TOKENS, Names, Source, sources

_LAYERS = "encoder.layer.{}."
_PICTURE_ENDS = {"pooler/dense": "pooler.dense", "classifier/classes": "classifier"}
_ENDS = {
    "pooler/dense": "pooler.dense|classifier.dense|pre_classifier",
    "classifier/classes": "classifier|classifier.out_proj|cls.seq_relationship",
    "head/labels": "classifier|qa_outputs",
    "head/dense": "cls.predictions.transform.dense|lm_head.dense|vocab_transform",
    "head/norm": "cls.predictions.transform.LayerNorm|lm_head.layer_norm|vocab_layer_norm",
    "head/logits": "cls.predictions.decoder|lm_head.decoder|vocab_projector",
    "head/logits.bias": "cls.predictions.bias|lm_head.bias|vocab_projector.bias",
}
"""Names of BERT, of RoBERTa, of DistilBERT."""

BERT = Names(
    sources(
        _LAYERS,
        {
            "qkv": "attention.self.query attention.self.key attention.self.value",
            "attention output": "attention.output.dense",
            "attention norm": "attention.output.LayerNorm",
            "ffn up": "intermediate.dense",
            "ffn down": "output.dense",
            "ffn norm": "output.LayerNorm",
        },
        {
            TOKENS: "embeddings.word_embeddings.weight",
            POSITIONS: "embeddings.position_embeddings.weight",
            "embeddings/embedding.segments": "embeddings.token_type_embeddings.weight",
            "embeddings/norm": "embeddings.LayerNorm",
            **_ENDS,
        },
    ),
    ("bert.", "roberta."),
)
DISTILBERT = Names(
    sources(
        "transformer.layer.{}.",
        {
            "qkv": "attention.q_lin attention.k_lin attention.v_lin",
            "attention output": "attention.out_lin",
            "attention norm": "sa_layer_norm",
            "ffn up": "ffn.lin1",
            "ffn down": "ffn.lin2",
            "ffn norm": "output_layer_norm",
        },
        {
            TOKENS: "embeddings.word_embeddings.weight",
            POSITIONS: "embeddings.position_embeddings.weight",
            "embeddings/norm": "embeddings.LayerNorm",
            **_ENDS,
        },
    ),
    ("distilbert.",),
)
VIT = Names(
    sources(
        _LAYERS,
        {
            "attention norm": "layernorm_before",
            "qkv": "attention.attention.query attention.attention.key attention.attention.value",
            "attention output": "attention.output.dense",
            "ffn norm": "layernorm_after",
            "ffn up": "intermediate.dense",
            "ffn down": "output.dense",
        },
        {
            "embeddings/first tokens": "embeddings.cls_token",
            POSITIONS: "embeddings.position_embeddings",
            "embeddings/patches": "embeddings.patch_embeddings.projection",
            "end/norm": "layernorm",
            **_PICTURE_ENDS,
        },
    ),
    ("vit.", "deit."),
)
DEIT = replace(
    VIT,
    sources={
        **VIT.sources,
        "embeddings/first tokens": Source(("embeddings.cls_token", "embeddings.distillation_token")),
    },
)
