"""The energy ledger: exact sums, whatever the breakdown."""

import pytest

from archsim.core.timing import Timer
from archsim.graph import load_model
from archsim.graph.job import Job
from archsim.lowering.lower import lower
from archsim.machine import load_machine
from archsim.mapping.placement import place
from archsim.program.simpy import play
from archsim.result.ledger import STATIC, Ledger, keep, layer_of, operator_of, part_of
from archsim.simulation import simulate


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    machine = load_machine("isaac")
    mapping = place(machine, load_model("bert-base"), Job(seq=8))
    run = play(lower(mapping, Job(seq=8), Timer(machine)))
    return keep(machine, run, mapping.chips)


@pytest.mark.parametrize("key", [part_of, layer_of, operator_of])
def test_every_breakdown_sums_to_the_total(ledger: Ledger, key: object) -> None:
    by = ledger.by(key)  # type: ignore[arg-type]
    assert sum(by.values()) == ledger.total
    assert list(by)[-1] == STATIC
    assert ledger.static > 0
    assert all(type(value) is int for value in by.values())


def test_energy_is_counted_actions_times_cost(ledger: Ledger) -> None:
    """One conversion is 1.5625 pJ = 1,562,500,000 zJ; 8 positions, 12 layers, and the pooler's one position."""
    conversions = (8 * 12 * (4 * 768 * 768 + 2 * 768 * 3072) + 768 * 768) * 8 * 16 // 128
    entries = [entry for entry in ledger.entries if entry.action == "core.adc.convert"]
    assert sum(entry.number for entry in entries) == conversions
    assert sum(entry.energy for entry in entries) == conversions * 1_562_500_000


def test_static_energy_is_leakage_times_time() -> None:
    """ISAAC's 168 + 42 x 8 eDRAMs leak 0.46 mW each, on three chips, over the whole run."""
    result = simulate(load_machine("isaac"), load_model("bert-base"), seq=4)
    expected = 3 * (168 + 42 * 8) * 0.46e-3 * result.latency_s
    assert result.energy_by_part_j[STATIC] == pytest.approx(expected, rel=1e-9)
    assert result.energy_by_layer_j[STATIC] == result.energy_by_operator_j[STATIC] == result.energy_by_part_j[STATIC]


def test_figures_follow_from_each_other() -> None:
    result = simulate(load_machine("isaac"), load_model("bert-base"), seq=4, batch=2)
    assert result.average_power_w == pytest.approx(result.energy_j / result.latency_s)
    assert result.tokens_per_s == pytest.approx(8 / result.latency_s)
    assert result.ops == 2 * 2 * (12 * (4 * 7_077_888 + 2 * 4 * 4 * 768) + 768 * 768)
    assert result.tops_per_w == pytest.approx(result.ops / result.energy_j / 1e12)
    assert all(0 <= share <= 1 for share in result.utilisation.values())
