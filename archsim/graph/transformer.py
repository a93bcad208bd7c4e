"""Transformers as Graphs."""

from dataclasses import replace

from archsim.graph.operators import Edge, Linear, Matmul, Operator, Rowwise, Scope
from archsim.graph.preset import Preset


def encoder(preset: Preset) -> tuple[Operator, ...]:
    """BERT's arrangement: embeddings, layers that normalise after each residual sum, a pooler on the first position."""
    tables = (preset.vocabulary + preset.positions + preset.segments) * preset.hidden
    operators: list[Operator] = [
        Rowwise(
            layer="embeddings",
            name="embedding",
            kind="embedding",
            inputs=(),
            width=preset.hidden,
            trained=tables,
        ),
        _norm(preset, "embeddings", "norm", "embeddings/embedding"),
    ]
    for index in range(preset.layers):
        operators += _encoder_layer(preset, f"layer {index}", operators[-1].key)
    if preset.pooler:
        last, size = operators[-1].key, preset.hidden
        operators += [
            Linear(
                layer="pooler",
                name="dense",
                inputs=(Edge(last),),
                in_features=size,
                out_features=size,
                positions="first",
            ),
            Rowwise(
                layer="pooler",
                name="tanh",
                kind="tanh",
                inputs=(Edge("pooler/dense"),),
                width=size,
                positions="first",
            ),
        ]
    return tuple(operators)


def _encoder_layer(preset: Preset, layer: str, source: str) -> list[Operator]:
    return [
        *_attention(preset, layer, source),
        _add(preset, layer, "attention add", f"{layer}/attention output", source),
        _norm(preset, layer, "attention norm", f"{layer}/attention add"),
        *_feed_forward(preset, layer, f"{layer}/attention norm"),
        _add(preset, layer, "ffn add", f"{layer}/ffn down", f"{layer}/attention norm"),
        _norm(preset, layer, "ffn norm", f"{layer}/ffn add"),
    ]


def decoder(preset: Preset) -> tuple[Operator, ...]:
    """GPT-2's and LLaMA's arrangement: layers that normalise first, a last norm, a head, the most likely token."""
    tables = (preset.vocabulary + (0 if preset.rotary else preset.positions)) * preset.hidden
    operators: list[Operator] = [
        Rowwise(layer="embeddings", name="embedding", kind="embedding", inputs=(), width=preset.hidden, trained=tables)
    ]
    for index in range(preset.layers):
        operators += _decoder_layer(preset, f"layer {index}", operators[-1].key)
    source, size = operators[-1].key, preset.vocabulary
    return (
        *operators,
        replace(_norm(preset, "head", "norm", source), positions="last"),
        Linear(
            layer="head",
            name="logits",
            inputs=(Edge("head/norm"),),
            in_features=preset.hidden,
            out_features=size,
            bias=False,
            tied=preset.tied,
            positions="last",
        ),
        Rowwise(
            layer="head", name="argmax", kind="argmax", inputs=(Edge("head/logits"),), width=size, positions="last"
        ),
    )


def _decoder_layer(preset: Preset, layer: str, source: str) -> list[Operator]:
    return [
        _norm(preset, layer, "attention norm", source),
        *_attention(preset, layer, f"{layer}/attention norm"),
        _add(preset, layer, "attention add", f"{layer}/attention output", source),
        _norm(preset, layer, "ffn norm", f"{layer}/attention add"),
        *_feed_forward(preset, layer, f"{layer}/ffn norm"),
        _add(preset, layer, "ffn add", f"{layer}/ffn down", f"{layer}/attention add"),
    ]


def _feed_forward(preset: Preset, layer: str, source: str) -> list[Operator]:
    """Up, activation, down; where it is gated, the activation is of a gate, which what goes up is multiplied by."""
    acts_on = "ffn gate" if preset.gated else "ffn up"
    up = [
        _linear(preset, layer, name, source, preset.hidden, preset.ffn) for name in dict.fromkeys((acts_on, "ffn up"))
    ]
    activation = Rowwise(
        layer=layer, name="activation", kind=preset.activation, inputs=(Edge(f"{layer}/{acts_on}"),), width=preset.ffn
    )
    if not preset.gated:
        return [*up, activation, _linear(preset, layer, "ffn down", activation.key, preset.ffn, preset.hidden)]
    inputs = (Edge(activation.key), Edge(f"{layer}/ffn up"))
    product = Rowwise(layer=layer, name="ffn product", kind="mul", inputs=inputs, width=preset.ffn)
    return [*up, activation, product, _linear(preset, layer, "ffn down", product.key, preset.ffn, preset.hidden)]


def _attention(preset: Preset, layer: str, source: str) -> list[Operator]:
    """Fused query, key and value projection; rotation; scores; softmax; context; output projection.

    A position's key is turned with its query; what is kept of it is part of the projection's result.
    """
    heads, size = preset.heads, preset.per_head
    scope: Scope = "past" if preset.is_causal else "all"
    qkv, scores, softmax, context = (f"{layer}/{name}" for name in ("qkv", "scores", "softmax", "context"))
    turned = heads + preset.kept // size
    rotary = Rowwise(layer=layer, name="rotary", kind="rotary", inputs=(Edge(qkv),), rows=turned, width=size)

    def product(name: str, inputs: tuple[Edge, ...], *, scored: bool) -> Matmul:
        kept = preset.kept
        return Matmul(layer=layer, name=name, inputs=inputs, heads=heads, head_dim=size, stored=kept, scores=scored)

    return [
        _linear(preset, layer, "qkv", source, preset.hidden, heads * size + 2 * preset.kept),
        *([rotary] if preset.rotary else []),
        product("scores", (Edge(rotary.key if preset.rotary else qkv), Edge(qkv, scope)), scored=True),
        Rowwise(layer=layer, name="softmax", kind="softmax", inputs=(Edge(scores),), rows=heads, over_keys=True),
        product("context", (Edge(softmax), Edge(qkv, scope)), scored=False),
        _linear(preset, layer, "attention output", context, heads * size, preset.hidden),
    ]


def _linear(preset: Preset, layer: str, name: str, source: str, size_in: int, size_out: int) -> Linear:
    return Linear(
        layer=layer,
        name=name,
        inputs=(Edge(source),),
        in_features=size_in,
        out_features=size_out,
        bias=preset.bias,
    )


def _add(preset: Preset, layer: str, name: str, first: str, second: str) -> Rowwise:
    return Rowwise(layer=layer, name=name, kind="add", inputs=(Edge(first), Edge(second)), width=preset.hidden)


def _norm(preset: Preset, layer: str, name: str, source: str) -> Rowwise:
    size = preset.hidden
    trained = size if preset.norm == "rmsnorm" else 2 * size
    return Rowwise(layer=layer, name=name, kind=preset.norm, inputs=(Edge(source),), width=size, trained=trained)
