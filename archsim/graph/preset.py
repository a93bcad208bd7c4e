"""The shape of a model file in `workloads/models`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from archsim.parts.quantity import Count, Truth, Whole


class Preset(BaseModel):
    """A transformer by its sizes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_id: Literal["archsim.model/1"] = Field(alias="schema")
    name: str
    description: str = ""
    source: str | None = None
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
    def _heads_divide(self) -> "Preset":
        if self.hidden % self.heads:
            message = "'hidden' {hidden} is not a multiple of 'heads' {heads}"
            raise PydanticCustomError("preset", message, {"hidden": self.hidden, "heads": self.heads})
        return self
