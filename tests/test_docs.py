"""Every code block of every page runs: files are written, commands print what is shown, Python raises nothing."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.command import archsim

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(page for page in (ROOT / "docs").rglob("*.md") if "```" in page.read_text(encoding="utf-8"))
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# file: (\S+)\n")
GAP = re.compile(r"\s+")


def blocks(page: Path) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, and the lines that are shown below it."""
    for chunk in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = chunk.splitlines()
        yield command, [line for line in shown if line.strip()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for a page's files, from which Python imports; its modules are forgotten afterwards."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]


def start(command: list[str], folder: Path) -> str:
    """What a command prints, on both streams; archsim's own in this process, which spares its imports."""
    if command[0] == "archsim":
        done = archsim(*command[1:], folder=folder)
    else:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_all_blocks_run(page: Path, folder: Path) -> None:
    for language, text in blocks(page):
        named = FILE.match(text)
        assert language in ("console", "python", "yaml", "text", "bash"), f"found a block of {language!r}"
        if named:
            (folder / named[1]).write_text(text[named.end() :], encoding="utf-8")
        elif language in ("text", "bash"):  # a drawing, or commands on files of one's own
            continue
        elif language == "python":
            start([sys.executable, "-c", text], folder)
        else:
            assert language == "console", "a YAML block begins with `# file: NAME`"
            for command, shown in commands(text):
                printed = [GAP.sub(" ", line) for line in start(shlex.split(command), folder).splitlines()]
                for line in shown:
                    wanted = GAP.sub(" ", line)
                    assert any(wanted in found for found in printed), "\n".join(
                        [f"$ {command}", *printed, f"has no {wanted!r}"]
                    )


def test_there_are_pages_with_blocks() -> None:
    assert {"tour.md", "own-machine.md", "add-a-part.md"} <= {page.name for page in PAGES}
