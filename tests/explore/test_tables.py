"""Tables of points: the same columns in CSV, Parquet and pandas; numbers are numbers."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from archsim.explore import frame
from archsim.explore import sweep as sweep_here
from archsim.explore.columns import setting
from tests.explore.small import ROOT, STUDY, sweep, write

SET = ["parts.adc.bits", "parts.adc.bits_b", "modules.core.parts.adc"]
JOB = ["machine", "model", "phase", "seq", "new_tokens", "batch", "grain"]


def test_the_same_columns_everywhere(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    path = write(tmp_path, STUDY.replace("{from: 4, to: 16, times: 2}", "[3, 4]"))
    for name in ("points.csv", "new/points.parquet"):
        assert sweep(tmp_path, "--export", name, "--out", "store/s.db").returncode == 0
    table = frame(tmp_path / "store" / "s.db", path)
    assert list(table)[:10] == JOB + SET
    assert table["parts.adc.bits"].tolist() == ["6 b", "6 b", "8 b", "8 b"]
    assert table["parts.adc.bits_b"].tolist() == [6.0, 6.0, 8.0, 8.0]
    assert table["modules.core.parts.adc"].tolist() == [3, 4, 3, 4]
    assert table["seq"].tolist() == [1] * 4
    assert table["state"].tolist() == ["failed", "done"] * 2
    pandas.testing.assert_frame_equal(table, pandas.read_parquet(tmp_path / "new" / "points.parquet"))
    with (tmp_path / "points.csv").open() as stream:
        assert next(csv.reader(stream)) == list(table)
    assert set(frame(tmp_path / "store" / "s.db")) == set(table)


def test_a_study_has_its_present_points_alone(tmp_path: Path) -> None:
    """6 points, then 6 of the edited machine: the store has both, the study the latter."""
    path, store = write(tmp_path), tmp_path / "s.db"
    sweep_here(path, store, processes=1)
    before = frame(store, path)
    file = tmp_path / "tiny.yaml"
    file.write_text(file.read_text().replace("power: 2 mW", "power: 3 mW"))
    sweep_here(path, store, processes=1)
    assert (len(frame(store)), len(frame(store, path))) == (12, 6)
    assert not set(frame(store, path)["key"]) & set(before["key"])
    path.write_text(STUDY.replace("to: 16", "to: 32"))  # two more, which the store does not have
    assert len(frame(store, path)) == 6


@pytest.mark.parametrize(
    ("texts", "columns"),
    [
        (["4", "8"], {"k": int}),
        (["0.5", "1"], {"k": float}),
        (["true", "1"], {"k": str}),
        (["100 MHz", "1 GHz"], {"k": str, "k_hz": float}),
        (["2 mW of 4"], {"k": str, "k_w": float}),
        (["1 ns", "1 nJ"], {"k": str}),
    ],
)
def test_how_a_key_is_shown(texts: list[str], columns: dict[str, type]) -> None:
    assert setting("k", texts).columns == columns


def test_values_in_base_units() -> None:
    """4 parts share 2 mW."""
    assert setting("k", ["2 mW of 4"]).cells("2 mW of 4") == {"k": "2 mW of 4", "k_w": 0.0005}
    assert setting("k", ["1 KiB"]).cells("1 KiB")["k_b"] == 8192
    assert setting("k", ["1 KiB"]).cells(None) == {"k": None, "k_b": None}


def test_a_script_without_a_guard_gets_a_line(tmp_path: Path) -> None:
    write(tmp_path)
    script = tmp_path / "script.py"
    script.write_text("import archsim.explore\narchsim.explore.sweep('study.yaml', 's.db', processes=2)\n")
    line = [sys.executable, str(script)]
    done = subprocess.run(
        line, capture_output=True, text=True, check=False, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}
    )
    assert (done.returncode, done.stdout) == (1, "")
    (said,) = done.stderr.splitlines()
    assert "put the call under if __name__ == '__main__':" in said


def test_paths_are_met_before_the_first_run(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "here").mkdir()
    for words in (("--export", "here.csv/points.csv"), ("--plot", "here.csv"), ("--out", "here")):
        (tmp_path / "here.csv").write_text("")
        done = sweep(tmp_path, *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
        assert "expected" in done.stderr
    assert not (tmp_path / "study.db").exists()


def test_no_success_is_a_failure(tmp_path: Path) -> None:
    write(tmp_path, STUDY.replace("{from: 4, to: 16, times: 2}", "[3, 5]"))
    done = sweep(tmp_path, "--json")
    assert (done.returncode, json.loads(done.stdout)["failed"]) == (1, 4)
    assert done.stderr.splitlines()[-1].startswith("no point succeeded: all 4 failed")
