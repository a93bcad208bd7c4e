"""Computed costs through the command line: `describe`, `run` and `costs`."""

import json
from pathlib import Path
from typing import Any

import pytest

from archsim.costs.model import PARAMETERS
from tests.end_to_end.command import archsim

MINE = """\
extends: isaac
name: mine
parts:
  adc: {costs: {model: survey, node: 32 nm}}
  edram: {costs: {model: pumasim}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("costs")
    (path / "mine.yaml").write_text(MINE)
    return path


def printed(folder: Path, *words: str) -> dict[str, Any]:
    done = archsim(*words, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def parameters(node: dict[str, Any], name: str) -> dict[str, dict[str, str]]:
    """Figures of the first part of a name in a described tree."""
    if node["name"] == name:
        return {row["key"]: row for row in node["parameters"]}
    return next((found for child in node["children"] if (found := parameters(child, name))), {})


def test_describe_says_model_node_and_source(folder: Path) -> None:
    data = printed(folder, "describe", "mine.yaml")
    adc, edram = (parameters(data["tree"], name) for name in ("adc", "edram"))
    energy, area = adc["convert.energy"], adc["area"]
    assert energy["text"] == "1.92921 pJ = survey(bits 8 b, rate 1.28 GS/s, node 32 nm)"
    assert area["text"].endswith(" = survey(bits 8 b, rate 1.28 GS/s, node 32 nm)")
    assert {row["status"] for row in (energy, area)} == {"derived"}
    assert {row["source"] for row in (energy, area)} == {"andrulis2024adc"}
    assert edram["leakage"]["text"] == "460 µW = pumasim(node 32 nm, size 64 KiB, width 256 b)"
    assert {"andrulis2024adc", "pumasim"} <= {row["key"] for row in data["sources"]}


def test_a_setting_moves_energy_and_area_of_a_run(folder: Path) -> None:
    """3 x 168 x 12 x 8 converters, each 5416.06 instead of 6469.27 um2; 1.06509 instead of 1.92921 pJ."""
    job = ("run", "mine.yaml", "bert-base", "--seq", "4")
    eight, six = printed(folder, *job), printed(folder, *job, "--set", "parts.adc.bits=6 b")
    energies = [found["energy_by_part_j"]["core.adc"] for found in (eight, six)]
    areas = [found["area_by_part_m2"]["core.adc"] for found in (eight, six)]
    assert energies[1] / energies[0] == pytest.approx(1.06509 / 1.92921, rel=1e-5)
    assert areas[1] / areas[0] == pytest.approx(5416.06 / 6469.27, rel=1e-5)
    assert "costs of adc, edram are computed by models; archsim describe says how" in six["notes"]
    assert six["energy_j"] < eight["energy_j"]
    assert eight["area_m2"] - six["area_m2"] == pytest.approx(areas[0] - areas[1])
    assert areas[0] == pytest.approx(eight["chips"] * 168 * 12 * 8 * 6469.27e-12, rel=1e-5)


def test_a_setting_outside_the_range_is_refused_with_its_place(folder: Path) -> None:
    done = archsim("run", "mine.yaml", "bert-base", "--set", "parts.edram.size=1 MiB", folder=folder)
    found = "parts.edram.size: found 1 MiB; cost model 'pumasim' holds for size 64 KiB to 128 KiB."
    assert (done.returncode, done.stderr) == (1, f"--set parts.edram.size=1 MiB:1:18  {found}\n")


def test_costs_lists_its_models(folder: Path) -> None:
    rows = {(row["part"], row["model"]): row for row in printed(folder, "costs")["models"]}
    assert rows["adc", "survey"]["range"] == {
        "bits": "4 b to 17 b",
        "rate": "1 kS/s to 10 GS/s",
        "node": "4 nm to 1 um",
    }
    assert rows["dram", "hbm2"]["source"] == "hwcomponents_cacti"
    assert "survey" in archsim("costs").stdout


def test_costs_puts_models_side_by_side(folder: Path) -> None:
    data = printed(folder, "costs", "adc", "--bits", "8", "--rate", "1.2GS/s", "--node", "32nm")
    assert data["schema"] == "archsim.estimates/1"
    rows = {row["model"]: row for row in data["models"]}
    assert rows["survey"]["energy_j"] == pytest.approx(1.849e-12, rel=1e-3)
    assert rows["saberi"]["area_m2"] == pytest.approx(1200e-12)
    assert (rows["zigzag"]["energy_j"], rows["zigzag"]["why_not"]) == (None, "needs --rows")
    memory = {
        row["model"]: row for row in printed(folder, "costs", "sram", "--size", "8KiB", "--width", "64b")["models"]
    }
    assert memory["horowitz"]["energy_j"] == pytest.approx(10e-12)
    assert memory["pumasim"]["why_not"] == "holds for size 256 B to 2 KiB"


def test_every_parameter_of_a_model_has_its_option() -> None:
    said = archsim("costs", "--help").stdout
    assert [name for name in PARAMETERS if f"--{name} " not in said] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("acd",), "found 'acd', of which no cost model speaks. Did you mean 'adc'? Known: adc, adder, bus,"),
        (("adc", "--length", "1mm"), "--length: no model of adc takes it. Known: bits, node, rate, rows, voltage."),
        (
            ("adc", "--node", "32"),
            "--node: found '32', a bare number; expected a length with its unit, such as '32 nm'",
        ),
        (("adc", "--nod", "32nm"), "--node"),
    ],
)
def test_mistakes(words: tuple[str, ...], said: str) -> None:
    done = archsim("costs", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
