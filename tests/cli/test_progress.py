"""A bar on a terminal, nothing in a pipe."""

import io
import sys

import pytest

from archsim.cli import progress as module
from archsim.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_there_is_none_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress() as report:
        assert report is None


@pytest.mark.parametrize(("patience", "shown"), [(0.0, True), (60.0, False)])
def test_long_work_has_a_bar_on_a_terminal(*, monkeypatch: pytest.MonkeyPatch, patience: float, shown: bool) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(module, "_PATIENCE_S", patience)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    with progress() as report:
        assert report is not None
        for done in range(3):
            report("playing tasks", done, 3)
    assert ("playing tasks" in screen.getvalue()) is shown


def test_work_that_fails_leaves_the_terminal_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(module, "_PATIENCE_S", 0.0)
    monkeypatch.setenv("TERM", "xterm-256color")
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert screen.getvalue().count("\x1b[?25l") == screen.getvalue().count("\x1b[?25h") == 1  # the cursor is back


def interrupted() -> None:
    with progress() as report:
        assert report is not None
        report("playing tasks", 1, 3)
        raise KeyboardInterrupt
