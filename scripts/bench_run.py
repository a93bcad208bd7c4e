"""Times whole runs as processes: seconds of processor time, peak memory, tasks a second of the engine."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = (("isaac", "bert-base", "128"), ("isaac", "bert-large", "512"))


def measure(machine: str, model: str, seq: str) -> str:
    """One row: what a fresh process needs for a run."""
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = ["run", machine, model, "--seq", seq, "--json", "--out", folder]
        subprocess.run([sys.executable, "-m", "archsim", *command], check=True, capture_output=True)  # noqa: S603 - our own program
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        tasks = json.loads((Path(folder) / "result.json").read_text())["tasks"]
        play = json.loads((Path(folder) / "timing.json").read_text())["seconds"]["play"]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss / 1024  # of the largest child so far: runs are ordered by size
    return f"{machine} {model} --seq {seq}: {cpu:.2f} s, {peak:.0f} MiB, {tasks} tasks, {tasks / play:,.0f} tasks/s"


def main() -> None:
    """Print a row per run."""
    for run in RUNS:
        print(measure(*run), flush=True)


if __name__ == "__main__":
    main()
