"""Mapping files: laid over a machine, with faults in their own places."""

from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.machine import load_machine
from archsim.machine.mapping_file import read_mapping
from tests.end_to_end.command import archsim

TOP = "schema: archsim.mapping/1\n"
NET = """\
schema: archsim.network/1
name: net
input: [3, 8, 8]
layers: [conv: {out: 8, kernel: 3}, linear: {out: 4}]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "best.yaml"
    path.write_text(TOP + text)
    return path


def test_choices_lie_over_the_machines_own_and_settings_over_both(tmp_path: Path) -> None:
    path = written(tmp_path, "mapping: {copies: {layer 0: 2, layer 1: 3}, order: sequential}\n")
    found = load_machine("isaac", ["mapping.order=pipelined", "mapping.copies={layer 1: 4}"], mapping=path).choices
    assert found.copies == {"layer 0": 2, "layer 1": 4}
    assert found.order == "pipelined"
    alone = load_machine("isaac", mapping=path)
    assert alone.choices.order == "sequential"
    assert alone.digest != load_machine("isaac").digest
    assert alone.digest == load_machine("isaac", [f"mapping.copies={alone.choices.copies}".replace("'", ""),
                                                  "mapping.order=sequential"]).digest  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mapping: {ordr: sequential}\n", ":2:11  mapping.ordr: unknown key. Did you mean 'order'?"),
        ("mapping: {copies: {layer 0: 0}}\n", ":2:29  mapping.copies.layer 0: found '0'; expected at least 1"),
        ("mapping: fast\n", ":2:10  mapping: found 'fast'; expected a mapping of keys to values"),
        ("machine: isaac\n", ":1:1  mapping: is missing. Required: schema, mapping."),
        ("machin: isaac\nmapping: {}\n", ":2:1  machin: unknown key. Did you mean 'machine'?"),
        ("machine: []\nmapping: {}\n", ":2:10  machine: found a list; expected one value"),
        ("parts: {}\nmapping: {}\n", ":2:1  parts: unknown key."),
    ],
)
def test_a_fault_names_the_mapping_file(tmp_path: Path, text: str, found: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ArchsimError) as error:
        load_machine("isaac", mapping=path)
    assert f"{path}{found}" in str(error.value)


def test_what_does_not_go_with_the_machine_is_said_at_the_mapping(tmp_path: Path) -> None:
    """The machine splits projections over its chips; copies are then of no use."""
    path = written(tmp_path, "mapping:\n  copies: {layer 0: 2}\n")
    with pytest.raises(ArchsimError) as error:
        load_machine("isaac", ["chips.split=projections"], mapping=path)
    assert str(error.value) == f"{path}:3:3  mapping.copies: goes with chips.split: layers alone"


def test_another_machine_or_model_is_a_line_and_no_fault(tmp_path: Path) -> None:
    path = written(tmp_path, "machine: lrmp_chip\nmodel: bert-base\nmapping: {copies: {1 conv: 2}}\n")
    read = read_mapping(path)
    assert read.strangers("lrmp_chip", "bert-base") == read.strangers("lrmp_chip") == ()
    assert len(read.strangers("isaac", "net")) == 2
    (tmp_path / "net.yaml").write_text(NET)
    done = archsim("run", "lrmp_chip", "net.yaml", "--mapping", "best.yaml", "--json", folder=tmp_path)
    assert done.returncode == 0
    assert "best.yaml:3:8  the mapping is for model 'bert-base'; this is 'net'\n" in done.stderr
    assert "lrmp_chip" not in done.stderr


def test_commands_say_where_a_projection_is_misspelt(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    written(tmp_path, "mapping:\n  copies:\n    1 con: 2\n")
    done = archsim("run", "lrmp_chip", "net.yaml", "--mapping", "best.yaml", folder=tmp_path)
    wanted = "best.yaml:4:5  mapping.copies.1 con: net has no such projection. Did you mean '1 conv'?"
    assert done.stderr.startswith(wanted)
    assert (done.returncode, done.stdout) == (1, "")
    checked = archsim("check", "best.yaml", folder=tmp_path)
    assert checked.stdout == "best.yaml: mapping of a model on a machine\n"
    described = archsim("describe", "lrmp_chip", "--mapping", "nowhere.yaml", folder=tmp_path)
    assert described.stderr == "nowhere.yaml: no such file.\n"
