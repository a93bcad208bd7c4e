"""Attention and feed-forward parts of a transformer's layer, as nodes."""

from dataclasses import dataclass, replace
from math import sqrt

from archsim.graph.axes import Axis, dim
from archsim.graph.builder import Builder
from archsim.graph.nodes import Mask
from archsim.graph.preset import Preset
from archsim.graph.sequence_nodes import Rotary, Scaled, ScoreBias
from archsim.graph.streams import Route, Stream
from archsim.graph.views import Sent


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
        return self.builder.norm(name, x, self.preset.norm, epsilon=self.preset.norm_epsilon)

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
    turned = builder.split(builder.slice(qkv, -1, 0, (heads + kept) * size), -1, heads + kept, size)
    if preset.qk_norm:
        shape = (heads + kept, size)
        turned = builder.norm(
            "qk norm", turned, preset.norm, epsilon=preset.norm_epsilon, shape=shape, trained=2 * size
        )
    if preset.rotary:
        turned = _rotated(block, turned)
    query, key = builder.slice(turned, 1, 0, heads), builder.slice(turned, 1, heads, kept)
    value = builder.split(builder.slice(qkv, -1, (heads + kept) * size, kept * size), -1, kept, size)
    return _attended(block, "", query, key, value, preset.sees(block.number))


def _rotated(block: Block, x: str) -> str:
    preset, builder = block.preset, block.builder
    angles, magnitude = preset.rotation(block.number)
    return builder.add(
        Rotary(
            layer=block.layer,
            name="rotary",
            kind="rotary",
            inputs=(x,),
            shape=builder.of(x),
            turned=preset.rotary_values or preset.per_head,
            inverse_frequencies=angles,
            halves=preset.rotary_form == "halves",
            magnitude=magnitude,
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
    mask = None if prefix or not block.stream.causal else Mask(causal=True, span=span)
    keys, values = builder.keep(key, span), builder.keep(value, span)
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
    shares = builder.softmax(f"{prefix}softmax", scores)
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
            mask=mask,
        )
    )
    return builder.split(made, 0, preset.heads // group, group) if group > 1 else made


def feed_forward(block: Block, x: str) -> str:
    """Up, activation, down; or experts, each of them such, to which a router sends positions."""
    preset, builder = block.preset, block.builder
    if preset.experts == 1:
        return _one_feed_forward(block, x, "ffn", "")
    chosen = preset.experts_per_token
    router = builder.linear("router", x, preset.experts, bias=False)
    gates = builder.softmax("router softmax", router)
    tokens = builder.of(x)[0][0].axis
    results = []
    for number in range(preset.experts):
        name = f"expert {number}"
        axis = replace(tokens, name=f"{tokens.name} of {name}", size=None, route=Route(number, preset.experts, chosen))
        sent = builder.add(
            Sent(
                layer=block.layer,
                name=builder.name(f"{name} positions"),
                inputs=(x, gates),
                shape=(dim(axis), *builder.of(x)[1:]),
            )
        )
        results.append(_one_feed_forward(block, sent, name, f"{name} "))
    width = dim(Axis(f"{block.layer}/expert scaling:2", preset.hidden))
    scaled = builder.add(
        Scaled(
            layer=block.layer,
            name="expert scaling",
            kind="mul",
            inputs=(*results, gates),
            shape=(dim(tokens), dim(Axis(f"{block.layer}/expert scaling:1", chosen)), width),
            chosen=chosen,
            renormalised=preset.gates_renormalised,
        )
    )
    return builder.reduce("ffn down", "add", scaled, "sum", (1,))


def _one_feed_forward(block: Block, x: str, name: str, prefix: str) -> str:
    """Where it is gated, the activation is of a gate, which what goes up is multiplied by."""
    preset, builder = block.preset, block.builder
    gate = block.linear(f"{name} gate", x, preset.ffn, bias=preset.ffn_bias) if preset.gated else ""
    raised = block.linear(f"{name} up", x, preset.ffn, bias=preset.ffn_bias)
    acted = block.activation(f"{prefix}activation", gate or raised)
    if gate:
        acted = builder.elementwise(f"{name} product", "mul", acted, raised)
    return block.linear(f"{name} down", acted, preset.hidden, bias=preset.ffn_bias)
