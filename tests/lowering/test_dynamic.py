"""Products of two operands: four ways, with their counts worked out by hand."""

import pytest

from archsim.errors import ArchsimError
from archsim.graph.job import Job
from archsim.machine import Machine, load_machine
from archsim.mapping.placement import place
from tests.lowering.machines import tiny
from tests.lowering.runs import all_times, counts, run

WRITTEN = (
    "parts.xbar.class=rewritable_crossbar",
    "parts.xbar.write={interval: 10 ns, energy: 2 pJ}",
    "parts.xbar.endurance=1000000",
    "recipes.matmul=[{write: core}, {mvm: core}]",
)
RACE = (
    (
        "parts.race={class: race, arrays: 4, rows: 8, cols: 50, rounds: 3, search: {interval: 1 ns, energy: 1 pJ},"
        " decode: {interval: 1 ns, energy: 100 fJ}}"
    ),
    "modules.digital.parts.race=4",
    "recipes.matmul=[{multiply: race}, {sum: vector}]",
    "recipes.softmax=[{exp: race}, {sum: vector}, {reciprocal: race}, {multiply: race}]",
)


def isaac(settings: tuple[str, ...]) -> Machine:
    """ISAAC with settings; those that are mappings are read as such."""
    return load_machine("isaac", settings)


def test_digital_macs_count_every_product() -> None:
    """2 layers, 6 positions, 6 keys, 2 products of 32 values: 2 x 6 x 6 x 64."""
    assert counts(run(load_machine("isaac"), tiny(2), 6))["digital.mac.mac"] == 2 * 6 * 6 * 64


def test_one_operand_is_written_into_arrays() -> None:
    """Two heads of 16, 16-bit weights in 8 cells: each position writes 2 x 16 x 8 cells for K and as many for V.

    A position's key is a column: 16 rows of 10 ns, one after another; its value is a row: 10 ns.
    """
    played = run(isaac(WRITTEN), tiny(2), 6)
    found = counts(played)
    assert found["core.xbar.write"] == 2 * 6 * 2 * (2 * 16 * 8)
    assert "digital.mac.mac" not in found
    for name, rows in (("scores", 16), ("context", 1)):
        start, finish = all_times(played, f"layer 1/{name} write")
        assert set((finish - start).tolist()) == {rows * 10_000}
        products = all_times(played, f"layer 1/{name}")[0]
        assert products.min() >= finish.max()  # an encoder needs all keys, and an array does one thing at a time


def test_a_product_in_arrays_reads_them_once_a_bit() -> None:
    """16 reads for 16 input bits: scores have 2 heads of one array, context too; 2 layers, 6 positions."""
    written, digital = counts(run(isaac(WRITTEN), tiny(2), 6)), counts(run(load_machine("isaac"), tiny(2), 6))
    assert written["core.xbar.read"] - digital["core.xbar.read"] == 2 * 6 * 2 * 2 * 16


def test_arrays_for_operands_are_kept_free_and_reported() -> None:
    """128 keys in blocks of 16 outputs: 8 arrays, a core a head; context: 128 rows, one array of a core a head."""
    cores = place(isaac(WRITTEN), tiny(2), Job(seq=128)).group("layer 0").function_cores
    assert cores == {"scores": 2, "context": 2}
    with pytest.raises(ArchsimError, match=r"operands that the run writes take .* cores, .* are free"):
        place(isaac((*WRITTEN, "modules.chip.parts.tile=4", "modules.tile.parts.router=1")), tiny(2), Job(seq=4096))


def test_race_multiplies_pairs_of_four_bits() -> None:
    """Every 8-bit product is one use of a unit: 4 searches and 3 rounds: 4.3 pJ, 1 + 3 ns, a new one every 3 ns."""
    machine = isaac(RACE)
    cost = machine.parts["race"].cost("multiply")
    assert [cost.latency, cost.interval, cost.energy] == [4_000, 3_000, 4_300_000_000]
    found = counts(run(machine, tiny(2), 6))
    keys = positions = 6
    softmax = 2 * positions * (2 * keys)
    assert found["digital.race.multiply"] == 2 * positions * keys * 64 + softmax
    assert found["digital.race.function"] == softmax + 2 * positions * 2


def test_products_in_the_log_domain_need_an_exp_each() -> None:
    found = counts(run(load_machine("nl_dpe"), tiny(1), 6))
    products = 6 * 6 * 64
    assert found["tile.adder.add"] >= 2 * products
    assert found["core.acam.convert"] >= products
