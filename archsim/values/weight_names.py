"""Which of a file's tensors a Graph's weights are made of: a table for each family of names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Weight
    from archsim.values.stored import Stored


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
    by_groups
        Rows are of one key head after the other: those of the query heads that share it, its own, its value head's.
        In the Graph all queries come first, then all keys, then all values.
    unbiased
        Which of the parts has no bias, for which there are zeros.
    otherwise
        Other parts, of which the first that are stored serve where `parts` are not.
    change
        Makes the weight of the parts, which are then whole names; None: they are joined.
    instead
        By which the weight is made where the first of the parts is not stored.
    """

    parts: tuple[str, ...]
    share: tuple[int, int] = (0, 1)
    plus: float = 0.0
    of_heads: bool = False
    by_groups: bool = False
    unbiased: int | None = None
    otherwise: tuple[tuple[str, ...], ...] = ()
    change: Callable[[Sequence[Stored], Weight, Graph], Stored] | None = None
    instead: Source | None = None


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
    layers_follow
        Whether layers that the Graph does not have may follow its own, such as those that predict further tokens.
    """

    sources: Mapping[str, Source]
    prefixes: tuple[str, ...] = ()
    lies_across: str | None = None
    layers_follow: bool = False


def sources(
    layers: str, of_layers: Mapping[str, str], others: Mapping[str, str], *, stack: str = "layer"
) -> dict[str, Source]:
    """Sources of a stack of layers, and of what is no layer's.

    Parameters
    ----------
    layers
        How names of layers begin in the file.
    of_layers
        Names in a layer by the Graph's names in it. Several tensors are parted by blanks; `|` as in `others`.
    others
        Names by the Graph's names. Names that serve if those before are not stored stand after `|`.
    stack
        How names of layers begin in the Graph.
    """
    named = {f"{stack} {{}}/{key}": (layers, parts) for key, parts in of_layers.items()}
    named |= {key: ("", parts) for key, parts in others.items()}
    return {key: _source(key, *names) for key, names in named.items()}


def _source(key: str, before: str, names: str) -> Source:
    parts, *otherwise = (tuple(before + part for part in one.split()) for one in names.split("|"))
    return Source(parts, of_heads=key.endswith("qk norm"), otherwise=tuple(otherwise))


TOKENS, POSITIONS = "embeddings/embedding.tokens", "embeddings/embedding.positions"
"""Tables, by the Graph's names."""
GGUF = Names(
    sources(
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
        {TOKENS: "token_embd.weight", "head/norm": "output_norm", "head/logits": "output"},
    )
)
LLAMA2C = Names(
    sources(
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
        {TOKENS: "tok_embeddings.weight", "head/norm": "norm", "head/logits": "output"},
    )
)
"""By the names of Llama's own files."""
