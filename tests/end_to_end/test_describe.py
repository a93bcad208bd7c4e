"""`archsim describe isaac`: the figures of its paper's Table I, within 1 %."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.command import archsim


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    done = archsim("describe", "isaac", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def nodes(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {node["path"].partition(".")[2]: node for node in walk(data["tree"])}


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node["children"]:
        yield from walk(child)


def test_every_node_has_its_figures(data: dict[str, Any]) -> None:
    for node in walk(data["tree"]):
        assert {"path", "count", "area_m2", "peak_power_w"} <= set(node)
    assert data["text"].startswith("ISAAC-CE")


@pytest.mark.parametrize(
    ("path", "number", "power", "area"),
    [
        ("chip.tile.core", 1, 24.08e-3, None),
        ("chip.tile", 1, 330e-3, 0.372e-6),
        ("chip.tile", 168, 55.4, 62.5e-6),
        ("chip", 1, 65.8, 85.4e-6),
    ],
)
def test_figures_of_the_paper(
    nodes: dict[str, dict[str, Any]], path: str, number: int, power: float, area: float | None
) -> None:
    assert nodes[path]["peak_power_w"] * number == pytest.approx(power, rel=0.01)
    if area is not None:
        assert nodes[path]["area_m2"] * number == pytest.approx(area, rel=0.01)


def test_counts_of_the_paper(nodes: dict[str, dict[str, Any]]) -> None:
    assert (nodes["chip.tile"]["count"], nodes["chip.tile.core"]["count"]) == (168, 12)
    assert nodes["chip.tile.router"]["count"] == 0.25
    assert nodes["chip.tile.core.adc"]["total"] == 168 * 12 * 8


def test_a_product_takes_22_cycles_of_100_ns_and_a_new_one_starts_every_16(nodes: dict[str, dict[str, Any]]) -> None:
    """16 bits in, one a read; 128 x 8 columns of 2 bits a weight of 16: 128 x 128 products each 1.6 us."""
    core = nodes["chip.tile.core"]
    assert core["mvm_latency_s"] == pytest.approx(22 * 100e-9, rel=1e-12)
    assert core["mvm_interval_s"] == pytest.approx(16 * 100e-9, rel=1e-12)
    assert core["peak_ops_per_s"] == pytest.approx(2 * 128 * 128 / 1.6e-6, rel=1e-12)


def test_every_figure_of_a_part_has_a_status(nodes: dict[str, dict[str, Any]]) -> None:
    known = {"measured", "simulated", "derived", "assumed"}
    parameters = [parameter for node in nodes.values() for parameter in node.get("parameters", [])]
    assert parameters
    assert {parameter["status"] for parameter in parameters} <= known


def test_every_figure_has_its_place() -> None:
    done = archsim("describe", "isaac", "--sources", "--set", "parts.adc.bits=7 b", "--json")
    figures = {row["figure"]: row for row in json.loads(done.stdout)["figures"]}
    rate = figures["parts.adc.convert.rate"]
    assert (rate["value"], rate["status"], rate["source"]) == ("1.28 GS/s", "derived", "shafiee2016isaac")
    path, line, column = rate["place"].rsplit(":", 2)
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - a place's own file
        assert stream.readlines()[int(line) - 1][int(column) - 1 :].startswith("{value: 1.28 GS/s")
    assert figures["parts.adc.bits"]["place"] == "--set parts.adc.bits=7 b:1:16"
    assert "parts.adc.convert.rate" in archsim("describe", "isaac", "--sources").stdout
