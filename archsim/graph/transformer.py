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
    hidden = preset.hidden
    return [
        *_attention(preset, layer, source),
        _add(preset, layer, "attention add", f"{layer}/attention output", source),
        _norm(preset, layer, "attention norm", f"{layer}/attention add"),
        _linear(layer, "ffn up", f"{layer}/attention norm", hidden, preset.ffn),
        Rowwise(
            layer=layer,
            name="activation",
            kind=preset.activation,
            inputs=(Edge(f"{layer}/ffn up"),),
            width=preset.ffn,
        ),
        _linear(layer, "ffn down", f"{layer}/activation", preset.ffn, hidden),
        _add(preset, layer, "ffn add", f"{layer}/ffn down", f"{layer}/attention norm"),
        _norm(preset, layer, "ffn norm", f"{layer}/ffn add"),
    ]


def decoder(preset: Preset) -> tuple[Operator, ...]:
    """GPT-2's arrangement: layers that normalise before each block, a last norm, a head, the most likely token."""
    tables = (preset.vocabulary + preset.positions) * preset.hidden
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
            tied=True,
            positions="last",
        ),
        Rowwise(
            layer="head", name="argmax", kind="argmax", inputs=(Edge("head/logits"),), width=size, positions="last"
        ),
    )


def _decoder_layer(preset: Preset, layer: str, source: str) -> list[Operator]:
    hidden = preset.hidden
    return [
        _norm(preset, layer, "attention norm", source),
        *_attention(preset, layer, f"{layer}/attention norm"),
        _add(preset, layer, "attention add", f"{layer}/attention output", source),
        _norm(preset, layer, "ffn norm", f"{layer}/attention add"),
        _linear(layer, "ffn up", f"{layer}/ffn norm", hidden, preset.ffn),
        Rowwise(
            layer=layer, name="activation", kind=preset.activation, inputs=(Edge(f"{layer}/ffn up"),), width=preset.ffn
        ),
        _linear(layer, "ffn down", f"{layer}/activation", preset.ffn, hidden),
        _add(preset, layer, "ffn add", f"{layer}/ffn down", f"{layer}/attention add"),
    ]


def _attention(preset: Preset, layer: str, source: str) -> list[Operator]:
    """Fused query, key and value projection; scores; softmax; context; output projection."""
    hidden, heads = preset.hidden, preset.heads
    scope: Scope = "past" if preset.is_causal else "all"
    qkv, scores, softmax, context = (f"{layer}/{name}" for name in ("qkv", "scores", "softmax", "context"))

    def product(name: str, inputs: tuple[Edge, ...], *, scored: bool) -> Matmul:
        size = hidden // heads
        return Matmul(layer=layer, name=name, inputs=inputs, heads=heads, head_dim=size, stored=hidden, scores=scored)

    return [
        _linear(layer, "qkv", source, hidden, 3 * hidden),
        product("scores", (Edge(qkv), Edge(qkv, scope)), scored=True),
        Rowwise(layer=layer, name="softmax", kind="softmax", inputs=(Edge(scores),), rows=heads, over_keys=True),
        product("context", (Edge(softmax), Edge(qkv, scope)), scored=False),
        _linear(layer, "attention output", context, hidden, hidden),
    ]


def _linear(layer: str, name: str, source: str, size_in: int, size_out: int) -> Linear:
    return Linear(layer=layer, name=name, inputs=(Edge(source),), in_features=size_in, out_features=size_out)


def _add(preset: Preset, layer: str, name: str, first: str, second: str) -> Rowwise:
    return Rowwise(layer=layer, name=name, kind="add", inputs=(Edge(first), Edge(second)), width=preset.hidden)


def _norm(preset: Preset, layer: str, name: str, source: str) -> Rowwise:
    size = preset.hidden
    return Rowwise(layer=layer, name=name, kind="layernorm", inputs=(Edge(source),), width=size, trained=2 * size)
