"""The path of an MVM as stages: data types that all timing of a core depends on."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

from archsim.core.load import Amount, Load
from archsim.parts.base import Burst, Part, Stream

Flow = Literal["tile_inputs", "inputs", "drives", "arrays", "conversions", "outputs", "tile_outputs"]
"""What is counted at a point of the path: the field of a Load that says how many."""


@dataclass(frozen=True)
class Element:
    """A part at work in a stage. `bits` per value where words are moved, else 0.

    in_core: each core has `units` of its own; else `units` in the tile serve all cores together.
    """

    key: str
    part: Part
    units: int
    action: str
    flow: Flow
    bits: int
    in_core: bool

    def amount(self, load: Load) -> Amount:
        """Values that pass: by the busiest core's element and by all, or by the one that serves all cores."""
        found = getattr(load, self.flow)
        if isinstance(found, int):
            return Amount(found, found)
        return cast("Amount", found) if self.in_core else Amount(found.total, found.total)

    def burst(self, load: Load) -> Burst:
        """Its burst for one pass: timed by the busiest core, counted over all cores of the tile.

        Values are spread evenly over the units, whichever array's they are: rows and columns without weights
        take no time and no energy.
        """
        amount = self.amount(load)
        peak, total = amount.peak, amount.total
        if self.bits:
            peak, total = self._words(peak), self._words_of_cores(amount)
        return self.part.burst(self.action, peak, self.units, counted=total)

    def _words(self, values: int) -> int:
        return cast("Stream", self.part).words(values * self.bits)

    def _words_of_cores(self, amount: Amount) -> int:
        """Each core begins with a word of its own: as many as can be are as busy as the busiest, one has the rest."""
        busy, rest = divmod(amount.total, max(1, amount.peak))
        return busy * self._words(amount.peak) + self._words(rest)


@dataclass(frozen=True)
class Stage:
    """Parts that act together. `per_read`: once for each group of input bits; `last` acts only at the last of them.

    cycle: ps, of which the stage takes whole ones; None where it is not clocked.
    """

    name: str
    elements: tuple[Element, ...]
    last: tuple[Element, ...]
    per_read: bool
    cycle: Fraction | None


@dataclass(frozen=True)
class Storage:
    """Memories of `size` bits between two stages, filled by `element` in stage `writer`, emptied by the next.

    each_read: filled and emptied at every read; else a whole product at a time.
    """

    element: Element
    size: int
    writer: int
    each_read: bool

    def bits(self, load: Load) -> int:
        """Bits that are filled in at a time."""
        return self.element.amount(load).peak * self.element.bits


@dataclass(frozen=True)
class Samples:
    """Room for `number` analog results: one is taken as stage `taker` starts, and free as stage `giver` ends."""

    number: int
    taker: int
    giver: int


@dataclass(frozen=True)
class Path:
    """All that the timing of an MVM depends on, its load aside.

    reads: crossbar reads per MVM, of `read_bits` input bits each (the last perhaps of fewer); accumulates: reads are
    summed in the analog domain, and converted once; core_end: the last stage of the core.
    """

    stages: tuple[Stage, ...]
    storages: tuple[Storage, ...]
    samples: tuple[Samples, ...]
    reads: int
    read_bits: int
    accumulates: bool
    core_end: int

    def passes(self, index: int) -> int:
        """How often a product passes a stage."""
        return self.reads if self.stages[index].per_read else 1
