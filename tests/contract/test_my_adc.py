"""A user's ADC: its class, a machine that uses it, and its test, in one file outside the package."""

from typing import ClassVar

from archsim import load_machine, load_model, simulate
from archsim.parts.base import Action, Part, Place
from archsim.parts.quantity import Bits
from archsim.testing import check_part


class RampAdc(Part):
    """A ramp ADC compares once for each of its levels: it takes 2^bits steps for a conversion.

    bits: resolution, such as 4 b. step: one comparison. Actions: convert.
    """

    place: ClassVar[Place] = "convert"
    actions: ClassVar[tuple[str, ...]] = ("convert",)

    bits: Bits
    convert: Action

    @property
    def levels(self) -> int:
        """Codes that it tells apart."""
        return 1 << int(self.bits)


GIVEN = "parts.adc={class: tests.contract.test_my_adc:RampAdc, bits: 4 b, convert: {rate: 2.56 GHz, energy: 0.5 pJ}}"


def test_it_keeps_the_contract() -> None:
    part = load_machine("isaac", [GIVEN]).parts["adc"]
    assert isinstance(part, RampAdc)
    assert part.levels == 16
    check_part(part)


def test_a_machine_counts_its_conversions() -> None:
    model = load_model("bert-base")
    own, mine = (simulate(load_machine("isaac", settings), model, seq=2) for settings in ([], [GIVEN]))
    assert mine.energy_by_part_j["core.adc"] * 1.5625 == own.energy_by_part_j["core.adc"] * 0.5
    assert mine.latency_s == own.latency_s
