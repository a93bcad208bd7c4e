"""Attention and feed-forward parts of a transformer's layer, as operators."""

from dataclasses import dataclass, replace

from archsim.graph.operators import Edge, Linear, Matmul, Operator, Route, Rowwise, Scope
from archsim.graph.preset import Preset
from archsim.graph.streams import Stream


@dataclass(frozen=True)
class Block:
    """A layer of a preset: its name, its number, the positions at which it runs."""

    preset: Preset
    layer: str
    number: int
    stream: Stream

    def key(self, name: str) -> str:
        """Of an operator of this layer."""
        return f"{self.layer}/{name}"

    def linear(self, name: str, source: str, size_in: int, size_out: int, *, bias: bool | None = None) -> Linear:
        """A projection of `source`; with a bias where the preset has them, if nothing else is said."""
        return Linear(
            layer=self.layer,
            name=name,
            inputs=(Edge(source),),
            in_features=size_in,
            out_features=size_out,
            bias=self.preset.bias if bias is None else bias,
            stream=self.stream,
        )

    def add(self, name: str, first: str, second: str) -> Rowwise:
        """A residual sum."""
        inputs, width = (Edge(first), Edge(second)), self.preset.hidden
        return Rowwise(layer=self.layer, name=name, kind="add", inputs=inputs, width=width, stream=self.stream)

    def norm(self, name: str, source: str) -> Rowwise:
        """A norm over all values of a position."""
        size = self.preset.hidden
        return Rowwise(
            layer=self.layer,
            name=name,
            kind=self.preset.norm,
            inputs=(Edge(source),),
            width=size,
            trained=size if self.preset.norm == "rmsnorm" else 2 * size,
            stream=self.stream,
        )


def attention(block: Block, source: str) -> list[Operator]:
    """Fused query, key and value projection; norms and rotation in heads; scores; softmax; context; output projection.

    A position's key is turned with its query; what is kept of it is part of the projection's result.
    """
    preset = block.preset
    heads, size = preset.heads, preset.per_head
    scope: Scope = "past" if block.stream.causal else "all"
    biased = preset.bias if preset.qkv_bias is None else preset.qkv_bias
    wide = heads * size + 2 * preset.kept
    qkv = block.linear("qkv", source, preset.hidden, wide, bias=biased and preset.key_bias)
    if biased and not preset.key_bias:
        qkv = replace(qkv, folded=wide - preset.kept)
    found: list[Operator] = [qkv]
    turned = heads + preset.kept // size
    for name, kind, wanted in (("qk norm", preset.norm, preset.qk_norm), ("rotary", "rotary", preset.rotary)):
        if wanted:
            found.append(
                Rowwise(
                    layer=block.layer,
                    name=name,
                    kind=kind,
                    inputs=(Edge(found[-1].key),),
                    rows=turned,
                    width=size,
                    trained=2 * size if name == "qk norm" else 0,
                    stream=block.stream,
                )
            )
    return [*found, *_products(block, "", found[-1].key, Edge(qkv.key, scope), preset.sees(block.number))]


def cross_attention(block: Block, source: str, memory: str, memory_stream: Stream) -> list[Operator]:
    """Queries of this layer; keys and values of the encoder's result, which are made once."""
    preset = block.preset
    biased = preset.bias if preset.qkv_bias is None else preset.qkv_bias
    query = block.linear("cross query", source, preset.hidden, preset.heads * preset.per_head, bias=biased)
    both = block.linear(
        "cross keys and values", memory, preset.hidden, 2 * preset.kept, bias=biased and preset.key_bias
    )
    both = replace(both, stream=memory_stream, folded=preset.kept if biased and not preset.key_bias else 0)
    products = _products(block, "cross ", query.key, Edge(both.key, "all"), None)
    seen = [replace(each, sees=memory_stream) if each.grows else each for each in products]
    return [both, query, *seen]


def _products(block: Block, prefix: str, query: str, kept: Edge, span: int | None) -> list[Operator]:
    preset = block.preset
    heads, size = preset.heads, preset.per_head

    def product(name: str, source: str, *, scored: bool) -> Matmul:
        return Matmul(
            layer=block.layer,
            name=f"{prefix}{name}",
            inputs=(Edge(source), kept),
            heads=heads,
            head_dim=size,
            stored=preset.kept,
            scores=scored,
            span=span,
            stream=block.stream,
        )

    def over_keys(name: str, kind: str, source: str, trained: int = 0) -> Rowwise:
        return Rowwise(
            layer=block.layer,
            name=f"{prefix}{name}",
            kind=kind,
            inputs=(Edge(source),),
            rows=heads,
            over_keys=True,
            span=span,
            stream=block.stream,
            trained=trained,
        )

    rows: list[Operator] = [product("scores", query, scored=True)]
    if preset.score_bias and not prefix:
        rows.append(over_keys("score bias", "add", rows[-1].key, preset.buckets * heads if block.number == 0 else 0))
    rows.append(over_keys("softmax", "softmax", rows[-1].key))
    context = product("context", rows[-1].key, scored=False)
    name = f"{prefix}output" if prefix else "attention output"
    return [*rows, context, block.linear(name, context.key, heads * size, preset.hidden, bias=preset.output_bias)]


def feed_forward(block: Block, source: str) -> list[Operator]:
    """Up, activation, down; or experts, each of them such, to which a router sends positions."""
    preset = block.preset
    if preset.experts == 1:
        return _one_feed_forward(block, source, "ffn", None)
    layer, stream, hidden, chosen = block.layer, block.stream, preset.hidden, preset.experts_per_token
    router = block.linear("router", source, hidden, preset.experts, bias=False)
    gates = Rowwise(
        layer=layer,
        name="router softmax",
        kind="softmax",
        inputs=(Edge(router.key),),
        width=preset.experts,
        stream=stream,
    )
    experts = [
        _one_feed_forward(block, source, f"expert {number}", Route(number, preset.experts, chosen))
        for number in range(preset.experts)
    ]
    results = tuple(Edge(operators[-1].key) for operators in experts)
    scaled = Rowwise(
        layer=layer,
        name="expert scaling",
        kind="mul",
        inputs=(*results, Edge(gates.key)),
        rows=chosen,
        width=hidden,
        operands=1,
        stream=stream,
    )
    summed = Rowwise(
        layer=layer,
        name="ffn down",
        kind="add",
        inputs=(Edge(scaled.key),),
        rows=max(1, chosen - 1),
        width=hidden,
        out=hidden,
        operands=1 if chosen == 1 else 2,
        stream=stream,
    )
    return [router, gates, *(each for operators in experts for each in operators), scaled, summed]


def _one_feed_forward(block: Block, source: str, name: str, route: Route | None) -> list[Operator]:
    """Where it is gated, the activation is of a gate, which what goes up is multiplied by."""
    preset = block.preset
    acts_on = f"{name} gate" if preset.gated else f"{name} up"
    found: list[Operator] = [
        block.linear(each, source, preset.hidden, preset.ffn, bias=preset.ffn_bias)
        for each in dict.fromkeys((acts_on, f"{name} up"))
    ]
    prefix = "" if route is None else f"{name} "
    activation = Rowwise(
        layer=block.layer,
        name=f"{prefix}activation",
        kind=preset.activation,
        inputs=(Edge(block.key(acts_on)),),
        width=preset.ffn,
        stream=block.stream,
    )
    found.append(activation)
    if preset.gated:
        inputs = (Edge(activation.key), Edge(block.key(f"{name} up")))
        found.append(
            Rowwise(
                layer=block.layer,
                name=f"{name} product",
                kind="mul",
                inputs=inputs,
                width=preset.ffn,
                stream=block.stream,
            )
        )
    found.append(block.linear(f"{name} down", found[-1].key, preset.ffn, preset.hidden, bias=preset.ffn_bias))
    return [replace(each, route=route) for each in found]
