"""Transformers as Graphs: encoders, decoders, and decoders that look at an encoder's result."""

from dataclasses import replace

from archsim.graph.attention import ACTIVATION_KINDS, Block, attention, cross_attention
from archsim.graph.axes import Axis, dim
from archsim.graph.builder import Builder
from archsim.graph.experts import feed_forward
from archsim.graph.graph import Graph, make_graph
from archsim.graph.latent import latent_attention
from archsim.graph.pooling import pooled
from archsim.graph.preset import Preset
from archsim.graph.sequence_nodes import Embedding, Positions
from archsim.graph.state_space import state_space
from archsim.graph.streams import TOKENS, Stream
from archsim.graph.views import Patches
from archsim.graph.windows import Interval

FEEDBACK = ("head/argmax", "embeddings/embedding")
"""By which a new token comes back in."""
_TARGET_FEEDBACK = ("head/argmax", "embeddings/target embedding")
_TABLE = "embeddings/embedding.tokens"
_FRAMES = 2
"""Frames of a spectrogram a position: its second convolution has this stride."""


def transformer(preset: Preset, digest: str) -> Graph:
    """The Graph of a preset."""
    made = _Transformer(preset)
    outputs, feedback = made.build()
    return make_graph(
        preset.name,
        preset.description,
        made.builder.inputs,
        made.builder.nodes,
        list(made.builder.weights.values()),
        outputs,
        source=preset.source,
        feedback=feedback,
        notes=(*preset.notes, *_taken_for_granted(preset)),
        max_positions=preset.positions or 1,
        digest=digest,
    )


def _taken_for_granted(preset: Preset) -> list[str]:
    """What a result has to say."""
    if preset.latent is not None and preset.latent.form == "expanded":
        return ["keys and values of all heads are made once for each position, and kept beside its latent"]
    return []


class _Transformer:
    """A preset being built."""

    def __init__(self, preset: Preset) -> None:
        self.preset, self.builder = preset, Builder("embeddings")
        name = "decoder" if preset.architecture == "encoder-decoder" else "layer"
        shared = enumerate(preset.shared_layers or ())
        self.builder.shared = {f"{name} {at}": f"{name} {source}" for at, source in shared if at != source}

    def build(self) -> tuple[list[str], tuple[str, str] | None]:
        """All nodes; the keys of the results, and how a new token comes back in, where it makes any."""
        preset = self.preset
        if preset.architecture == "encoder":
            image = preset.image
            length = None if image is None else image.patches + image.tokens
            stream = replace(TOKENS, causal=preset.causal, length=length)
            last = self._encoder(stream, "layer")
            return [*self._on_each(last, stream), *self._on_first(last, stream)], None
        if preset.architecture == "decoder":
            stream = Stream("tokens", causal=True, grows=True)
            outputs = self._decoder(stream, "layer", preset.layers, "embedding")
            return outputs, FEEDBACK if preset.has_head else None
        source = Stream("source", length=preset.audio.positions if preset.audio else None)
        # with a spectrogram a job's tokens are the decoder's; else they are the encoder's, and the decoder begins
        # with one
        target = Stream("target", causal=True, grows=True, prompt=None if preset.audio else 1)
        memory = self._encoder(source, "encoder")
        layers = preset.decoder_layers or preset.layers
        outputs = self._decoder(target, "decoder", layers, "target embedding", memory)
        return outputs, _TARGET_FEEDBACK if preset.has_head else None

    def _block(self, layer: str, number: int, stream: Stream, score_table: str = "") -> Block:
        self.builder.layer = layer
        return Block(self.preset, self.builder, layer, number, stream, score_table)

    # What comes in

    def _tokens(self, stream: Stream, name: str, key: str, *, table: str, tokens: int, segments: int) -> str:
        """Rows of tables of tokens and of positions; those of the first segment are added."""
        preset, builder = self.preset, self.builder
        axis = Axis(stream.name, stream.length, 0, stream)
        ids = builder.input(name, (dim(axis),), whole=preset.vocabulary, stream=stream)
        width, last = preset.table_width, preset.embedding_projected_last
        apart = preset.table_width != preset.hidden and not last
        tables = [builder.weight(table, (preset.vocabulary, width), trained=tokens)]
        if preset.rows and not apart:
            tables.append(builder.weight(f"embeddings/{key}.positions", (preset.rows, width)))
        if segments:
            tables.append(builder.weight(f"embeddings/{key}.segments", (segments, width)))
        x = builder.add(
            Embedding(
                layer="embeddings",
                name=key,
                kind="embedding",
                inputs=(ids, *tables),
                shape=(dim(axis), dim(Axis(f"embeddings/{key}:1", width))),
                positions=preset.rows > 0 and not apart,
                first_position=preset.first_position,
                scale=preset.embedding_scale,
            )
        )
        if last:
            x = self._block("embeddings", 0, stream).norm("norm", x) if preset.normalises_embedding else x
            return builder.linear("project in", x, preset.hidden)
        if apart:
            x = builder.linear("project in", x, preset.hidden, bias=False)
            x = self._positioned(x, "positions", preset.rows) if preset.rows else x
        return x

    def _positioned(self, x: str, name: str, rows: int) -> str:
        table = self.builder.weight(f"embeddings/{name}.positions", (rows, self.preset.hidden))
        return self.builder.add(
            Positions(
                layer="embeddings",
                name=name,
                kind="embedding",
                inputs=(x, table),
                shape=self.builder.of(x),
                first_position=self.preset.first_position,
            )
        )

    def _patches(self, stream: Stream) -> str:
        """A product for each patch; then positions are added, and the tokens that stand before the patches."""
        image, builder, hidden = self.preset.image, self.builder, self.preset.hidden
        assert image is not None  # noqa: S101 - asked before
        picture = builder.input("image", builder.axes("image", (image.channels, image.size, image.size)))
        own = Stream("patches", length=image.patches) if image.tokens else stream
        patches = Axis(own.name, image.patches, 0, own)
        pixels = dim(Axis("patches:1", image.channels * image.patch**2))
        view = Patches(
            layer="embeddings", name="cut", inputs=(picture,), shape=(dim(patches), pixels), size=image.patch
        )
        x = builder.linear("patches", builder.add(view), hidden)
        if image.tokens:
            first = builder.weight("embeddings/first tokens", (image.tokens, hidden))
            tokens = Axis(stream.name, stream.length, 0, stream)
            x = builder.concat([first, x], 0, "tokens", tokens)
        return self._positioned(x, "embedding", image.patches + image.tokens)

    def _frames(self, stream: Stream) -> str:
        """Two convolutions of width 3 along time, then positions are added."""
        audio, builder, hidden = self.preset.audio, self.builder, self.preset.hidden
        assert audio is not None  # noqa: S101 - asked before
        frames = Axis("frames", _FRAMES * audio.positions, 0, Stream("frames", length=_FRAMES * audio.positions))
        x = builder.input("frames", (dim(frames), *builder.axes("frames", (audio.mels,))))
        for number, (axis, width, stride) in enumerate(
            ((frames, audio.mels, 1), (Axis(stream.name, audio.positions, 0, stream), hidden, _FRAMES)), start=1
        ):
            key = f"embeddings/conv {number}"
            weight = builder.weight(f"{key}.weight", (hidden, width, 3))
            bias = builder.weight(f"{key}.bias", (hidden,))
            window = ("s", "k", Interval(3, stride, 1), axis.size or 1)
            x = builder.contraction(
                f"conv {number}", x, weight, "si,oik->so", windows=[window], axes={"s": axis}, bias=bias
            )
            x = builder.elementwise(f"activation {number}", "gelu", x)
        return self._positioned(x, "embedding", audio.positions)

    # Stacks of layers

    def _encoder(self, stream: Stream, name: str) -> str:
        preset = self.preset
        block = self._block("embeddings", 0, stream)
        if preset.image is not None:
            x = self._patches(stream)
        elif preset.audio is not None:
            x = self._frames(stream)
        else:
            tokens = preset.vocabulary * preset.table_width
            key = "tokens" if name == "layer" else "source"
            x = self._tokens(stream, key, "embedding", table=_TABLE, tokens=tokens, segments=preset.segments)
        if preset.normalises_embedding and not preset.embedding_projected_last:
            x = block.norm("norm", x)
        for number in range(preset.layers):
            x = _layer(self._block(f"{name} {number}", number, stream, f"{name} 0/score bias.table"), x)
        if preset.ends_with_norm:
            x = self._block("end" if name == "layer" else f"{name} end", 0, stream).norm("norm", x)
        return x

    def _on_each(self, last: str, stream: Stream) -> list[str]:
        """Of an encoder: logits of the vocabulary, or labels, of each position, or the last layer's result itself."""
        preset = self.preset
        outputs = []
        block = self._block("head", 0, stream)
        if preset.has_head:
            x = block.linear("dense", last, preset.table_width)
            x = block.norm("norm", block.activation("activation", x))
            tied = _TABLE if preset.tied else None
            outputs.append(block.linear("logits", x, preset.vocabulary, bias=True, tied=tied))
        if preset.position_classes:
            outputs.append(block.linear("labels", last, preset.position_classes, bias=True))
        return outputs or [last]

    def _on_first(self, last: str, stream: Stream) -> list[str]:
        """What classifies looks at the first position alone; or one query at all, or a projection at the last."""
        preset, builder = self.preset, self.builder
        if preset.attention_pooler:
            return [pooled(self._block("pooler", 0, stream), last)]
        if preset.project_last is not None:
            block = self._block("pooler", 0, stream)
            return [block.linear("projection", builder.choose(last, "last"), preset.project_last, bias=True)]
        if not preset.pooler and not preset.classes:
            return []
        block = self._block("pooler", 0, stream)
        x = builder.choose(last, "first")
        if preset.pooler:
            function = preset.pooler_activation
            kind = ACTIVATION_KINDS.get(function, function)
            x = block.linear("dense", x, preset.hidden, bias=True)
            x = builder.elementwise(function, kind, x, function=function)
        if preset.classes:
            x = self._block("classifier", 0, stream).linear("classes", x, preset.classes, bias=True)
        return [x]

    def _decoder(self, stream: Stream, name: str, layers: int, key: str, memory: str = "") -> list[str]:
        """Embeddings, layers, a last norm; a head and the most likely token, or what stands in its place."""
        preset = self.preset
        block = self._block("embeddings", 0, stream)
        # the encoder's token table serves the decoder too, its positions do not; a spectrogram has no tokens
        inner = bool(memory) and preset.audio is None
        table = _TABLE if inner or not memory else f"embeddings/{key}.tokens"
        tokens = preset.vocabulary * preset.table_width
        x = self._tokens(stream, "target" if memory else "tokens", key, table=table, tokens=tokens, segments=0)
        if preset.normalises_embedding and not preset.embedding_projected_last:
            x = block.norm("target norm" if memory else "norm", x)
        for number in range(layers):
            x = _layer(self._block(f"{name} {number}", number, stream, f"{name} 0/score bias.table"), x, memory)
        return self._head(x, stream, table)

    def _head(self, x: str, stream: Stream, table: str) -> list[str]:
        preset, builder = self.preset, self.builder
        block = self._block("head", 0, stream)
        if preset.has_head or preset.classes:
            x = builder.choose(x, "last")
        if preset.ends_with_norm:
            x = block.norm("norm", x)
        if preset.table_width != preset.hidden:
            x = builder.linear("project out", x, preset.table_width, bias=False)
        if preset.classes:
            return [builder.linear("score", x, preset.classes, bias=False)]
        if preset.position_classes:
            return [builder.linear("labels", x, preset.position_classes, bias=True)]
        if not preset.has_head:
            return [x]
        logits = block.linear(
            "logits",
            x,
            preset.vocabulary,
            bias=preset.head_bias,
            tied=table if preset.tied else None,
            scale=preset.logit_scale,
            cap=preset.logit_cap,
        )
        return [logits, builder.reduce("argmax", "argmax", logits, "argmax", (1,))]


def _layer(block: Block, x: str, memory: str = "") -> str:
    """One layer: norms before, after, or both; attention and feed-forward part one after the other, or side by side."""
    preset = block.preset
    if preset.parallel:
        return _parallel_layer(block, x)

    def part(name: str, before: str, after: str) -> str:
        """Close a part with its residual sum and norms."""
        if preset.post_norms:
            after = block.norm(f"{name} post norm", after)
        total = block.add(f"{name} add", after, before)
        return total if preset.normalises_first else block.norm(f"{name} norm", total)

    def begun(name: str, at: str) -> str:
        """What a part works on."""
        bare = not preset.pre_norms or (name == "attention" and not block.number and not preset.first_norm)
        return block.norm(f"{name} norm", at) if preset.normalises_first and not bare else at

    if preset.attends(block.number):
        x = part("attention", x, _attention(block, begun("attention", x)))
    else:
        x = part("mamba", x, state_space(block, begun("mamba", x)))
    if memory:
        x = part("cross", x, cross_attention(block, begun("cross", x), memory))
    if not preset.ffn:
        return x
    return part("ffn", x, feed_forward(block, begun("ffn", x)))


def _attention(block: Block, x: str) -> str:
    latent = block.preset.latent
    return attention(block, x) if latent is None else latent_attention(block, x, latent)


def _parallel_layer(block: Block, x: str) -> str:
    first = block.norm("attention norm", x)
    attended = _attention(block, first)
    second = first if block.preset.shared_norm else block.norm("ffn norm", x)
    both = block.add("attention add", attended, feed_forward(block, second))
    return block.add("ffn add", both, x)
