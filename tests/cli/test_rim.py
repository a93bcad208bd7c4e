"""How the command line ends. Pipes and signals need a process; the rest is tried in this one."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from archsim.cli.rim import guard
from archsim.errors import ArchsimError, UsageError

Archsim = Callable[..., Result]
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.cli.fake"]


@pytest.fixture(params=["buffered", "unbuffered"])
def environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """A broken stream is met at a write, or at the flush after it."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return inherited | ({"PYTHONUNBUFFERED": "1"} if request.param == "unbuffered" else {})


def failing(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ArchsimError("one", "two\x1b[31m\nlines"), 1, "one\ntwo\\x1b[31m\\nlines\n"),
        (UsageError("wrong"), 2, "wrong\n"),
        (click.UsageError("wrong"), 2, "Error: wrong\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (click.Abort(), 130, "interrupted\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
        (OSError(errno.EROFS, "Read-only file system", "/a/b"), 1, "/a/b: Read-only file system\n"),
        (OSError(errno.ENOSPC, "No space left"), 1, "standard output: No space left\n"),
        (OSError(errno.EAGAIN, "Try again"), 1, "Try again\n"),
        (click.exceptions.Exit(3), 3, ""),
    ],
)
def test_errors_end_as_lines_and_a_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    assert guard(failing(error)) == code
    assert capsys.readouterr().err == said


def test_work_that_succeeds() -> None:
    assert guard(lambda: None) == 0


def test_system_exit_passes() -> None:
    with pytest.raises(SystemExit):
        guard(failing(SystemExit(7)))


@pytest.mark.parametrize(
    ("machine", "what"),
    [
        ("buggy", r"RuntimeError: one line\nand another"),
        ("deep", "RecursionError"),
        ("greedy", "MemoryError"),
    ],
)
def test_a_bug_is_one_line(archsim: Archsim, monkeypatch: pytest.MonkeyPatch, machine: str, what: str) -> None:
    monkeypatch.delenv("ARCHSIM_TRACEBACK", raising=False)
    result = archsim("run", machine, "bert-base")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"archsim has a bug: {what}")
    assert result.stderr.endswith("; please report, rerun with ARCHSIM_TRACEBACK=1 for the traceback\n")
    assert len(result.stderr.splitlines()) == 1


def test_a_bug_shows_its_traceback_on_request(archsim: Archsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSIM_TRACEBACK", "1")
    result = archsim("run", "buggy", "bert-base")
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback (most recent call last)")
    assert result.stderr.endswith("archsim has a bug: RuntimeError: one line\\nand another; please report\n")


def test_an_interrupt_from_inside_a_run(archsim: Archsim) -> None:
    result = archsim("run", "interrupted", "bert-base")
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_a_file_that_cannot_be_written(archsim: Archsim) -> None:
    result = archsim("run", "read-only", "bert-base")
    assert (result.exit_code, result.stderr) == (1, "/somewhere/cache: Read-only file system\n")


def test_ctrl_c(environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [*COMMAND, "run", "sleepy", "bert-base"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "asleep\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    "words", [["run", "isaac", "bert-base"], ["run", "large", "bert-base"], ["describe", "isaac"], ["--help"]]
)
def test_a_closed_pipe_is_no_error(environment: dict[str, str], words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [*COMMAND, *words],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            check=False,
            cwd=ROOT,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_closed_pipe_for_errors_too(environment: dict[str, str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run([*COMMAND, "run"], stdout=write, stderr=write, env=environment, check=False, cwd=ROOT)
    finally:
        os.close(write)
    assert done.returncode == 141


def test_no_standard_streams_at_all(environment: dict[str, str]) -> None:
    shell = 'exec "$@" >&- 2>&-'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, "sh", *COMMAND, "run", "isaac", "bert-base"],
        env=environment,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_standard_output(environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "run", "isaac", "bert-base"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            check=False,
            cwd=ROOT,
        )
    assert (done.returncode, done.stderr) == (1, "standard output: No space left on device\n")


def test_json_in_a_pipe_is_json() -> None:
    shell = '"$0" "$1" "$2" run isaac bert-base --json | "$0" -m json.tool'
    done = subprocess.run(["/bin/sh", "-c", shell, *COMMAND], capture_output=True, text=True, check=True, cwd=ROOT)
    assert '"latency_s": 0.0022' in done.stdout


def test_an_encoding_without_the_micro_sign() -> None:
    done = subprocess.run(
        [*COMMAND, "describe", "isaac"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        check=True,
        cwd=ROOT,
    )
    assert rb"\xb5s" in done.stdout
    assert done.stderr == b""
