"""The shape of a model file in `workloads/models`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from archsim.parts.quantity import Count, Name, Truth, Whole

_MOST_LAYERS = 10_000


class Preset(BaseModel):
    """A transformer by its sizes: layers, heads; values of a position, of its feed-forward part; tokens, positions.

    kv_heads: heads of keys and values, which groups of heads share. head_dim: of a head, if not hidden / heads.
    gated: the activation of one projection times another (SwiGLU, GeGLU). rotary: positions turn queries and keys, and
    have no table. tied: the head's weights are those of the token table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_id: Literal["archsim.model/1"] = Field(alias="schema")
    name: Name
    description: str = ""
    source: Name | None = None
    architecture: Literal["encoder", "decoder"]
    layers: Count
    hidden: Count
    heads: Count
    ffn: Count
    vocabulary: Count
    positions: Count
    segments: Whole = 0
    activation: Literal["gelu", "relu", "silu"] = "gelu"
    kv_heads: Count | None = None
    head_dim: Count | None = None
    gated: Truth = False
    norm: Literal["layernorm", "rmsnorm"] = "layernorm"
    rotary: Truth = False
    bias: Truth = True
    tied: Truth = True
    pooler: Truth = False
    causal: Truth = False

    @property
    def is_causal(self) -> bool:
        """Whether positions see only those before."""
        return self.causal or self.architecture == "decoder"

    @property
    def per_head(self) -> int:
        """Values of a head."""
        return self.head_dim or self.hidden // self.heads

    @property
    def kept(self) -> int:
        """Values of all keys of a position; those of its values are as many."""
        return (self.kv_heads or self.heads) * self.per_head

    @model_validator(mode="after")
    def _sizes_fit(self) -> "Preset":
        if self.layers > _MOST_LAYERS:
            message = "found {layers} layers; expected at most {most}"
            raise PydanticCustomError("preset", message, {"layers": self.layers, "most": _MOST_LAYERS})
        if self.architecture == "decoder" and (self.pooler or self.segments):
            raise PydanticCustomError(
                "preset", "found 'pooler' or 'segments' in a decoder; only encoders have them", {}
            )
        if self.heads % (self.kv_heads or self.heads):
            message = "'heads' {heads} is not a multiple of 'kv_heads' {kv_heads}"
            raise PydanticCustomError("preset", message, {"heads": self.heads, "kv_heads": self.kv_heads})
        if self.head_dim is None and self.hidden % self.heads:
            message = "'hidden' {hidden} is not a multiple of 'heads' {heads}"
            raise PydanticCustomError("preset", message, {"hidden": self.hidden, "heads": self.heads})
        return self
