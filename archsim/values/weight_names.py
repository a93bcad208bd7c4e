"""Which of a file's tensors a Graph's weights are made of: a table for each family of names."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Source:
    """Tensors that a weight is made of.

    Parameters
    ----------
    parts
        Names in the file, one after the other along the outputs; `{}` stands for the layer's number. Of a node they
        are without the last word, which says whether it is weights or a bias.
    share
        Which of how many equal parts of the rows.
    plus
        A number that is added.
    of_heads
        The parts are of a query head and of a key head, and the same for all.
    """

    parts: tuple[str, ...]
    share: tuple[int, int] = (0, 1)
    plus: float = 0.0
    of_heads: bool = False


@dataclass(frozen=True)
class Names:
    """Names of a family's tensors.

    Parameters
    ----------
    sources
        By the Graph's names: of a weight, or of a node whose weights, bias, scale and shift all come from there.
    prefixes
        Of which one may stand before names.
    lies_across
        A projection whose outputs are three times its inputs: whether those of layers are stored as (inputs, outputs)
        is seen by its shape.
    """

    sources: Mapping[str, Source]
    prefixes: tuple[str, ...] = ()
    lies_across: str | None = None


def _sources(layers: str, of_layers: Mapping[str, str], others: Mapping[str, str]) -> dict[str, Source]:
    """layers: how names of layers begin. Several tensors are parted by blanks."""
    found = {f"layer {{}}/{key}": tuple(layers + part for part in parts.split()) for key, parts in of_layers.items()}
    found |= {key: tuple(parts.split()) for key, parts in others.items()}
    return {key: Source(parts, of_heads=key.endswith("qk norm")) for key, parts in found.items()}


_TOKENS, _POSITIONS = "embeddings/embedding.tokens", "embeddings/embedding.positions"
_QKV, _GATE, _UP = "layer {}/qkv", "layer {}/ffn gate", "layer {}/ffn up"
_ENCODER = "encoder.layer.{}."
_ENDS = {"pooler/dense": "pooler.dense", "classifier/classes": "classifier"}

_GPT2 = Names(
    _sources(
        "h.{}.",
        {
            "attention norm": "ln_1",
            "qkv": "attn.c_attn",
            "attention output": "attn.c_proj",
            "ffn norm": "ln_2",
            "ffn up": "mlp.c_fc",
            "ffn down": "mlp.c_proj",
        },
        {_TOKENS: "wte.weight", _POSITIONS: "wpe.weight", "head/norm": "ln_f", "head/logits": "lm_head"},
    ),
    ("transformer.",),
    "h.0.attn.c_attn.weight",
)
_LLAMA = Names(
    _sources(
        "layers.{}.",
        {
            "attention norm": "input_layernorm",
            "qkv": "self_attn.q_proj self_attn.k_proj self_attn.v_proj",
            "qk norm": "self_attn.q_norm self_attn.k_norm",
            "attention output": "self_attn.o_proj",
            "ffn norm": "post_attention_layernorm",
            "ffn gate": "mlp.gate_proj",
            "ffn up": "mlp.up_proj",
            "ffn down": "mlp.down_proj",
        },
        {_TOKENS: "embed_tokens.weight", "head/norm": "norm", "head/logits": "lm_head"},
    ),
    ("model.",),
)
_GEMMA = replace(
    _LLAMA, sources={key: replace(each, plus=float("norm" in key)) for key, each in _LLAMA.sources.items()}
)
_PHI3 = replace(
    _LLAMA,
    sources={
        **_LLAMA.sources,
        _QKV: Source(("layers.{}.self_attn.qkv_proj",)),
        _GATE: Source(("layers.{}.mlp.gate_up_proj",), share=(0, 2)),
        _UP: Source(("layers.{}.mlp.gate_up_proj",), share=(1, 2)),
    },
)
_BERT = Names(
    _sources(
        _ENCODER,
        {
            "qkv": "attention.self.query attention.self.key attention.self.value",
            "attention output": "attention.output.dense",
            "attention norm": "attention.output.LayerNorm",
            "ffn up": "intermediate.dense",
            "ffn down": "output.dense",
            "ffn norm": "output.LayerNorm",
        },
        {
            _TOKENS: "embeddings.word_embeddings.weight",
            _POSITIONS: "embeddings.position_embeddings.weight",
            "embeddings/embedding.segments": "embeddings.token_type_embeddings.weight",
            "embeddings/norm": "embeddings.LayerNorm",
            **_ENDS,
        },
    ),
    ("bert.", "roberta."),
)
_VIT = Names(
    _sources(
        _ENCODER,
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
            _POSITIONS: "embeddings.position_embeddings",
            "embeddings/patches": "embeddings.patch_embeddings.projection",
            "end/norm": "layernorm",
            **_ENDS,
        },
    ),
    ("vit.",),
)
HUGGING_FACE: Mapping[str, Names] = {
    "gpt2": _GPT2,
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3"), _LLAMA),
    "gemma": _GEMMA,
    "phi3": _PHI3,
    "bert": _BERT,
    "roberta": _BERT,
    "vit": _VIT,
}
"""By model_type."""

GGUF = Names(
    _sources(
        "blk.{}.",
        {
            "attention norm": "attn_norm",
            "qkv": "attn_q attn_k attn_v",
            "qk norm": "attn_q_norm attn_k_norm",
            "attention output": "attn_output",
            "ffn norm": "ffn_norm",
            "ffn gate": "ffn_gate",
            "ffn up": "ffn_up",
            "ffn down": "ffn_down",
        },
        {_TOKENS: "token_embd.weight", "head/norm": "output_norm", "head/logits": "output"},
    )
)
LLAMA2C = Names(
    _sources(
        "layers.{}.",
        {
            "attention norm": "attention_norm",
            "qkv": "attention.wq attention.wk attention.wv",
            "attention output": "attention.wo",
            "ffn norm": "ffn_norm",
            "ffn gate": "feed_forward.w1",
            "ffn up": "feed_forward.w3",
            "ffn down": "feed_forward.w2",
        },
        {_TOKENS: "tok_embeddings.weight", "head/norm": "norm", "head/logits": "output"},
    )
)
"""By the names of Llama's own files."""
