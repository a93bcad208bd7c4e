"""RACE-IT and the machines that it is compared with: what their files say, by hand; and what docs/race_it.md says."""

import re

import pytest

from archsim.description import Node, describe
from archsim.machine import Machine, load_machine
from archsim.machine.fits import layout
from scripts import race_units
from tests.machine.test_nl_dpe import walk

PAGE = race_units.PAGE.read_text(encoding="utf-8")


def nodes(machine: Machine) -> dict[str, Node]:
    return {node.name: node for node in walk(describe(machine).root)}


def test_a_tile_holds_786_432_weights_and_one_race_unit() -> None:
    """12 cores of 8 arrays of 128 rows and, two columns a weight, 64 outputs."""
    machine = load_machine("race_it")
    lay = layout(machine.modules["core"], machine.parts, machine.precision)
    assert lay.blocks * 128 * lay.outputs_per_block * machine.count("core", "tile") == 786_432
    assert machine.count("race", "tile") == machine.count("router", "tile") == 1


def test_a_product_is_four_searches_and_three_rounds() -> None:
    """4 x 1.57 pJ and 3 x 6 fJ; 3 ns and 3 x 333 ps; the next a ns later. 8 x 50 x 3 pairs of NL-DPE's 1.31 fJ."""
    cost = load_machine("race_it").parts["race"].cost("multiply")
    assert [cost.latency, cost.interval, cost.energy] == [3_999, 1_000, 4 * 1_570_000_000 + 3 * 6_000_000]
    column = load_machine("nl_dpe").parts["acam"].cost("convert")
    assert 8 * 50 * 3 * column.energy / 130 == pytest.approx(1.57e9, rel=1e-3)
    assert load_machine("race_it_v1").parts["race"].cost("multiply") == cost


@pytest.mark.parametrize(
    ("alternative", "energy_pj", "interval_ps"),
    [("bare_cells", 4 * 0.528 + 0.018, 1_000), ("table_v", 0.513 + 0.018, 1_000), ("clocked_decoder", 6.298, 3_000)],
)
def test_what_else_a_product_may_take(alternative: str, energy_pj: float, interval_ps: int) -> None:
    cost = load_machine("race_it", [f"parts.race.alternative={alternative}"]).parts["race"].cost("multiply")
    assert [float(cost.energy), float(cost.interval)] == pytest.approx([energy_pj * 1e9, interval_ps])


def test_the_page_s_interval_of_tiles_is_the_whole_one() -> None:
    found = re.search(r"with (\d+) to (\d+) tiles a chip, and no others", PAGE)
    assert found is not None
    first, last = int(found[1]), int(found[2])
    assert race_units.fitting([first - 1, first, last, last + 1]) == [first, last]
    assert first <= load_machine("race_it").count("tile") <= last


@pytest.mark.parametrize(("machine", "units", "column"), [("race_it", 1, 0), ("race_it_v1", 4, 2)])
def test_the_page_s_table_is_what_runs_give(machine: str, units: int, column: int) -> None:
    table = PAGE.split(f"| `{machine}`, units a tile")[1]
    row = next(line for line in table.splitlines() if line.startswith(f"| {units} |"))
    found = race_units.played(machine, units, race_units.TIMES_PS[column])
    assert row.split("|")[2 + column].split(":")[0].strip() == (
        f"{found.latency_s * 1e6:,.0f} µs, {found.energy_j * 1e3:.2f} mJ"
    )


def test_units_that_the_published_speed_up_would_take() -> None:
    """12 layers, 2 products, 128 x 128 x 768: 302 M; in 1 us and 604 tiles, 500,000 a ns-long unit: 500 a tile."""
    assert race_units.products() == 12 * 2 * 128 * 128 * 768
    assert race_units.needed(1e-6, 1000, 604) == 500
    assert race_units.needed(1e-6, 250, 604) == 125


def test_raella_takes_11_cycles_for_each_sign_or_8_without_speculation() -> None:
    """3 conversions of 3 slices on 512 rows: 0.0176 a multiply-accumulate, printed as 0.018."""
    machine = load_machine("raella")
    speed = nodes(machine)["core"].speed
    assert speed is not None
    assert speed.mvm_interval_s == pytest.approx(2 * 11 * 100e-9, rel=0.001)
    changes = [f"parts.{name}.alternative=no_speculation" for name in ("xbar", "dac", "sh")]
    plain = nodes(load_machine("raella", [*changes, "precision.inputs=8 b"]))["core"].speed
    assert plain is not None
    assert plain.mvm_interval_s == pytest.approx(8 * 100e-9)
    assert nodes(machine)["chip"].area_m2 * 1e6 == pytest.approx(600, rel=0.001)


def test_an_eyeriss_array_does_33_6_billion_products_a_second() -> None:
    """168 elements at 200 MHz: 37,632 weights in 1.12 us."""
    speed = nodes(load_machine("eyeriss_flex"))["core"].speed
    assert speed is not None
    assert speed.peak_ops_per_s == pytest.approx(2 * 33.6e9, rel=1e-3)


def test_a_flex_sfu_takes_3_38_pj() -> None:
    for name in ("puma_flex", "retransformer_flex", "eyeriss_flex"):
        machine = load_machine(name)
        assert machine.parts["flex"].cost("evaluate").energy == 3_380_000_000
        assert [(step.step, step.by) for step in machine.recipe("gelu", "")] == [("gelu", "flex")]
