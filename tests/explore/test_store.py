import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.explore.evaluate import Answer
from archsim.explore.load import load_study
from archsim.explore.points import Point, points
from archsim.explore.store import Store
from tests.explore.small import ROOT, rows, sweep, whole_sweep, write


def some(folder: Path) -> list[Point]:
    return [point for _, point in points(*load_study(write(folder)))]


def test_points_go_through_their_states(tmp_path: Path) -> None:
    first, second, third, *_ = some(tmp_path)
    with Store(tmp_path / "s.db", write=True) as store:
        store.plan([first, second])
        store.start(first.key)
        store.keep(Answer(first.key, "done", '{"a":1}'))
        store.start(second.key)
        store.keep(Answer(second.key, "failed", "too small"))
        store.plan([first, third])  # the first keeps what it has
        assert store.states([first.key, second.key, third.key]) == {
            first.key: "done",
            second.key: "failed",
            third.key: "planned",
        }
        assert store.found([first.key, second.key]) == {
            first.key: ("done", None, '{"a":1}'),
            second.key: ("failed", "too small", None),
        }


def test_what_was_running_is_planned_again_and_lost_points_are_too(tmp_path: Path) -> None:
    first, second, third, *_ = some(tmp_path)
    with Store(tmp_path / "s.db", write=True) as store:
        store.plan([first, second, third])
        store.start(first.key)
        store.keep(Answer(second.key, "failed", "its worker ended", again=True))
        store.keep(Answer(third.key, "failed", "too small"))
    with Store(tmp_path / "s.db", write=True) as store:
        states = store.states([first.key, second.key, third.key])
        assert states == {first.key: "planned", second.key: "planned", third.key: "failed"}


def test_readers_may_come_but_no_second_writer(tmp_path: Path) -> None:
    first, *_ = some(tmp_path)
    with Store(tmp_path / "s.db", write=True) as store:
        store.plan([first])
        store.commit()
        with Store(tmp_path / "s.db", write=False) as reader:
            assert len(list(reader.rows())) == 1
        with pytest.raises(ArchsimError, match="another sweep is writing to it"):
            Store(tmp_path / "s.db", write=True)


@pytest.mark.parametrize("content", [b"hello, this is no database at all" * 100, None])
def test_other_files_are_left_alone(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "s.db"
    if content is None:
        with sqlite3.connect(path) as base:
            base.execute("CREATE TABLE mine (x)")
        base.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(ArchsimError, match="Choose another file"):
        Store(path, write=True)
    assert path.read_bytes() == before


def test_a_reader_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(ArchsimError, match="no such file"):
        Store(tmp_path / "s.db", write=False)
    assert not (tmp_path / "s.db").exists()


_RIGHTS = "-dac_override,-dac_read_search"
HELD = ("setpriv", f"--bounding-set={_RIGHTS}", f"--inh-caps={_RIGHTS}") if os.geteuid() == 0 else ()
"""The administrator may write anywhere, unless held back."""


@pytest.mark.skipif(bool(HELD) and shutil.which("setpriv") is None, reason="the administrator may write anywhere")
def test_a_read_only_folder_and_file(tmp_path: Path) -> None:
    write(tmp_path)
    assert sweep(tmp_path).returncode == 0
    (tmp_path / "study.db").chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        done = whole_sweep(tmp_path, by=HELD)
        new = whole_sweep(tmp_path, "--out", "new.db", by=HELD)
        table = whole_sweep(tmp_path, "--export", "points.csv", by=HELD)
        assert len(rows(tmp_path / "study.db")) == 6
    finally:
        tmp_path.chmod(0o755)
    for found in (done, new, table):
        assert (found.returncode, found.stdout) == (1, "")
        assert "cannot be written to" in found.stderr
        assert len(found.stderr.splitlines()) == 1


def test_a_folder_where_no_file_can_be(tmp_path: Path) -> None:
    write(tmp_path)
    done = sweep(tmp_path, "--out", "/proc/study.db")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("/proc/study.db: cannot be written to (unable to open database file)")


def test_a_full_disk(tmp_path: Path) -> None:
    """No file may grow beyond 40 kB: one line, and what was written before can be read."""
    write(tmp_path)
    study = (tmp_path / "study.yaml").read_text().replace("[6 b, 8 b]", "{from: 1 b, to: 40 b, step: 1 b}")
    (tmp_path / "study.yaml").write_text(study)
    done = subprocess.run(
        [sys.executable, "-m", "archsim", "sweep", "study.yaml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "study.db: cannot be written to, the disk is full or broken" in done.stderr.splitlines()[-1]
    kept = rows(tmp_path / "study.db")
    assert set(kept.values()) <= {row for row in kept.values() if row[0] in ("planned", "running", "done")}
    again = sweep(tmp_path)
    assert again.returncode == 0
    assert [row[0] for row in rows(tmp_path / "study.db").values()] == ["done"] * 120
