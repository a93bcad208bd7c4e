"""The shape of a transformer's file in `workloads/models`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from archsim.graph.mechanisms import Latent, Layers, Mixture, Temperature
from archsim.graph.preset_checks import idle_mechanisms, misfit, require_bounds, require_mechanisms, require_rotation
from archsim.graph.rotary import RotaryScaling, frequencies
from archsim.graph.state_space_keys import StateSpace
from archsim.parts.quantity import Count, Name, Number, Truth, Whole, choice
from archsim.vocabulary import ACTIVATIONS

_EPSILON = 1e-5
"""Of norms, where a file says none: that of most models."""

Activation = Annotated[str, choice((*ACTIVATIONS, "gelu_tanh", "quick_gelu"))]
"""Of a feed-forward part. Approximations of GELU have the time and energy of GELU."""


class Image(BaseModel):
    """A picture cut into square patches; `tokens` more come before them (a class token)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    size: Count
    patch: Count
    channels: Count = 3
    tokens: Whole = 1

    @property
    def patches(self) -> int:
        """Patches of a picture."""
        return (self.size // self.patch) ** 2


class Audio(BaseModel):
    """A spectrogram of `mels` bands: two convolutions of width 3, the second of stride 2, which leaves `positions`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    mels: Count
    positions: Count


class Preset(BaseModel):
    """A transformer by its sizes: layers, heads; values of a position, of its feed-forward part; tokens, positions.

    kv_heads: heads of keys and values, which groups of heads share. head_dim: of a head, if not hidden / heads.
    gated: the activation of one projection times another (SwiGLU, GeGLU). rotary: positions turn queries and keys.
    position_rows: of the table of positions, if not `positions` (none with rotary, state_space). embedding: width of
    tokens in their table, if not hidden. tied: the head has its weights. causal: encoders see the past.
    norm_first: norms come before attention and feed-forward part, and one more at the end; else after residual sums.
    post_norms: both before and after. parallel: attention and feed-forward part take the same input; shared_norm: after
    one norm. qk_norm: queries and keys are normalised in each head. score_bias: scores get a bias by distance, from a
    table of `buckets` rows in the first layer (from `furthest` on all distances are alike), or from none.
    window: positions that one sees, itself included, but in layers `full_offset`, `full_offset` + `full_every`, … or in
    those of `full_layers`; with window_chunks those of its own chunk of so many; in an encoder without `causal` it lies
    around the position, as far on both sides. rotary_layers: those that turn queries and keys, if not all; temperature:
    of the others. qk_norm_form: in each head; over all heads together (whole); in each head after they are turned,
    without a scale, where they are (turned). sinks: a number of each head is one more score. latent: latent attention.
    experts: feed-forward parts, of which a position takes experts_per_token; mixture: what else they have. state_space:
    layers that keep a state in place of keys and values; with them ffn: 0 leaves out feed-forward parts.
    bias and its kin: of qkv, keys alone, attention output, feed-forward part, head, norms.
    pre_norms: false, where norms come after parts alone, before residual sums; first_norm: false, where the first
    layer's attention has none. shared_layers: for each layer the one whose weights it has. attention_pooler: one query
    looks at all positions, then a feed-forward part; project_last: the last position's result as so many values.
    embedding_projected_last: positions, segments and norm of the embedding have its width, and come before its
    projection, which has a bias.
    head: logits of the vocabulary, of the last position, or, in an encoder, of each, after a projection, an activation
    and a norm; decoders have one if they have no classes. classes: of a sequence, by its first position (of an encoder,
    after a `pooler` with pooler_activation, if it has one) or its last. position_classes: of each position.
    notes: are said with each result.
    Of values alone, which have no time: epsilon of norms; rotary_base, rotary_values (of a head, the first ones that
    are turned), rotary_form (pairs are the halves of a head, or neighbours), rotary_scaling; window_rotary_base: of
    layers with a window, unscaled; score_scale (1 / sqrt of a head's values, if not given) and score_cap; logit_scale
    and logit_cap of the head; score_bias_scale, of a bias by distance; gate_limit (values that the activation takes are
    at most so much, and those that it multiplies within so much of 0), up_shift (added to those); embedding_scale of
    tokens; first_position, its row in the table of positions; gates_renormalised: whether gates of chosen experts sum
    to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_id: Literal["archsim.model/1"] = Field(alias="schema")
    name: Name
    description: str = ""
    source: Name | None = None
    architecture: Literal["encoder", "decoder", "encoder-decoder"]
    layers: Count
    decoder_layers: Count | None = None
    hidden: Count
    heads: Count = 0
    ffn: Whole
    vocabulary: Whole = 0
    positions: Count | None = None
    position_rows: Whole | None = None
    segments: Whole = 0
    embedding: Count | None = None
    image: Image | None = None
    audio: Audio | None = None
    activation: Activation = "gelu"
    kv_heads: Count | None = None
    head_dim: Count | None = None
    gated: Truth = False
    norm: Literal["layernorm", "rmsnorm"] = "layernorm"
    norm_first: Truth | None = None
    embedding_norm: Truth | None = None
    final_norm: Truth | None = None
    post_norms: Truth = False
    parallel: Truth = False
    shared_norm: Truth = False
    qk_norm: Truth = False
    rotary: Truth = False
    score_bias: Truth = False
    buckets: Whole = 0
    furthest: Count = 128
    window: Count | None = None
    full_every: Count | None = None
    full_offset: Whole = 0
    full_layers: tuple[Whole, ...] | None = None
    experts: Count = 1
    experts_per_token: Count = 1
    state_space: StateSpace | None = None
    bias: Truth = True
    qkv_bias: Truth | None = None
    key_bias: Truth = True
    output_bias: Truth | None = None
    ffn_bias: Truth | None = None
    head_bias: Truth = False
    tied: Truth = True
    head: Truth | None = None
    pooler: Truth = False
    pooler_activation: Activation = "tanh"
    classes: Whole = 0
    position_classes: Whole = 0
    causal: Truth = False
    epsilon: Number | None = None
    rotary_base: Number = 10_000.0
    rotary_values: Count | None = None
    rotary_form: Literal["halves", "neighbours"] = "halves"
    rotary_scaling: RotaryScaling | None = None
    window_rotary_base: Number | None = None
    score_scale: Number | None = None
    score_cap: Number | None = None
    logit_scale: Number = 1.0
    logit_cap: Number | None = None
    embedding_scale: Number = 1.0
    first_position: Whole = 0
    gates_renormalised: Truth = True
    mixture: Mixture = Mixture()
    latent: Latent | None = None
    window_chunks: Truth = False
    rotary_layers: Layers | None = None
    temperature: Temperature | None = None
    qk_norm_form: Literal["heads", "whole", "turned"] = "heads"
    sinks: Truth = False
    pre_norms: Truth = True
    first_norm: Truth = True
    norm_bias: Truth = True
    shared_layers: Layers | None = None
    attention_pooler: Truth = False
    project_last: Count | None = None
    embedding_projected_last: Truth = False
    score_bias_scale: Number = 1.0
    gate_limit: Number | None = None
    up_shift: Number = 0.0
    notes: tuple[Name, ...] = ()

    @property
    def norm_epsilon(self) -> float:
        """Added to variances."""
        return _EPSILON if self.epsilon is None else self.epsilon

    @property
    def turned(self) -> int:
        """Values of a head that positions turn."""
        return self.latent.rotary if self.latent else self.rotary_values or self.per_head

    def rotation(self, layer: int) -> tuple[tuple[float, ...], float]:
        """Angles of a layer from a position to the next, of each pair; and what turned values are multiplied by."""
        turned, scaling = self.turned, self.rotary_scaling
        if self.window_rotary_base is not None and self.sees(layer) is not None:
            return frequencies(self.window_rotary_base, turned), 1.0
        if scaling is None:
            return frequencies(self.rotary_base, turned), 1.0
        return scaling.scaled(self.rotary_base, turned), scaling.magnitude

    def turns(self, layer: int) -> bool:
        """Whether positions turn queries and keys of a layer."""
        return self.rotary and (self.rotary_layers is None or layer in self.rotary_layers)

    def mixes(self, layer: int) -> bool:
        """Whether a layer's feed-forward part is a mixture of experts."""
        return self.experts > 1 and (self.mixture.layers is None or layer in self.mixture.layers)

    @property
    def is_causal(self) -> bool:
        """Whether positions see only those before."""
        return self.causal or self.architecture == "decoder"

    @property
    def has_head(self) -> bool:
        """Whether there are logits of the vocabulary."""
        if self.head is not None:
            return self.head
        return self.architecture != "encoder" and not self.classes and not self.position_classes

    @property
    def normalises_first(self) -> bool:
        """Whether norms come before what they are for; usual in decoders."""
        return self.architecture == "decoder" if self.norm_first is None else self.norm_first

    @property
    def ends_with_norm(self) -> bool:
        """Whether the last layer's result is normalised once more."""
        return self.normalises_first if self.final_norm is None else self.final_norm

    @property
    def normalises_embedding(self) -> bool:
        """Whether the embedding is normalised; usual where norms come after."""
        return not self.normalises_first if self.embedding_norm is None else self.embedding_norm

    @property
    def rows(self) -> int:
        """Rows of the table of positions."""
        if self.position_rows is not None:
            return self.position_rows
        known = self.rotary or self.score_bias or self.state_space is not None
        return 0 if known else self.positions or 0

    @property
    def table_width(self) -> int:
        """Values of a token in its table."""
        return self.embedding or self.hidden

    @property
    def per_head(self) -> int:
        """Values of a head."""
        return self.head_dim or self.hidden // max(1, self.heads)

    @property
    def kept(self) -> int:
        """Values of all keys of a position; those of its values are as many."""
        return (self.kv_heads or self.heads) * self.per_head

    def sees(self, layer: int) -> int | None:
        """Positions that one position of a layer sees at most; None for all."""
        if self.full_layers is not None:
            return None if layer in self.full_layers else self.window
        if self.full_every is not None and (layer - self.full_offset) % self.full_every == 0:
            return None
        return self.window

    def attends(self, layer: int) -> bool:
        """Whether a layer has attention; else it has a state space."""
        return self.state_space is None or self.state_space.attends(layer)

    @model_validator(mode="after")
    def _keys_have_a_use(self) -> "Preset":
        encodes = self.architecture != "decoder"
        idle = {
            "decoder_layers": self.decoder_layers is not None and self.architecture != "encoder-decoder",
            "image": self.image is not None and (self.architecture != "encoder" or self.audio is not None),
            "audio": self.audio is not None and self.architecture != "encoder-decoder",
            "full_every": self.full_every is not None and (self.window is None or self.full_layers is not None),
            "full_layers": self.full_layers is not None and self.window is None,
            "buckets": self.buckets > 0 and not self.score_bias,
            "shared_norm": self.shared_norm and not self.parallel,
            "experts_per_token": self.experts_per_token > self.experts,
            "head": self.head is True and self.vocabulary == 0,
            "classes": self.classes > 0 and self.architecture != "encoder" and self.head is not None,
            "causal": self.causal and not encodes,
        }
        without = {
            "decoder_layers": "architecture: encoder-decoder",
            "image": "architecture: encoder, and no audio",
            "audio": "architecture: encoder-decoder",
            "full_every": "window, and no full_layers",
            "full_layers": "window",
            "buckets": "score_bias: true",
            "shared_norm": "parallel: true",
            "experts_per_token": "as many experts",
            "head": "vocabulary",
            "classes": "architecture: encoder, or no head",
            "causal": "architecture: encoder; a decoder always is",
        }
        found = [(key, without[key]) for key, useless in idle.items() if useless]
        for key, with_what in (*found, *idle_mechanisms(self)):
            message = "found '{key}', which has a use only with {with_what}"
            raise misfit(key.partition(":")[0], message, key=key, with_what=with_what)
        if self.image is not None and not self.image.patches:
            message = "found an image of {size} positions and patches of {patch}; expected at least one patch"
            raise misfit("image", message, size=self.image.size, patch=self.image.patch)
        return self

    @model_validator(mode="after")
    def _within_bounds(self) -> "Preset":
        require_bounds(self)
        return self

    @model_validator(mode="after")
    def _mechanisms_fit(self) -> "Preset":
        require_mechanisms(self)
        return self

    def _require_heads(self) -> None:
        if not self.heads:
            if any(map(self.attends, range(self.layers))):
                raise misfit("heads", "is missing 'heads'")
        elif self.heads % (self.kv_heads or self.heads):
            message = "'heads' {heads} is not a multiple of 'kv_heads' {kv_heads}"
            raise misfit("kv_heads", message, heads=self.heads, kv_heads=self.kv_heads)
        elif self.head_dim is None and self.latent is None and self.hidden % self.heads:
            message = "'hidden' {hidden} is not a multiple of 'heads' {heads}"
            raise misfit("heads", message, hidden=self.hidden, heads=self.heads)

    @model_validator(mode="after")
    def _sizes_fit(self) -> "Preset":
        if self.architecture == "decoder" and (self.pooler or self.segments):
            message = "found 'pooler' or 'segments' in a decoder; only encoders have them"
            raise misfit("pooler" if self.pooler else "segments", message)
        self._require_heads()
        if self.rows and self.image is None and self.first_position + (self.positions or 0) > self.rows:
            message = "found a table of {rows} rows for {positions} positions from row {first} on; expected more rows"
            raise misfit("position_rows", message, rows=self.rows, positions=self.positions, first=self.first_position)
        for name, value in (("vocabulary", self.vocabulary), ("positions", self.positions)):
            if self.image is None and not value:
                message = "is missing '{name}', or an 'image' that is cut into patches"
                raise misfit(name, message, name=name)
        return self

    @model_validator(mode="after")
    def _rotation_fits(self) -> "Preset":
        require_rotation(self)
        return self
