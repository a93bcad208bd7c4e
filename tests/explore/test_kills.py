"""Whatever is killed, another run ends with every point exactly once, equal to an undisturbed sweep."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.explore.small import rows, start, sweep, whole_sweep, write

T = TypeVar("T")

HEAD = "schema: archsim.study/1\nmachine: tiny.yaml\nmodel: bert-tiny\n"
AXES = "axes: {seq: {from: 33, to: %d, step: 1}, modules.core.parts.adc: [4, 8]}\n"
QUICK, LONG = AXES % 62, AXES % 232  # 60 and 400 points
LONGEST = (AXES % 512).replace("[4, 8]", "[1, 2, 4, 8, 16]")  # 2,400 points

POISON = '''\
"""An ADC of 7 bits that kills the worker which makes it: always, or the first time."""
import os, signal
from multiprocessing import parent_process
from pathlib import Path
from typing import TypeVar

from archsim.parts.adc import Adc


class Poison(Adc):
    def burst(self, *arguments, **named):
        once = Path(__file__).with_name("once")
        if self.bits == 7 and parent_process() is not None and (not once.exists() or once.read_text() == ""):
            if once.exists():
                once.write_text("killed")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().burst(*arguments, **named)
'''


def below(process: int) -> Iterator[tuple[int, str]]:
    """The processes that one has started, and those started by them, with their command lines."""
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it has ended
            continue
        for child in map(int, children):
            try:
                words = Path(f"/proc/{child}/cmdline").read_text()
            except OSError:
                continue
            yield child, words
            yield from below(child)


def workers(process: int) -> list[int]:
    return [child for child, words in below(process) if "spawn_main" in words]


@contextmanager
def running(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    with start(folder, *words) as process:
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def undisturbed(folder: Path) -> dict[str, tuple[str, ...]]:
    assert sweep(folder, "--out", "calm.db").returncode == 0
    found = rows(folder / "calm.db")
    assert {row[0] for row in found.values()} == {"done"}
    return found


def kill_parents(folder: Path, study: str, times: int, *words: str) -> None:
    write(folder, HEAD + study)
    calm = undisturbed(folder)
    draw = random.Random(times)
    for _ in range(times):
        with running(folder, *words) as process:
            time.sleep(draw.uniform(0.3, 3.0))
            process.send_signal(signal.SIGKILL)
        if (folder / "study.db").exists():
            kept = rows(folder / "study.db")
            assert all(calm[key] == row for key, row in kept.items() if row[0] in ("done", "failed"))
    assert sweep(folder, *words).returncode == 0
    assert rows(folder / "study.db") == calm


def test_parents_that_are_killed(tmp_path: Path) -> None:
    kill_parents(tmp_path, QUICK, 3)


@pytest.mark.slow
def test_many_parents_that_are_killed(tmp_path: Path) -> None:
    kill_parents(tmp_path, LONG, 20)


@pytest.mark.slow
def test_parents_that_are_killed_on_a_cluster(tmp_path: Path) -> None:
    kill_parents(tmp_path, LONG, 3, "--cluster", "local:2")


def test_no_worker_outlives_its_parent(tmp_path: Path) -> None:
    write(tmp_path, HEAD + LONG)
    with running(tmp_path) as process:
        found = _await(lambda: workers(process.pid))
        process.send_signal(signal.SIGKILL)
    _await(lambda: not any(Path(f"/proc/{worker}").exists() for worker in found))


def kill_workers(folder: Path, study: str, times: int, *words: str) -> None:
    write(folder, HEAD + study)
    calm = undisturbed(folder)
    draw = random.Random(times)
    with running(folder, *words) as process:
        _await((folder / "study.db").exists)
        for _ in range(times):
            _await_progress(folder)
            time.sleep(draw.uniform(0.0, 0.5))
            os.kill(draw.choice(_await(lambda: workers(process.pid))), signal.SIGKILL)
        assert process.poll() is None, "it ended before all were killed"
        assert process.wait(timeout=300) == 0
    assert {row[0] for row in rows(folder / "study.db").values()} <= {"done", "failed"}
    assert sweep(folder, *words).returncode == 0  # a point that was hit twice has another chance
    assert rows(folder / "study.db") == calm


@pytest.mark.slow
def test_workers_that_are_killed(tmp_path: Path) -> None:
    kill_workers(tmp_path, LONG, 3)


@pytest.mark.slow
def test_many_workers_that_are_killed(tmp_path: Path) -> None:
    kill_workers(tmp_path, LONGEST, 20)


@pytest.mark.slow
def test_workers_of_a_cluster_that_are_killed(tmp_path: Path) -> None:
    kill_workers(tmp_path, LONGEST, 4, "--cluster", "local:2")


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 20, 200])
def test_a_scheduler_that_is_killed(tmp_path: Path, after: int) -> None:
    """After so many points are kept: one line, what was finished is kept, and the next run ends it."""
    write(tmp_path, HEAD + LONG)
    calm = undisturbed(tmp_path)
    with running(tmp_path, "--cluster", "local:2") as process:
        _await(lambda: (tmp_path / "study.db").exists() and _done(tmp_path) >= after)
        (scheduler,) = [child for child, words in below(process.pid) if "dask_scheduler" in words]
        os.kill(scheduler, signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "the scheduler is gone. What was finished before is kept" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert _done(tmp_path) >= after
    assert sweep(tmp_path).returncode == 0  # with processes: the same store
    assert rows(tmp_path / "study.db") == calm


@pytest.mark.parametrize("words", [(), pytest.param(("--cluster", "local:2"), marks=pytest.mark.slow)])
@pytest.mark.parametrize("once", [True, False])
def test_a_point_that_kills_its_worker(tmp_path: Path, words: tuple[str, ...], *, once: bool) -> None:
    """Killed once, it is tried again; killed twice, it has failed, and the others have not."""
    write(tmp_path)
    (tmp_path / "poison.py").write_text(POISON)
    if once:
        (tmp_path / "once").write_text("")
    file = tmp_path / "tiny.yaml"
    file.write_text(file.read_text().replace("class: adc", "class: poison.Poison"))
    study = tmp_path / "study.yaml"
    study.write_text(
        study.read_text().replace("[6 b, 8 b]", "[6 b, 7 b, 8 b]").replace("{from: 4, to: 16, times: 2}", "4")
    )
    done = whole_sweep(tmp_path, *(words or ("--processes", "2")))
    assert done.returncode == 0, done.stderr
    kept = rows(tmp_path / "study.db").values()
    states = {json.loads(row[1])["settings"]["parts.adc.bits"]: (row[0], row[2]) for row in kept}
    assert states["6 b"] == states["8 b"] == ("done", None)
    if once:
        assert states["7 b"] == ("done", None)
    else:
        assert states["7 b"][0] == "failed"
        assert "its worker ended 2 times" in str(states["7 b"][1])


@pytest.fixture
def interrupts() -> Iterator[None]:
    """As in a terminal: what a shell starts in the background ignores them, and so would its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_interrupted(tmp_path: Path) -> None:
    write(tmp_path, HEAD + LONGEST)
    with running(tmp_path) as process:
        _await(lambda: (tmp_path / "study.db").exists() and _done(tmp_path) > 0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in err
    assert _done(tmp_path) > 0


def _done(folder: Path) -> int:
    try:
        return sum(row[0] == "done" for row in rows(folder / "study.db").values())
    except sqlite3.OperationalError:  # the file is there, its table not yet
        return 0


def _await_progress(folder: Path) -> None:
    before = _done(folder)
    _await(lambda: _done(folder) > before)


def _await(what: Callable[[], T]) -> T:
    for _ in range(1200):
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("nothing happened")
