import json
from typing import Any

from archsim.report.blocks import Block
from archsim.report.description import description_blocks, description_dict
from tests.report.samples import sample_description


def block(key: str, *, terminal: bool) -> Block:
    blocks = description_blocks(sample_description(), terminal=terminal)
    return next(block for block in blocks if block.key == key)


def node(*names: str) -> dict[str, Any]:
    tree: dict[str, Any] = description_dict(sample_description())["tree"]
    for name in names:
        tree = next(child for child in tree["children"] if child["name"] == name)
    return tree


def test_json_survives_a_round_trip() -> None:
    data = description_dict(sample_description())
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["schema"] == "archsim.description/1"
    assert data["sources"] == [{"key": "doe2020", "text": "J. Doe: A machine in a paper. 2020."}]


def test_every_node_has_its_figures() -> None:
    tile = node("tile")
    assert tile["path"] == "chip.tile"
    assert (tile["count"], tile["total"], tile["area_m2"], tile["peak_power_w"]) == (4, 4, 3.72e-07, 0.33)
    assert isinstance(tile["count"], int)
    assert node("tile", "router")["count"] == 0.25
    assert "mvm_latency_s" not in tile
    assert "parameters" not in tile


def test_a_core_has_its_times_and_a_part_its_parameters() -> None:
    core = node("tile", "core")
    assert (core["mvm_latency_s"], core["mvm_interval_s"]) == (2.2e-6, 1.6e-6)
    assert (core["core_latency_s"], core["peak_ops_per_s"]) == (1.9e-6, 2.048e10)
    adc = node("tile", "core", "adc")
    assert adc["class"] == "Adc"
    bits = {"key": "bits", "text": "8 b", "status": "simulated", "source": "doe2020"}
    assert adc["parameters"][0] == bits


def test_a_terminal_shows_an_indented_tree() -> None:
    """256 ADCs of 2 mW and 0.0012 mm2: 512 mW and 0.3072 mm2."""
    rows = block("tree", terminal=True).rows
    assert [row[0] for row in rows] == ["chip", "  tile", "    core", "      adc", "    router"]
    assert rows[3] == ("      adc", "8", "0.0012", "mm²", "0.3072", "mm²", "2", "mW", "512", "mW")
    assert rows[4][1] == "1/4"


def test_a_pipe_shows_whole_paths_and_totals() -> None:
    tree = block("tree", terminal=False)
    assert tree.rows[3][:3] == ("chip.tile.core.adc", "8", "256")
    assert {len(row) for row in tree.rows} == {len(tree.headers)} == {len(tree.columns)}


def test_cores_have_a_table_of_their_own() -> None:
    rows = block("cores", terminal=True).rows
    assert rows == (("chip.tile.core", "2.2", "µs", "1.6", "µs", "1.9", "µs", "20.48", "Gop/s", "36", "nJ"),)


def test_parameters_come_with_status_and_source() -> None:
    assert block("parameters", terminal=False).rows[0] == (
        "chip.tile.core.adc.bits",
        "8 b",
        "simulated",
        "doe2020",
    )
    rows = block("parameters", terminal=True).rows
    assert rows[0] == ("chip.tile.core.adc", "Adc", "", "")
    assert rows[1] == ("  bits", "8 b", "simulated", "doe2020")
