"""The path of an MVM as stages: data types that all timing of a core depends on."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

from archsim.core.load import Amount, Load
from archsim.parts.base import Burst, Part, Stream

Flow = Literal["tile_inputs", "inputs", "drives", "arrays", "conversions", "outputs", "partials", "tile_outputs"]
"""What is counted at a point of the path; `partials` are all cores' outputs, on their way into the tile's adder."""


@dataclass(frozen=True)
class Element:
    """A part at work in a stage. `bits` per value where words are moved, else 0; `in_core`: each core has its own."""

    key: str
    part: Part
    units: int
    action: str
    flow: Flow
    bits: int
    in_core: bool

    def amount(self, load: Load) -> Amount:
        """Values that pass, in the busiest core and in all."""
        found = load.outputs.total if self.flow == "partials" else getattr(load, self.flow)
        if isinstance(found, int):
            return Amount(found, found)
        return cast("Amount", found)

    def burst(self, load: Load) -> Burst:
        """Its burst for one pass: timed by the busiest core, counted over all cores of the tile."""
        amount = self.amount(load)
        peak, total = amount.peak, amount.total
        if self.bits:
            stream = cast("Stream", self.part)
            peak, total = stream.words(peak * self.bits), stream.words(total * self.bits)
        return self.part.burst(self.action, peak, self.units, counted=total)


@dataclass(frozen=True)
class Stage:
    """Parts that act together. `per_read`: once for each group of input bits; `last` acts only at the last of them."""

    name: str
    elements: tuple[Element, ...]
    last: tuple[Element, ...]
    per_read: bool
    cycle: Fraction | None


@dataclass(frozen=True)
class Storage:
    """A memory of `size` bits between two stages, filled by `element` in stage `writer`, emptied by the next."""

    element: Element
    size: int
    writer: int


@dataclass(frozen=True)
class Path:
    """All that the timing of an MVM depends on, its load aside.

    reads: crossbar reads per MVM, of `read_bits` input bits each; array: the stage of the crossbar;
    combined: the last stage that runs once a read; holds: a sample-and-hold frees the crossbar for the next read;
    accumulates: reads are summed in the analog domain, and converted once.
    """

    stages: tuple[Stage, ...]
    storages: tuple[Storage, ...]
    reads: int
    read_bits: int
    array: int
    combined: int
    holds: bool
    accumulates: bool
