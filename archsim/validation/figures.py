"""The shape of a file of published figures: what a paper prints, and what archsim measures for it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from archsim.parts.quantity import Count, Name, Share


class RunOptions(BaseModel):
    """A run, as `archsim run` does it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: Name
    phase: Literal["prefill", "decode", "generate"] = "prefill"
    seq: Count | None = None
    new_tokens: Count | None = None
    batch: Count = 1


class Figure(BaseModel):
    """One published figure, as printed; what archsim measures for it, or why nothing can be.

    measure: of a machine or, with `run`, of a run; `archsim.validation.measures` and `.runs` say which there are.
    machine: where it is not the file's; settings: changes of it, such as `parts.adc.bits=6`. basis: predicted,
    calibrated (it set a parameter) or identity. contradicts: another figure of the same source; hangs_on: what one
    would have to know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    figure: Name
    group: Literal["component sums", "single operations", "layers", "chip totals", "end to end"]
    published: Name
    unit: str = ""
    source: Name | None = None
    method: Name | None = None
    machine: Name | None = None
    basis: Literal["predicted", "calibrated", "identity"] = "predicted"
    measure: Name | None = None
    settings: list[Name] = Field(default_factory=list)
    run: RunOptions | None = None
    tolerance: Share | None = None
    contradicts: str = ""
    hangs_on: str = ""
    note: str = ""


class Figures(BaseModel):
    """The figures of one paper, and the machine that they are of."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_id: Literal["archsim.validation/1"] = Field(alias="schema")
    machine: Name | None = None
    source: Name
    method: Name
    figures: list[Figure]
