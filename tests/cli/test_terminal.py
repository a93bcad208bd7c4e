"""Both streams on one terminal, as a person sees them."""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLUMNS = 80


def shown(*words: str) -> list[str]:
    """Lines that `archsim` with these words, and the fake behind it, writes on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    command = [sys.executable, "-m", "tests.cli.fake", *words]
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment | {"NO_COLOR": "1", "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):  # the end of a terminal is an error on Linux
            while more := os.read(ours, 4096):
                text += more
    os.close(ours)
    assert process.returncode == 0
    return [line.rstrip() for line in text.decode().splitlines()]


@pytest.mark.parametrize("words", [("run", "isaac", "bert-base"), ("run", "isaac", "bert-base", "--json")])
def test_the_hosts_times_stand_apart_at_the_end(words: tuple[str, ...]) -> None:
    lines = shown(*words)
    assert lines[-1].startswith("host: load ")
    assert lines[-2] == ""
    assert lines[-3] != ""
    assert sum("host:" in line for line in lines) == 1


def test_nothing_is_wider_than_the_terminal() -> None:
    for words in (("run", "large", "bert-base"), ("describe", "isaac")):
        assert 40 < max(map(len, shown(*words))) <= COLUMNS
