"""Attention of a transformer's layer, as nodes."""

from dataclasses import dataclass
from math import sqrt

from archsim.graph.axes import sizes_of
from archsim.graph.builder import Builder
from archsim.graph.nodes import Mask
from archsim.graph.preset import Preset
from archsim.graph.sequence_nodes import Rotary, ScoreBias, Tempered
from archsim.graph.streams import Sight, Stream


@dataclass(frozen=True)
class Block:
    """A layer of a preset, at work: its number, the positions at which it runs.

    score_table: the weight with the biases of all layers of its stack, where scores get one from a table.
    """

    preset: Preset
    builder: Builder
    layer: str
    number: int
    stream: Stream
    score_table: str = ""

    def linear(
        self,
        name: str,
        x: str,
        outputs: int,
        *,
        bias: bool | None = None,
        tied: str | None = None,
        scale: float = 1.0,
        cap: float | None = None,
    ) -> str:
        """A projection; with a bias where the preset has them, if nothing else is said."""
        biased = self.preset.bias if bias is None else bias
        return self.builder.linear(name, x, outputs, bias=biased, tied=tied, scale=scale, cap=cap)

    def add(self, name: str, first: str, second: str) -> str:
        """A residual sum."""
        return self.builder.elementwise(name, "add", first, second)

    def norm(self, name: str, x: str) -> str:
        """A norm over all values of a position."""
        preset = self.preset
        shifted = preset.norm == "layernorm" and preset.norm_bias
        return self.builder.norm(name, x, preset.norm, epsilon=preset.norm_epsilon, shifted=shifted)

    def activation(self, name: str, x: str) -> str:
        """The activation of a feed-forward part."""
        function = self.preset.activation
        return self.builder.elementwise(name, ACTIVATION_KINDS.get(function, function), x, function=function)


ACTIVATION_KINDS = {"gelu_tanh": "gelu", "quick_gelu": "gelu"}
"""Forms of activations by what they are a form of: time and energy are the same."""


def attention(block: Block, x: str) -> str:
    """Fused query, key and value projection; norms and rotation in heads; scores; softmax; context; output projection.

    A position's key is turned with its query.
    """
    preset, builder = block.preset, block.builder
    heads, kept, size = preset.heads, preset.kept // preset.per_head, preset.per_head
    biased = preset.bias if preset.qkv_bias is None else preset.qkv_bias
    wide = (heads + 2 * kept) * size
    trained = None if preset.key_bias else wide - preset.kept
    qkv = builder.linear("qkv", x, wide, bias=biased, trained_bias=trained)
    if preset.qk_norm and preset.qk_norm_form == "whole":
        query, key = (
            _normalised_whole(block, builder.slice(qkv, -1, at, number * size), name, number)
            for name, at, number in (("query", 0, heads), ("key", heads * size, kept))
        )
    else:
        both = builder.split(builder.slice(qkv, -1, 0, (heads + kept) * size), -1, heads + kept, size)
        both = _normalised_in_heads(block, both)
        query, key = builder.slice(both, 1, 0, heads), builder.slice(both, 1, heads, kept)
    if preset.temperature is not None and not preset.turns(block.number):
        query = _tempered(block, query)
    value = builder.split(builder.slice(qkv, -1, (heads + kept) * size, kept * size), -1, kept, size)
    return _attended(block, "", query, key, value, preset.sees(block.number))


def _normalised_in_heads(block: Block, x: str) -> str:
    """Queries and keys, [positions, heads, values], turned; and normalised in each head before it or after it."""
    preset, builder = block.preset, block.builder
    number, size = sizes_of(builder.of(x))[1:]
    turns = preset.turns(block.number)
    if preset.qk_norm and preset.qk_norm_form == "heads":
        shape = (number or 1, size or 1)
        x = builder.norm("qk norm", x, preset.norm, epsilon=preset.norm_epsilon, shape=shape, trained=2 * (size or 1))
    if turns:
        x = rotated(block, x, "rotary")
    if turns and preset.qk_norm and preset.qk_norm_form == "turned":
        x = builder.norm("qk norm", x, preset.norm, epsilon=preset.norm_epsilon, scaled=False, shifted=False)
    return x


def _normalised_whole(block: Block, x: str, name: str, heads: int) -> str:
    """Queries, or keys, normalised over all heads together, then turned: [positions, heads, values]."""
    preset, builder = block.preset, block.builder
    x = builder.split(block.norm(f"{name} norm", x), -1, heads, preset.per_head)
    return rotated(block, x, f"{name} rotary") if preset.turns(block.number) else x


def rotated(block: Block, x: str, name: str) -> str:
    """Turned by positions: [positions, heads, values]."""
    preset, builder = block.preset, block.builder
    angles, magnitude = preset.rotation(block.number)
    return builder.add(
        Rotary(
            layer=block.layer,
            name=name,
            kind="rotary",
            inputs=(x,),
            shape=builder.of(x),
            turned=preset.turned,
            inverse_frequencies=angles,
            halves=preset.rotary_form == "halves",
            magnitude=magnitude,
        )
    )


def _tempered(block: Block, query: str) -> str:
    """Multiplied by what grows with the position."""
    builder, temperature = block.builder, block.preset.temperature
    assert temperature is not None  # noqa: S101 - asked before
    return builder.add(
        Tempered(
            layer=block.layer,
            name="temperature",
            kind="mul",
            inputs=(query,),
            shape=builder.of(query),
            every=temperature.every,
            rise=temperature.rise,
        )
    )


def cross_attention(block: Block, x: str, memory: str) -> str:
    """Queries of this layer; keys and values of the encoder's result, which are made once."""
    preset, builder = block.preset, block.builder
    heads, kept, size = preset.heads, preset.kept // preset.per_head, preset.per_head
    biased = preset.bias if preset.qkv_bias is None else preset.qkv_bias
    trained = None if preset.key_bias else preset.kept
    both = builder.linear("cross keys and values", memory, 2 * preset.kept, bias=biased, trained_bias=trained)
    query = builder.split(block.linear("cross query", x, heads * size, bias=biased), -1, heads, size)
    key, value = (builder.split(builder.slice(both, -1, at, preset.kept), -1, kept, size) for at in (0, preset.kept))
    return _attended(block, "cross ", query, key, value, None)


def _attended(block: Block, prefix: str, query: str, key: str, value: str, span: int | None) -> str:
    """Scores, softmax, context of all heads, which may share keys in groups; output projection.

    query: [positions, heads, values], key, value: [positions, kept heads, values].
    """
    preset, builder = block.preset, block.builder
    heads, kept = preset.heads, preset.kept // preset.per_head
    group = heads // kept
    causal = block.stream.causal
    sight: Sight = "past" if span is None else "around" if not causal else "chunk" if preset.window_chunks else "past"
    masked = not prefix and (causal or span is not None)
    mask = Mask(causal=causal, span=span, sight=sight) if masked else None
    keys, values = builder.keep(key, span, sight=sight), builder.keep(value, span, sight=sight)
    scale = preset.score_scale if preset.score_scale is not None else 1 / sqrt(preset.per_head)
    query = builder.split(query, 1, kept, group) if group > 1 else query
    letters = ("skgd,tkd->kgst", "kgst,tkd->skgd") if group > 1 else ("skd,tkd->kst", "kst,tkd->skd")
    biased = preset.score_bias and not prefix
    scores = builder.contraction(
        f"{prefix}scores",
        query,
        keys,
        letters[0],
        scale=scale,
        cap=preset.score_cap,
        mask=None if biased else mask,
    )
    if biased:
        scores = _biased(block, scores, mask, group)
    sinks = None
    if preset.sinks and not prefix:
        sinks = builder.weight(f"{block.layer}/sinks.weight", (kept, group) if group > 1 else (heads,))
    shares = builder.softmax(f"{prefix}softmax", scores, sinks=sinks)
    context = builder.contraction(f"{prefix}context", shares, values, letters[1])
    context = builder.merge(context, 1, 3 if group > 1 else 2)
    name = f"{prefix}output" if prefix else "attention output"
    return block.linear(name, context, preset.hidden, bias=preset.output_bias)


def _biased(block: Block, scores: str, mask: Mask | None, group: int) -> str:
    """With a bias by distance, and masked after it."""
    preset, builder = block.preset, block.builder
    if group > 1:
        scores = builder.merge(scores, 0, 2)
    buckets = preset.buckets
    inputs: tuple[str, ...] = (scores,)
    if buckets:
        inputs = (scores, builder.weight(block.score_table, (buckets, preset.heads)))
    made = builder.add(
        ScoreBias(
            layer=block.layer,
            name="score bias",
            kind="add",
            inputs=inputs,
            shape=builder.of(scores),
            buckets=buckets,
            furthest=preset.furthest,
            both_ways=not block.stream.causal,
            scale=preset.score_bias_scale,
            mask=mask,
        )
    )
    return builder.split(made, 0, preset.heads // group, group) if group > 1 else made
