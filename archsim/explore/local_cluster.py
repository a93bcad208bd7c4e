"""A Dask cluster on this machine: a real scheduler and workers, each a process, over TCP on loopback alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from archsim.errors import ArchsimError
from archsim.processes import ONE_THREAD

_PATIENCE_S: Final = 60.0
_HERE: Final = "127.0.0.1"
# Dask's HTTP server listens without a dashboard too, and on all interfaces unless its address is said.
_LISTEN: Final = ("--host", _HERE, "--dashboard-address", f"{_HERE}:0", "--no-dashboard")
_MEMORY: Final = {"MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
"""The largest that glibc sets for itself. Dask sets the first so low that each array costs a call of the system."""
# A child ends when its standard input does, so that none is left behind by a parent that is killed.
_CHILD: Final = (
    "import os, sys, threading\n"
    "threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()\n"
    "from distributed.cli.{module} import main\n"
    "main()\n"
)


class LocalCluster:
    """A scheduler and `workers` workers; `address` is where clients go. A nanny starts a killed worker again."""

    def __init__(self, workers: int) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="archsim-dask-", ignore_cleanup_errors=True)
        file = Path(self.folder.name, "scheduler.json")
        words = [*_LISTEN, "--port", "0", "--scheduler-file", str(file)]
        self.log = Path(self.folder.name, "log").open("wb")  # noqa: SIM115 - as long as the processes
        self.scheduler = self._start("dask_scheduler", words)
        # Workers wait for the scheduler's file, and load meanwhile.
        words = [*_LISTEN, "--scheduler-file", str(file), "--nthreads", "1", "--death-timeout", "30"]
        self.workers = [
            self._start("dask_worker", [*words, "--local-directory", str(Path(self.folder.name, str(number)))])
            for number in range(workers)
        ]
        began = time.monotonic()
        while not file.exists():
            if self.scheduler.poll() is not None or time.monotonic() - began > _PATIENCE_S:
                said = Path(self.folder.name, "log").read_text(errors="replace").splitlines()[-1:]
                self.close()
                raise ArchsimError(f"--cluster local: the scheduler does not start: {' '.join(said)}")
            time.sleep(0.05)
        import json

        self.address: str = json.loads(file.read_text())["address"]

    def _start(self, module: str, words: list[str]) -> subprocess.Popen[bytes]:
        settings = {
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",  # sampling stacks takes time from points
        }
        return subprocess.Popen(  # noqa: S603 - archsim's own words
            [sys.executable, "-c", _CHILD.format(module=module), *words],
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            env=os.environ | ONE_THREAD | _MEMORY | settings,
            start_new_session=True,  # Ctrl-C is this process's to handle
        )

    def close(self) -> None:
        """End them all."""
        for child in (*self.workers, self.scheduler):
            if child.stdin is not None:
                child.stdin.close()
        for child in (*self.workers, self.scheduler):
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.log.close()
        self.folder.cleanup()
