"""The command line: here, which spares the start of Python and its imports, or as a process of its own."""

import gc
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from archsim.cli import main

QUICK = ("run", "isaac", "bert-base", "--seq", "16")


def archsim(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What `archsim` with these words says and returns, in this process, both streams no terminals."""
    out, err = StringIO(), StringIO()
    code: str | int | None = None
    collected = gc.get_threshold()
    with chdir(folder or Path.cwd()), redirect_stdout(out), redirect_stderr(err):
        try:
            main(list(words))
        except SystemExit as end:
            code = end.code
        finally:
            gc.set_threshold(*collected)
    assert isinstance(code, int), f"it returned, or ended with {code!r}"
    return subprocess.CompletedProcess(list(words), code, out.getvalue(), err.getvalue())


def process(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The same of a process of its own, both streams pipes."""
    command = [sys.executable, "-m", "archsim", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
