import json
from dataclasses import replace
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
    assert data["text"] == "A made-up machine [bold]in[/bold] four tiles"
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
    assert adc["parameters"][0] == {"key": "bits", "text": "8 b", "status": "simulated", "source": "doe2020"}


def test_the_head_says_what_the_machine_is() -> None:
    rows = description_blocks(sample_description(), terminal=False)[0].rows
    assert rows == (("machine", "isaac"), ("description", "A made-up machine [bold]in[/bold] four tiles"))
    nameless = replace(sample_description(), text="")
    assert description_blocks(nameless, terminal=False)[0].rows == (("machine", "isaac"),)


def test_choices_are_counted_and_the_first_are_named() -> None:
    rows = block("mapping", terminal=False).rows
    assert rows[0] == ("clip", "2.5")
    assert rows[1][1].startswith("10 named (layer 0/qkv: 0.25, layer 1/qkv: 0.25, ")
    assert rows[1][1].endswith("layer 7/qkv: 0.25, and 2 more)")
    assert rows[2] == ("bits", "2 named (head: w6a5, layer 0: a4)")
    assert description_dict(sample_description())["mapping"]["bits"]["layer 0"] == {"inputs": 4}
    bare = description_blocks(replace(sample_description(), mapping={}), terminal=False)
    assert "mapping" not in [each.key for each in bare]


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


def test_a_pipe_has_a_row_per_parameter() -> None:
    rows = block("parameters", terminal=False).rows
    assert rows == (
        ("chip.tile.core.adc.bits", "8 b", "simulated", "doe2020"),
        ("chip.tile.core.adc.convert.rate", "1.28 GS/s", "derived", "doe2020"),
        ("chip.tile.core.adc.area", "0.0012 mm2", "simulated", "roe2021"),
        ("chip.tile.core.adc.convert.energy", "1.5625 pJ = power x 0.78125 ns", "derived", "-"),
        ("chip.tile.router.ports", "8", "-", "-"),
    )


def test_a_terminal_has_a_row_per_part_and_status_with_sources_that_are_not_the_main_one() -> None:
    assert block("parameters", terminal=True).rows == (
        ("adc", "Adc, doe2020"),
        ("  simulated", "bits 8 b, area 0.0012 mm2 (roe2021)"),
        ("  derived", "convert.rate 1.28 GS/s, convert.energy 1.5625 pJ = power x 0.78125 ns"),
        ("router", "Router"),
        ("  -", "ports 8"),
    )


def test_a_terminal_shows_a_part_once_that_is_used_twice() -> None:
    description = sample_description()
    core = description.root.children[0].children[0]
    twice = replace(description, root=replace(description.root, children=(*description.root.children, core)))
    rows = next(b for b in description_blocks(twice, terminal=True) if b.key == "parameters").rows
    assert [row[0] for row in rows].count("adc") == 1
    tree = next(b for b in description_blocks(twice, terminal=True) if b.key == "tree").rows
    assert [row[0].strip() for row in tree].count("adc") == 2
