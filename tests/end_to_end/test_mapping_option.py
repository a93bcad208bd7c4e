"""The option `--mapping` of all commands that take it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.command import archsim

ONE = "{layer 0/attention output: 1}"


def written(folder: Path, digital: str, more: str = "") -> None:
    (folder / "my.yaml").write_text(f"schema: archsim.mapping/1\n{more}mapping:\n  digital: {digital}\n")


def told(folder: Path, *words: str) -> dict[str, Any]:
    done = archsim(*words, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("digital", "left"),
    [
        ("{layer 0: 1, layer 0/qkv: 0}", 97 - 4 * 9),
        ("{layer 0/qkv: 0, layer 0: 1}", 97 - 4 * 9),
        ("{layer 0: 0, layer 0/qkv: 1}", 97 - 4 * 3),
        ("{layer 0: 0.5, layer 0/ffn up: 0, layer 0/ffn down: 1}", 97 - 4 * 6),
        ("{layer 1: 0}", 97),
    ],
)
def test_a_projections_own_share_goes_before_its_layers(tmp_path: Path, digital: str, left: int) -> None:
    """In squares of 128 a layer of bert-tiny has 3 (qkv), 1 (attention output), 4 and 4 (up, down) for each position.

    2 layers, 4 positions, and 1 for the pooler, once: 2 x 4 x 12 + 1 = 97. Half of qkv and of the output is 2.
    """
    written(tmp_path, digital)
    found = told(tmp_path, "run", "hetero_512", "bert-tiny", "--seq", "4", "--mapping", "my.yaml")
    assert found["analog_mac_share"] == pytest.approx(left / 97)


def test_a_mapping_file_takes_a_projection_of_a_machines_digital_layer_back(tmp_path: Path) -> None:
    written(tmp_path, "{layer 0/qkv: 0}")
    head = "extends: hetero_512\nschema: archsim.machine/1\nname: mine\nsource: made up\nstatus: assumed\n"
    (tmp_path / "mine.yaml").write_text(head + "mapping: {digital: {layer 0: 1}}\n")
    found = told(tmp_path, "run", "mine.yaml", "bert-tiny", "--seq", "4", "--mapping", "my.yaml")
    assert found["analog_mac_share"] == pytest.approx(61 / 97)


def test_a_mapping_of_something_else_is_among_the_notes(tmp_path: Path) -> None:
    written(tmp_path, ONE, "machine: isaac\nmodel: gpt2\n")
    machine = "my.yaml:2:10  the mapping is for machine 'isaac'; this is 'hetero_512'"
    model = "my.yaml:3:8  the mapping is for model 'gpt2'; this is 'bert-tiny'"
    words = ("run", "hetero_512", "bert-tiny", "--seq", "4", "--mapping", "my.yaml")
    done = archsim(*words, "--json", "--out", "kept", folder=tmp_path)
    assert json.loads(done.stdout)["notes"][-2:] == [machine, model]
    assert json.loads((tmp_path / "kept/result.json").read_text())["notes"][-2:] == [machine, model]
    assert done.stderr.startswith(f"{machine}\n{model}\nhost: ")
    assert told(tmp_path, "describe", "hetero_512", "--mapping", "my.yaml")["notes"][-1] == machine


def test_what_a_mapping_file_says_is_described(tmp_path: Path) -> None:
    """Over the machine's own clip of 2.5; without a model names cannot be judged, which is said."""
    named = "digital: {layer 0/qvk: 0.5}, copies: {head: 2}, bits: {head: {weights: 4 b}}"
    (tmp_path / "my.yaml").write_text(f"schema: archsim.mapping/1\nmapping: {{{named}, order: sequential}}\n")
    found = told(tmp_path, "describe", "hetero_512", "--mapping", "my.yaml")
    assert found["mapping"] == {
        "order": "sequential",
        "clip": 2.5,
        "digital": {"layer 0/qvk": 0.5},
        "copies": {"head": 2},
        "bits": {"head": {"weights": 4}},
    }
    said = "names in mapping.digital, mapping.copies, mapping.bits are of a model's projections: they are checked when"
    assert found["notes"][-1].startswith(said)
    plain = archsim("describe", "hetero_512", "--mapping", "my.yaml", folder=tmp_path).stdout
    assert " ".join(next(line for line in plain.splitlines() if "qvk" in line).split()) == (
        "mapping.digital 1 named (layer 0/qvk: 0.5)"
    )


def test_serve(tmp_path: Path) -> None:
    """768 x 768 products of 0.333 pJ for each position: 2 requests of 4 tokens and one more, whose next is not run."""
    written(tmp_path, ONE, "model: gpt2-xl\n")
    words = ("serve", "hetero_512", "gpt2", "--rate", "1", "--requests", "2", "--prompt", "4", "--output", "2")
    done = archsim(*words, "--mapping", "my.yaml", "--json", folder=tmp_path)
    assert done.stderr.startswith("my.yaml:2:8  the mapping is for model 'gpt2-xl'; this is 'gpt2'\n")
    energy = json.loads(done.stdout)["energy_by_part_j"]
    assert energy["chiplet.npu"] == pytest.approx(2 * 5 * 768**2 * 0.333e-12)


def test_compare_takes_one_for_one_machine(tmp_path: Path) -> None:
    """The machine with the file and the one without are told apart by their names."""
    written(tmp_path, ONE, "model: bert-base\n")
    words = ("compare", "hetero_512", "--model", "bert-tiny", "--seq", "4", "--mapping", "my.yaml")
    found = told(tmp_path, *words, "--against", "hetero_512")
    run = ("run", "hetero_512", "bert-tiny", "--seq", "4")
    wanted = {
        "hetero_512@my.yaml": told(tmp_path, *run, "--mapping", "my.yaml")["energy_j"],
        "hetero_512": told(tmp_path, *run)["energy_j"],
    }
    assert {row["name"]: row["energy_j"] for row in found["rows"]} == wanted
    assert wanted["hetero_512"] < wanted["hetero_512@my.yaml"]
    assert {(ratio["name"], ratio["relative_to"]) for ratio in found["ratios"]} == {
        ("hetero_512@my.yaml", "hetero_512")
    }
    said = archsim(*words, folder=tmp_path).stderr
    assert said == "my.yaml:2:8  the mapping is for model 'bert-base'; this is 'bert-tiny'\n"
    two = archsim(*words, "isaac", folder=tmp_path)
    line = "--mapping goes with one MACHINE; found 2. Name the others with --against.\n"
    assert (two.returncode, two.stdout, two.stderr) == (2, "", line)


@pytest.mark.parametrize(
    "words",
    [
        "run isaac bert-tiny",
        "serve isaac gpt2 --rate 1 --requests 2 --prompt 4 --output 2",
        "compare isaac --model bert-tiny",
        "compare isaac@parts.xbar.rows=64 --model bert-tiny",
        "evaluate isaac --model model.bin --text text.txt",
        "profile model.bin --machine isaac --text text.txt",
    ],
)
def test_that_it_is_for_another_machine_is_said_before_what_this_one_lacks(tmp_path: Path, words: str) -> None:
    written(tmp_path, "{layer 0/qkv: 1}", "machine: hetero_512\n")
    for name in ("model.bin", "text.txt"):
        (tmp_path / name).write_text("")
    done = archsim(*words.split(), "--mapping", "my.yaml", folder=tmp_path)
    first, second = done.stderr.splitlines()
    assert first == "my.yaml:2:10  the mapping is for machine 'hetero_512'; this is 'isaac'"
    assert second.startswith(
        "my.yaml:4:3  mapping.digital: no memory holds the weights; expected digital_weights: MEMORY."
    )
    alone = archsim(*words.split(), "--mapping", "none.yaml", folder=tmp_path).stderr
    assert alone.startswith("none.yaml: no such file")
    assert len(alone.splitlines()) == 1
