"""A user's ADC: its class, a machine that uses it, and its test, in one file outside the package."""

from typing import ClassVar

import pytest

from archsim import load_machine, load_model, simulate
from archsim.parts.base import Action, Cost, Part, Place
from archsim.parts.quantity import Bits
from archsim.testing import check_part


class RampAdc(Part):
    """A ramp ADC compares once for each of its levels: it takes 2^bits steps for a conversion.

    bits: resolution, such as 4 b. Actions: convert, for which a machine file gives one step.
    """

    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ("convert",)

    bits: Bits
    convert: Action

    @property
    def levels(self) -> int:
        """Codes that it tells apart."""
        return 1 << int(self.bits)

    def cost(self, action: str) -> Cost:
        """All steps of a conversion."""
        step = super().cost(action)
        n = self.levels
        return Cost(n * step.latency, n * step.interval, n * step.energy, f"{n} x ({step.derivation})")


GIVEN = "parts.adc={class: tests.contract.test_my_adc:RampAdc, bits: 4 b, convert: {rate: 20 GHz, energy: 0.05 pJ}}"


def test_it_keeps_the_contract() -> None:
    part = load_machine("isaac", [GIVEN]).parts["adc"]
    assert isinstance(part, RampAdc)
    assert part.levels == 16
    check_part(part)


def test_a_machine_counts_its_conversions() -> None:
    """16 steps of 50 ps are 0.8 ns: 128 conversions take 102.4 ns, more than ISAAC's cycle of 100 ns."""
    model = load_model("bert-base")
    own, mine = (simulate(load_machine("isaac", settings), model, seq=2) for settings in ([], [GIVEN]))
    assert mine.energy_by_part_j["core.adc"] * 1.5625 == pytest.approx(own.energy_by_part_j["core.adc"] * 16 * 0.05)
    assert mine.latency_s > own.latency_s
