"""The real command, as a process."""

import subprocess
import sys
from pathlib import Path

QUICK = ("run", "isaac", "bert-base", "--seq", "16")


def archsim(*words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What `archsim` with these words says and returns, both streams pipes."""
    command = [sys.executable, "-m", "archsim", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
