"""Files that would fill the memory or never end: one line each, and little memory."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

MEBIBYTE = 1 << 20


def bomb(path: Path) -> None:
    names = "abcdefghij"
    lines = [f"a: &a [{','.join('x' * 10)}]"]
    lines += [f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]" for old, new in pairwise(names)]
    path.write_text("\n".join(lines))


def huge(path: Path, text: bytes = b"key: 0123456789\n") -> None:
    """100 MB, sparse but for its head: the same to whoever reads it."""
    with path.open("wb") as stream:
        stream.write(text * 1000)
        stream.truncate(100 * MEBIBYTE)


def make(folder: Path) -> None:
    bomb(folder / "bomb.yaml")
    huge(folder / "huge.yaml")
    huge(folder / "huge.json", b"[1, ")
    (folder / "one.yaml").write_text("extends: other.yaml\n")
    (folder / "other.yaml").write_text("extends: one.yaml\n")
    (folder / "folder.yaml").mkdir()
    (folder / "binary.yaml").write_bytes(bytes(range(256)) * 100)
    (folder / "deep.yaml").write_text("a: " + "[" * 100_000)
    (folder / "empty.yaml").write_text("")
    os.mkfifo(folder / "pipe.yaml")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("check", "bomb.yaml"), "bomb.yaml:1:26  more than 100,000 values, those under aliases counted at each use"),
        (("check", "huge.yaml"), "huge.yaml: is larger than 4 MB; expected a YAML file."),
        (("run", "isaac", "huge.yaml"), "huge.yaml: is larger than 4 MB; expected a YAML file."),
        (("plot", "huge.json"), "huge.json: is larger than 16 MiB; expected a result saved with --out"),
        (
            ("check", "one.yaml"),
            "other.yaml:1:10  extends: 'one.yaml' extends this file in turn; expected an end to it",
        ),
        (("check", "folder.yaml"), "folder.yaml is a folder; expected a .yaml file."),
        (("describe", "binary.yaml"), "binary.yaml:1:1  found a NUL byte, so a binary file or UTF-16"),
        (("check", "deep.yaml"), "deep.yaml:1:"),
        (("check", "empty.yaml"), "empty.yaml:1:1  the file is empty; expected keys and values"),
        (("check", "pipe.yaml"), "pipe.yaml is no regular file; expected a .yaml file."),
        (("plot", "pipe.yaml"), "pipe.yaml: is no regular file; expected a result saved with --out"),
        (("check", "/dev/zero"), "/dev/zero is no regular file; expected a .yaml file."),
    ],
)
def test_one_line_and_little_memory(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    make(tmp_path)
    code, errors, kibibytes = measured(words, tmp_path)
    assert code == 1
    assert errors.startswith(said)
    assert errors.count("\n") == 1
    assert kibibytes * 1024 < 200e6


def measured(words: tuple[str, ...], folder: Path) -> tuple[int, str, int]:
    """Exit code, standard error, and the most memory (KiB) of one run.

    A small process in between starts it: a child's figure is at least the size that its parent had.
    """
    command = [sys.executable, "-m", "archsim", *words]
    done = subprocess.run(
        [sys.executable, "-S", "-c", _STARTER, *command], capture_output=True, text=True, check=False, cwd=folder
    )
    code, memory = done.stdout.split()
    return int(code), done.stderr, int(memory)


_STARTER = """
import os, sys
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet)
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
