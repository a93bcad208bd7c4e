"""Searches by Optuna: the same seed asks the same, evaluations go through the store."""

import json
from pathlib import Path

import pytest

from tests.explore.small import STUDY, rows, sweep, write

pytest.importorskip("optuna")


@pytest.mark.parametrize("sampler", ["nsga2", "tpe", "random"])
def test_a_search_finds_the_frontier_of_the_grid(tmp_path: Path, sampler: str) -> None:
    """Of 6 points, 3 converter counts on the frontier, whatever the bits: 60 trials meet them all."""
    write(tmp_path, STUDY + "constraints: [area < 90 mm2]\n")
    done = sweep(tmp_path, "--trials", "60", "--sampler", sampler, "--json", name="explore")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["60 trials of 6 different points, 6 of them run now"]
    (work,) = json.loads(done.stdout)["workloads"]
    assert [row["values"]["modules.core.parts.adc"] for row in work["frontier"]] == [
        "8",
        "8",
        "4",
        "4",
    ]
    again = sweep(tmp_path, "--trials", "60", "--sampler", sampler, "--json", name="explore")
    assert again.stderr.splitlines() == ["60 trials of 6 different points, 0 of them run now"]
    assert again.stdout == done.stdout
    assert "6 done before, 0 to run" in sweep(tmp_path).stderr


def test_objectives_of_the_command_and_points_that_fail(tmp_path: Path) -> None:
    write(tmp_path, STUDY.replace("{from: 4, to: 16, times: 2}", "[3, 4, 8]"))
    words = ("--trials", "40", "--objectives", "energy,tops max", "--json")
    found = json.loads(sweep(tmp_path, *words, name="explore").stdout)
    assert found["objectives"] == ["energy min", "tops max"]
    assert found["failed"] == 2
    assert len(rows(tmp_path / "study.db")) == 6
    wrong = sweep(tmp_path, "--objectives", "enrgy", name="explore")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "--objectives: 'enrgy': no such figure. Did you mean 'energy'?" in wrong.stderr


def test_spaces_may_be_larger_than_what_a_sweep_runs(tmp_path: Path) -> None:
    """4 million points: too many for a sweep, none too many for a search."""
    power = "{from: 1 mW, to: 3 mW, step: 0.001 mW}"
    axes = f"axes: {{parts.adc.power: {power}, parts.xbar.power: {power}}}\n"
    write(tmp_path, f"schema: archsim.study/1\nmachine: tiny.yaml\nmodel: mlp-mnist\n{axes}")
    assert "found 4,004,001 points; expected at most 1,000,000" in sweep(tmp_path).stderr
    done = sweep(tmp_path, "--trials", "5", name="explore")
    assert done.stderr == "5 trials of 5 different points, 5 of them run now\n"
