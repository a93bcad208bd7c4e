"""NL-DPE's published sums, and what its file says."""

import pytest

from archsim.description import Node, describe
from archsim.machine import load_machine


def find(node: Node, name: str) -> Node:
    return next(found for found in walk(node) if found.name == name)


def walk(node: Node) -> list[Node]:
    return [node, *(inner for child in node.children for inner in walk(child))]


@pytest.mark.parametrize(("name", "power_w", "area_mm2"), [("core", 49.795e-3, 0.055275), ("tile", 432.55e-3, 0.54291)])
def test_component_sums_of_table_ii(name: str, power_w: float, area_mm2: float) -> None:
    node = find(describe(load_machine("nl_dpe")).root, name)
    assert node.peak_power_w == pytest.approx(power_w, rel=1e-3)
    assert node.area_m2 * 1e6 == pytest.approx(area_mm2, rel=1e-3)


def test_one_product_takes_86_pj_without_its_buffers() -> None:
    """8 reads of 1.31 pJ and 4 pJ, 256 conversions of 0.17 pJ: 86 pJ; buffers and decoders add 5.9 pJ."""
    machine = load_machine("nl_dpe")
    cost = {name: machine.parts[name].cost(machine.parts[name].actions[0]).energy for name in ("xbar", "dac", "acam")}
    assert 8 * (4 * cost["xbar"] + 1024 * cost["dac"]) + 256 * cost["acam"] == pytest.approx(86.0e9, rel=1e-3)
    speed = find(describe(machine).root, "core").speed
    assert speed is not None
    assert speed.mvm_energy_j == pytest.approx(91.9e-12, rel=1e-3)


@pytest.mark.parametrize(
    ("setting", "part", "energy_pj"),
    [
        ("parts.acam.alternative=table_vi", "acam", 5.73),
        ("parts.dac.alternative=isaac_rate", "dac", 0.390625),
        ("parts.xbar.alternative=cells", "xbar", 98.3),
    ],
)
def test_where_the_paper_contradicts_itself_both_figures_are_there(setting: str, part: str, energy_pj: float) -> None:
    found = load_machine("nl_dpe", [setting]).parts[part]
    assert found.cost(found.actions[0]).energy == pytest.approx(energy_pj * 1e9)
