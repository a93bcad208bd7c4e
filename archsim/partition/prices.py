"""What it costs to compute a unit digitally: the run with that alone, against the run with all in arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.partition.units import together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.partition.measure import Measure
    from archsim.partition.units import Unit
    from archsim.result.result import Result


@dataclass(frozen=True, slots=True)
class Price:
    """Of `share` of a unit's output channels in digital units: seconds and joules more than in arrays, or less.

    busy_s: that the digital units work for it, all of them together. bits: of its weights in their memory.
    """

    share: float
    latency_s: float
    energy_j: float
    busy_s: float
    bits: int


NOTHING = Price(0.0, 0.0, 0.0, 0.0, 0)


def prices(
    units: Sequence[Unit],
    shares: Sequence[float],
    measure: Measure,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[list[Price]]:
    """Of each unit, for each share that the memory of digital units has room for."""
    rate = measure.sides["digital"]["ops_per_s"]
    before = measure.figures({})
    found = []
    for number, unit in enumerate(units):
        if progress is not None:
            progress("pricing, projection", number, len(units))
        choices = [(share, together((unit,), (share,))) for share in shares]
        fitting = [(share, digital) for share, digital in choices if measure.fits(digital)]
        found.append([_price(unit, share, before, measure.figures(digital), rate) for share, digital in fitting])
    return found


def _price(unit: Unit, share: float, before: Result, after: Result, rate: float) -> Price:
    busy = 2 * unit.macs * share / (rate * after.chips)
    latency, energy = after.latency_s - before.latency_s, after.energy_j - before.energy_j
    return Price(share, latency, energy, busy, after.digital_weight_bits)
