"""ISAAC's published sums, the energy that follows from them, and where its figures come from."""

from fractions import Fraction
from pathlib import Path

import pytest

from archsim.description import Node, describe
from archsim.machine import load_machine
from archsim.machine.bibliography import bibliography
from archsim.resources import find
from tests.machine.test_nl_dpe import walk

MACHINES = sorted((find("hw_configs") / "machines").glob("*.yaml"))


@pytest.fixture(scope="module")
def nodes() -> dict[str, Node]:
    return {node.name: node for node in walk(describe(load_machine("isaac")).root)}


@pytest.mark.parametrize(
    ("name", "count", "power_w", "area_mm2"),
    [("core", 1, 24.08e-3, 0.01312), ("tile", 1, 0.330, 0.372), ("tile", 168, 55.4, 62.5), ("chip", 1, 65.8, 85.4)],
)
def test_sums_of_table_i(nodes: dict[str, Node], name: str, count: int, power_w: float, area_mm2: float) -> None:
    assert nodes[name].peak_power_w * count == pytest.approx(power_w, rel=0.01)
    assert nodes[name].area_m2 * 1e6 * count == pytest.approx(area_mm2, rel=0.01)


def test_counts_and_speed(nodes: dict[str, Node]) -> None:
    """16,384 multiply-accumulates in 1.6 us: 20.48 Gop/s a core, 478.95 GOPS/s/mm2 of the chip within 2 %."""
    assert nodes["tile"].total == 168
    assert nodes["core"].total == 2016
    assert nodes["router"].count == Fraction(1, 4)
    speed = nodes["core"].speed
    assert speed is not None
    assert (speed.mvm_latency_s, speed.mvm_interval_s) == pytest.approx((2.2e-6, 1.6e-6))
    assert speed.peak_ops_per_s == pytest.approx(20.48e9)
    assert speed.peak_ops_per_s * 2016 / (nodes["chip"].area_m2 * 1e6) == pytest.approx(478.95e9, rel=0.02)


def test_energy_follows_from_power_and_rate() -> None:
    machine = load_machine("isaac")
    adc = machine.parts["adc"].cost("convert")
    assert (adc.energy, adc.interval) == (1_562_500_000, Fraction(3125, 4))
    assert machine.parts["xbar"].cost("read").energy == 30 * 10**9
    assert machine.parts["edram"].cost("read").energy == round(Fraction(20_700_000 - 460_000) * Fraction(2500, 3))


def test_the_table_s_own_rate_is_an_alternative() -> None:
    machine = load_machine("isaac", ["parts.adc.alternative=table_i"])
    cost = machine.parts["adc"].cost("convert")
    assert (cost.energy, cost.interval) == (1_667_000_000, Fraction(2500, 3))
    origin = machine.provenance["parts", "adc", "convert", "rate"]
    assert (origin.source, origin.status) == ("shafiee2016isaac", "simulated")


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_every_figure_has_a_source_and_a_status(path: Path) -> None:
    machine = load_machine(path)
    for loc, origin in machine.provenance.items():
        assert origin.source in bibliography(), loc
        assert origin.status in ("measured", "simulated", "derived", "assumed"), loc
