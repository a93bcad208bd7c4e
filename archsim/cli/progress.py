"""How far long work is: a bar on a terminal, nothing anywhere else."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[str, int, int], None]
"""Called with a stage of the work, how much of it is done, and how much there is."""

_PATIENCE_S = 1.0
"""Work that ends sooner needs no bar."""


@contextmanager
def progress() -> Iterator[Report | None]:
    """Give a function to report to, or None where standard error is no terminal. The bar leaves no trace."""
    if sys.stderr is None or not sys.stderr.isatty():  # None: closed before the start
        yield None
        return
    bar = _Bar()
    try:
        yield bar.report
    finally:
        bar.close()


class _Bar:
    def __init__(self) -> None:
        self.began = time.monotonic()
        self.close: Callable[[], None] = lambda: None
        self.show: Report | None = None

    def report(self, stage: str, done: int, total: int) -> None:
        if self.show is None and time.monotonic() - self.began > _PATIENCE_S:
            self._open()
        if self.show is not None:
            self.show(stage, done, total)

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
        shown = Progress(*columns, console=Console(stderr=True), transient=True)
        task = shown.add_task("", total=None)
        shown.start()
        self.close = shown.stop
        self.show = lambda stage, done, total: shown.update(task, description=stage, completed=done, total=total)
