"""The shape of a model file in `workloads/models`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from archsim.parts.quantity import Count, Name, Truth, Whole

_MOST_LAYERS = 10_000


class Preset(BaseModel):
    """A transformer by its sizes: layers, heads; values of a position, of its feed-forward part; tokens, positions."""

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
    activation: Literal["gelu", "relu"] = "gelu"
    pooler: Truth = False
    causal: Truth = False

    @property
    def is_causal(self) -> bool:
        """Whether positions see only those before."""
        return self.causal or self.architecture == "decoder"

    @model_validator(mode="after")
    def _sizes_fit(self) -> "Preset":
        if self.layers > _MOST_LAYERS:
            message = "found {layers} layers; expected at most {most}"
            raise PydanticCustomError("preset", message, {"layers": self.layers, "most": _MOST_LAYERS})
        if self.architecture == "decoder" and (self.pooler or self.segments):
            raise PydanticCustomError(
                "preset", "found 'pooler' or 'segments' in a decoder; only encoders have them", {}
            )
        if self.hidden % self.heads:
            message = "'hidden' {hidden} is not a multiple of 'heads' {heads}"
            raise PydanticCustomError("preset", message, {"hidden": self.hidden, "heads": self.heads})
        return self
