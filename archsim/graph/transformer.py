"""Transformers as Graphs: encoders, decoders, and decoders that look at an encoder's result."""

from dataclasses import dataclass, replace

from archsim.graph.attention import Block, attention, cross_attention, feed_forward
from archsim.graph.operators import Edge, Linear, Operator, Rowwise
from archsim.graph.preset import Preset
from archsim.graph.streams import TOKENS, Stream
from archsim.graph.windows import Window

FEEDBACK = ("head/argmax", "embeddings/embedding")
"""By which a new token comes back in."""
_TARGET_FEEDBACK = ("head/argmax", "embeddings/target embedding")
_FRAMES = 2
"""Frames of a spectrogram a position: its second convolution has this stride."""


def transformer(preset: Preset) -> tuple[tuple[Operator, ...], tuple[str, str] | None]:
    """All operators of a preset, and how a new token comes back in, where it makes any."""
    if preset.architecture == "encoder":
        stream = replace(TOKENS, causal=preset.causal, length=_fixed_length(preset))
        encoder = _encoder(preset, stream, "layer")
        return (*encoder, *_on_first(preset, stream, encoder[-1].key)), None
    if preset.architecture == "decoder":
        stream = Stream("tokens", causal=True, grows=True)
        return _Decoder(preset, stream, "layer", preset.layers).operators("embedding"), FEEDBACK
    source = Stream("source", length=preset.audio.positions if preset.audio else None)
    # with a spectrogram a job's tokens are the decoder's; else they are the encoder's, and the decoder begins with one
    target = Stream("target", causal=True, grows=True, prompt=None if preset.audio else 1)
    encoder = _encoder(preset, source, "encoder")
    decoder = _Decoder(preset, target, "decoder", preset.decoder_layers or preset.layers, encoder[-1].key, source)
    return (*encoder, *decoder.operators("target embedding")), _TARGET_FEEDBACK


def _fixed_length(preset: Preset) -> int | None:
    return None if preset.image is None else preset.image.patches + preset.image.tokens


def _encoder(preset: Preset, stream: Stream, name: str) -> list[Operator]:
    operators = _embedded(preset, stream)
    for number in range(preset.layers):
        operators += _layer(Block(preset, f"{name} {number}", number, stream), operators[-1].key)
    if preset.ends_with_norm:
        end = "end" if name == "layer" else f"{name} end"
        operators.append(Block(preset, end, 0, stream).norm("norm", operators[-1].key))
    return operators


def _embedded(preset: Preset, stream: Stream) -> list[Operator]:
    """What comes into the encoder: rows of tables, patches of a picture, frames of a spectrogram."""
    block = Block(preset, "embeddings", 0, stream)
    if preset.image is not None:
        operators = _patches(preset, block)
    elif preset.audio is not None:
        operators = _frames(preset, block)
    else:
        tables = (preset.vocabulary + preset.rows + preset.segments) * preset.hidden
        operators = [_embedding(block, "embedding", (), tables)]
    if preset.normalises_embedding:
        operators.append(block.norm("norm", operators[-1].key))
    return operators


def _embedding(block: Block, name: str, inputs: tuple[Edge, ...], trained: int) -> Rowwise:
    return Rowwise(
        layer=block.layer,
        name=name,
        kind="embedding",
        inputs=inputs,
        width=block.preset.hidden,
        trained=trained,
        stream=block.stream,
    )


def _patches(preset: Preset, block: Block) -> list[Operator]:
    """A product for each patch; then positions are added, and the tokens that stand before the patches."""
    image = preset.image
    if image is None:
        raise LookupError(preset.name)
    cut = replace(
        block.linear("patches", "", image.channels * image.patch**2, preset.hidden, bias=True),
        inputs=(),
        stream=Stream("patches", length=image.patches),
    )
    length = image.patches + image.tokens
    window = Window(size=(1, image.patches), out=(1, length), pad=(0, image.tokens))
    trained = (length + image.tokens) * preset.hidden
    return [cut, _embedding(block, "embedding", (Edge(cut.key, "window", window),), trained)]


def _frames(preset: Preset, block: Block) -> list[Operator]:
    """Two convolutions of width 3 along time, then positions are added."""
    if preset.audio is None:
        raise LookupError(preset.name)
    length, hidden = preset.audio.positions, preset.hidden
    frames = Stream("frames", length=_FRAMES * length)
    first = block.linear("conv 1", "", 3 * preset.audio.mels, hidden, bias=True)
    second = block.linear("conv 2", "", 3 * hidden, hidden, bias=True)

    def act(name: str, source: str, stream: Stream) -> Rowwise:
        return Rowwise(layer=block.layer, name=name, kind="gelu", inputs=(Edge(source),), width=hidden, stream=stream)

    acted = act("activation 1", first.key, frames)
    window = Window((1, frames.length or 1), (1, length), kernel=(1, 3), stride=(1, _FRAMES), pad=(0, 1))
    return [
        replace(first, inputs=(), stream=frames),
        acted,
        replace(second, inputs=(Edge(acted.key, "window", window),)),
        act("activation 2", second.key, block.stream),
        _embedding(block, "embedding", (Edge(block.key("activation 2")),), length * hidden),
    ]


def _on_first(preset: Preset, stream: Stream, last: str) -> list[Operator]:
    """What classifies looks at the first position alone."""
    found: list[Operator] = []
    block = Block(preset, "pooler", 0, stream)
    if preset.pooler:
        dense = block.linear("dense", last, preset.hidden, preset.hidden, bias=True)
        tanh = Rowwise(
            layer="pooler", name="tanh", kind="tanh", inputs=(Edge(dense.key),), width=preset.hidden, stream=stream
        )
        found, last = [dense, tanh], tanh.key
    if preset.classes:
        found.append(
            replace(block.linear("classes", last, preset.hidden, preset.classes, bias=True), layer="classifier")
        )
    return [replace(each, positions="first") for each in found]


def _layer(block: Block, source: str, memory: tuple[str, Stream] | None = None) -> list[Operator]:
    """One layer: norms before, after, or both; attention and feed-forward part one after the other, or side by side."""
    preset = block.preset
    if preset.parallel:
        return _parallel_layer(block, source)
    found: list[Operator] = []

    def part(name: str, operators: list[Operator], residual: str) -> str:
        """Close a part with its residual sum and norms; the key of its result."""
        found.extend(operators)
        last = operators[-1].key
        if preset.post_norms:
            found.append(block.norm(f"{name} post norm", last))
            last = found[-1].key
        found.append(block.add(f"{name} add", last, residual))
        if not preset.normalises_first:
            found.append(block.norm(f"{name} norm", found[-1].key))
        return found[-1].key

    def begun(name: str, at: str) -> str:
        """The key of what a part works on."""
        if preset.normalises_first:
            found.append(block.norm(f"{name} norm", at))
            return found[-1].key
        return at

    at = part("attention", attention(block, begun("attention", source)), source)
    if memory is not None:
        at = part("cross", cross_attention(block, begun("cross", at), *memory), at)
    part("ffn", feed_forward(block, begun("ffn", at)), at)
    return found


def _parallel_layer(block: Block, source: str) -> list[Operator]:
    first = block.norm("attention norm", source)
    second = first if block.preset.shared_norm else block.norm("ffn norm", source)
    attended, fed = attention(block, first.key), feed_forward(block, second.key)
    both = block.add("attention add", attended[-1].key, fed[-1].key)
    return [
        first,
        *attended,
        *([] if second is first else [second]),
        *fed,
        both,
        block.add("ffn add", both.key, source),
    ]


@dataclass(frozen=True)
class _Decoder:
    preset: Preset
    stream: Stream
    name: str
    layers: int
    memory: str | None = None
    memory_stream: Stream | None = None

    def operators(self, embedding: str) -> tuple[Operator, ...]:
        """Embeddings, layers, a last norm, a head, the most likely token."""
        preset = self.preset
        block = Block(preset, "embeddings", 0, self.stream)
        alone = self.memory is None
        # the encoder's token table serves the decoder too, its positions do not; a spectrogram has no tokens
        tokens = preset.vocabulary * preset.table_width if alone or preset.audio else 0
        found: list[Operator] = [_embedding(block, embedding, (), tokens + preset.rows * preset.hidden)]
        if preset.table_width != preset.hidden:
            found.append(block.linear("project in", found[-1].key, preset.table_width, preset.hidden, bias=False))
        if preset.normalises_embedding:
            found.append(block.norm("norm" if alone else "target norm", found[-1].key))
        memory = None if self.memory is None or self.memory_stream is None else (self.memory, self.memory_stream)
        for number in range(self.layers):
            found += _layer(Block(preset, f"{self.name} {number}", number, self.stream), found[-1].key, memory)
        return (*found, *self._head(found[-1].key))

    def _head(self, source: str) -> list[Operator]:
        preset = self.preset
        block = Block(preset, "head", 0, self.stream)
        found: list[Operator] = []
        if preset.ends_with_norm:
            found.append(block.norm("norm", source))
            source = found[-1].key
        if preset.table_width != preset.hidden:
            found.append(block.linear("project out", source, preset.hidden, preset.table_width, bias=False))
            source = found[-1].key
        logits: Linear = block.linear("logits", source, preset.table_width, preset.vocabulary, bias=preset.head_bias)
        most = Rowwise(
            layer="head",
            name="argmax",
            kind="argmax",
            inputs=(Edge(logits.key),),
            width=preset.vocabulary,
            stream=self.stream,
        )
        return [replace(each, positions="last") for each in (*found, replace(logits, tied=preset.tied), most)]
