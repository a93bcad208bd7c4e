"""Executor of a Dask cluster: chunks of points as tasks, the same answers as from processes here."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from distributed import Client
from distributed.diagnostics.plugin import WorkerPlugin

from archsim import __version__
from archsim.errors import ArchsimError
from archsim.explore.evaluate import Answer, Evaluator
from archsim.explore.executor import TICK_S, Chunks, Strikes
from archsim.explore.local_cluster import LocalCluster
from archsim.explore.points import MODEL_VERSION
from archsim.explore.sources import held

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archsim.explore.load import Bases
    from archsim.explore.points import Point

_CHUNK_S: Final = 1.0
_AHEAD: Final = 2
"""Chunks a thread: one that it works on, one that waits."""
_PATIENCE_S: Final = 60.0
_CONNECT_S: Final = 15.0
_REFRESH_S: Final = 2.0
"""So often the cluster is asked how many workers it has now."""
_bases: dict[str, Bases] = {}
"""In a worker: what points are made from, by the sweep."""
_KEPT: Final = "What was finished before is kept: run the same command again to go on"
_mine = threading.local()


class Install(WorkerPlugin):  # type: ignore[misc]  # of a base without types
    """Brings a sweep's machine documents and models to each worker once, also to those that join later."""

    def __init__(self, sweep: str, bases: Bases) -> None:
        self.sweep, self.bases = sweep, bases

    def setup(self, worker: Any) -> None:  # noqa: ANN401, ARG002
        """In a worker: keep them."""
        _bases[self.sweep] = self.bases

    def teardown(self, worker: Any) -> None:  # noqa: ANN401, ARG002
        """In a worker: the sweep has ended."""
        _bases.pop(self.sweep, None)


def evaluate(sweep: str, points: list[Point]) -> list[Answer]:
    """In a worker: evaluate a chunk; each thread has machines of its own."""
    if getattr(_mine, "sweep", None) != sweep:
        began = time.monotonic()
        while sweep not in _bases and time.monotonic() < began + _PATIENCE_S:  # a worker that has just joined
            time.sleep(TICK_S)
        _mine.sweep, _mine.evaluator = sweep, Evaluator(_bases[sweep])
    return [_mine.evaluator(point) for point in points]


def versions() -> tuple[str, int]:
    """In a worker: what would make results differ."""
    return __version__, MODEL_VERSION


class DaskPool:
    """A client of the scheduler at `address`, such as `tcp://10.0.0.1:8786`."""

    def __init__(self, bases: Bases, address: str) -> None:
        for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what is lost is said here, in a line
        self.address, self.sweep = address, f"archsim-{time.time_ns():x}"
        self.asked, self.threads, self.manned = -_REFRESH_S, 1, time.monotonic()
        try:
            self.client: Any = Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            raise ArchsimError(f"--cluster {address}: no scheduler answers ({why})") from None
        try:
            self._check({name: found for each in bases.sources.values() for name, found in each.items()})
            self.client.register_plugin(Install(self.sweep, bases), name=self.sweep)
        except BaseException:
            self.close()
            raise

    def _check(self, modules: dict[str, str]) -> None:
        """Workers must be there, and compute what this process would. modules: of parts of one's own, with hashes."""
        try:
            self.client.wait_for_workers(1, timeout=_PATIENCE_S)
            found = self.client.run(versions)
            same = all(version == versions() for version in found.values())
            theirs = self.client.run(held, sorted(modules)) if modules and same else {}
        except (OSError, TimeoutError) as error:
            raise ArchsimError(f"--cluster {self.address}: has no workers ({error})") from None
        except ImportError as error:
            raise ArchsimError(f"--cluster {self.address}: its workers cannot import archsim ({error})") from None
        for worker, version in found.items():
            if version != versions():
                raise ArchsimError(f"--cluster {worker}: has archsim {version}; expected {versions()}, as here")
        for worker, have in theirs.items():
            for name in sorted(name for name in modules if have[name] != modules[name]):
                found = "cannot find" if have[name] is None else "has another file, or an older one in its memory, of"
                advice = "Bring it the file that is here, and start it again"
                raise ArchsimError(f"--cluster {worker}: {found} the module {name}, of a part of yours. {advice}")

    @property
    def workers(self) -> int:
        """Threads of all workers that were there a moment ago."""
        now = time.monotonic()
        if now > self.asked + _REFRESH_S:
            self._check_scheduler()
            self.threads, self.asked = sum(self.client.nthreads().values()), now
            self.manned = now if self.threads else self.manned
        if now > self.manned + _PATIENCE_S:
            raise ArchsimError(f"--cluster {self.address}: has no workers any more. {_KEPT}")
        return max(1, self.threads)

    def run(self, points: Iterator[Point]) -> Iterator[Answer | None]:
        """An answer for each point; of a chunk whose worker is killed too often, each is tried alone."""
        chunks, strikes = Chunks(points, _CHUNK_S), Strikes()
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        alone: deque[Point] = deque()
        given: dict[str, tuple[Any, list[Point]]] = {}
        while True:
            while len(given) < _AHEAD * self.workers:
                chunk = [alone.popleft()] if alone else chunks.take()
                if not chunk:
                    break
                future = self.client.submit(evaluate, self.sweep, chunk, pure=False)
                given[future.key] = future, chunk
                future.add_done_callback(finished.put)
            if not given:
                return
            try:
                future = finished.get(timeout=TICK_S)
            except queue.Empty:
                self._check_scheduler()
                yield None
                continue
            _, chunk = given.pop(future.key)
            answers = _answers(future)
            if answers is not None:
                for answer in answers:
                    chunks.learn(answer)
                    yield answer
                continue
            self._check_scheduler()
            for point in chunk:
                failed = strikes.strike(point, _why(future)) if len(chunk) == 1 else None
                if failed is None:
                    alone.append(point)
                else:
                    yield failed

    def _check_scheduler(self) -> None:
        comm = self.client.scheduler_comm
        if self.client.status != "running" or comm is None or comm.comm.closed():
            raise ArchsimError(f"--cluster {self.address}: the scheduler is gone. {_KEPT}")

    def close(self) -> None:
        """Leave the cluster as it was."""
        with suppress(Exception):  # it may be gone, and whatever its client then says is no news
            self.client.unregister_worker_plugin(self.sweep)
        self.client.close(timeout=2)


def _answers(future: Any) -> list[Answer] | None:  # noqa: ANN401
    """None where there are none, or where they are lost with a worker or the scheduler before they could be fetched."""
    if future.status != "finished":
        return None
    try:
        found: list[Answer] = future.result()
    except (CancelledError, OSError):
        return None
    return found


def _why(future: Any) -> str:  # noqa: ANN401
    error = future.exception(timeout=TICK_S) if future.status == "error" else None
    return type(error).__name__ if error is not None else str(future.status)


class LocalDask(DaskPool):
    """A cluster of its own on this machine, that ends with it."""

    def __init__(self, bases: Bases, workers: int) -> None:
        self.cluster = LocalCluster(workers)
        try:
            super().__init__(bases, self.cluster.address)
        except BaseException:
            self.cluster.close()
            raise

    def close(self) -> None:
        """End the cluster too."""
        try:
            super().close()
        finally:
            self.cluster.close()
