"""Attention with one learned query over all positions, as SigLIP pools a picture (X. Zhai et al., 2023)."""

from math import sqrt

from archsim.graph.attention import Block
from archsim.graph.experts import feed_forward
from archsim.graph.views import Reshape


def pooled(block: Block, x: str) -> str:
    """Keys and values of all positions, one query, a norm and a feed-forward part: [1, hidden].

    The query is known before the run: the learned vector times its weights is no work. Its trained numbers are those
    of the vector, of the weights and of their bias.
    """
    preset, builder = block.preset, block.builder
    hidden, heads = preset.hidden, preset.heads
    both = builder.linear("keys and values", x, 2 * hidden)
    key, value = (builder.split(builder.slice(both, -1, at, hidden), -1, heads, hidden // heads) for at in (0, hidden))
    query = builder.weight(f"{block.layer}/query.vector", (1, hidden), trained=hidden * (hidden + 2))
    query = builder.split(_tensor(block, query), -1, heads, hidden // heads)
    scores = builder.contraction("scores", query, key, "skd,tkd->kst", scale=1 / sqrt(hidden // heads))
    shares = builder.softmax("softmax", scores)
    context = builder.merge(builder.contraction("context", shares, value, "kst,tkd->skd"), 1, 2)
    attended = builder.linear("attention output", context, hidden)
    return block.add("ffn add", feed_forward(block, block.norm("ffn norm", attended)), attended)


def _tensor(block: Block, weight: str) -> str:
    """Weights as a tensor, which other tensors can be multiplied with."""
    builder, name = block.builder, block.builder.name("query")
    return builder.add(Reshape(layer=block.layer, name=name, inputs=(weight,), shape=builder.of(weight)))
