"""Latent attention: keys and values of all heads are made of one vector of a position (DeepSeek-V2, 2024)."""

from math import sqrt

from archsim.graph.attention import Block, rotated
from archsim.graph.axes import Axis, dim
from archsim.graph.mechanisms import Latent
from archsim.graph.nodes import Mask
from archsim.graph.views import Repeat


def latent_attention(block: Block, x: str, latent: Latent) -> str:
    """Queries; the latent and the turned key of a position; scores, softmax, context; output projection.

    Absorbed, a query's product with the part of the weights that would make keys comes before scores, and the product
    that would make values comes after the context: both are with the latent itself.
    """
    preset, builder = block.preset, block.builder
    heads, plain, turned = preset.heads, latent.plain, latent.rotary
    query = builder.split(_queries(block, x, latent), -1, heads, plain + turned)
    query_turned = rotated(block, builder.slice(query, -1, plain, turned), "query rotary")
    query_plain = builder.slice(query, -1, 0, plain)
    both = builder.linear("latent", x, latent.width + turned, bias=_biased(block))
    vector = builder.norm("latent norm", builder.slice(both, -1, 0, latent.width), preset.norm, epsilon=latent.epsilon)
    key_turned = rotated(
        block, builder.split(builder.slice(both, -1, latent.width, turned), -1, 1, turned), "key rotary"
    )
    scale = preset.score_scale if preset.score_scale is not None else 1 / sqrt(plain + turned)
    mask = Mask(causal=True)
    if latent.form == "absorbed":
        weight = builder.weight(f"{block.layer}/key up.weight", (heads, plain, latent.width))
        query_plain = builder.contraction("key up", query_plain, weight, "shd,hdr->shr")
        keys = builder.keep(builder.concat([vector, builder.merge(key_turned, 1, 2)], -1))
        query = builder.concat([query_plain, query_turned], -1)
        scores = builder.contraction("scores", query, keys, "shd,td->hst", scale=scale, mask=mask)
        shares = builder.softmax("softmax", scores)
        context = builder.contraction("context", shares, builder.slice(keys, -1, 0, latent.width), "hst,tr->shr")
        weight = builder.weight(f"{block.layer}/value up.weight", (heads, latent.values, latent.width))
        context = builder.contraction("value up", context, weight, "shr,hdr->shd")
    else:
        up = builder.linear("keys and values up", vector, heads * (plain + latent.values), bias=False)
        up = builder.split(up, -1, heads, plain + latent.values)
        key_turned = _for_all_heads(block, key_turned)
        key = builder.concat([builder.slice(up, -1, 0, plain), key_turned], -1)
        query = builder.concat([query_plain, query_turned], -1)
        scores = builder.contraction("scores", query, builder.keep(key), "skd,tkd->kst", scale=scale, mask=mask)
        shares = builder.softmax("softmax", scores)
        values = builder.keep(builder.slice(up, -1, plain, latent.values))
        context = builder.contraction("context", shares, values, "kst,tkd->skd")
    context = builder.merge(context, 1, 2)
    return block.linear("attention output", context, preset.hidden, bias=preset.output_bias)


def _queries(block: Block, x: str, latent: Latent) -> str:
    """One product, or two with a norm between."""
    preset, builder = block.preset, block.builder
    wide = preset.heads * (latent.plain + latent.rotary)
    if latent.queries is None:
        return builder.linear("query", x, wide, bias=False)
    down = builder.linear("query down", x, latent.queries, bias=_biased(block))
    return builder.linear(
        "query", builder.norm("query norm", down, preset.norm, epsilon=latent.epsilon), wide, bias=False
    )


def _biased(block: Block) -> bool:
    """Whether products of what comes in have a bias."""
    preset = block.preset
    return preset.bias if preset.qkv_bias is None else preset.qkv_bias


def _for_all_heads(block: Block, key: str) -> str:
    """[positions, 1, values] repeated for all heads."""
    builder, name = block.builder, block.builder.name("key for all heads")
    positions, _, values = builder.of(key)
    shape = (positions, dim(Axis(f"{block.layer}/{name}:1", block.preset.heads)), values)
    return builder.add(Repeat(layer=block.layer, name=name, inputs=(key,), shape=shape))
