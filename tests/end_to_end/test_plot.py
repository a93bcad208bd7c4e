"""`archsim plot`: from saved runs to figures."""

from pathlib import Path

from tests.end_to_end.command import archsim


def test_two_runs_are_drawn(tmp_path: Path) -> None:
    for machine in ("isaac", "nl_dpe"):
        assert archsim("run", machine, "bert-base", "--seq", "4", "--out", machine, folder=tmp_path).returncode == 0
    done = archsim("plot", "isaac", "nl_dpe/result.json", "--out", "figures", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    written = [tmp_path / line for line in done.stdout.splitlines()]
    assert len(written) == 6
    assert all(path.stat().st_size > 1000 for path in written)


def test_all_runs_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{")
    done = archsim("plot", ".", "missing", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "result.json:1:2  broken JSON: Expecting property name enclosed in double quotes",
        "missing: no such file; expected a result saved with --out",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.json"]
