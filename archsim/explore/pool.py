"""Executor of processes on this machine: each keeps the models and machine documents, and runs one thread."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import current_process, get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Final

from archsim.errors import ArchsimError
from archsim.explore.executor import TICK_S, Chunks, Strikes
from archsim.processes import one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import SpawnProcess

    from archsim.explore.evaluate import Answer
    from archsim.explore.load import Bases
    from archsim.explore.points import Point

_CHUNK_S: Final = 0.2
_STILLBORN: Final = 10
"""So many workers in a row that end before they are ready are no accident."""
_READY: Final = "ready"
_UNGUARDED: Final = 113
"""Exit code of a worker that was about to sweep itself, as it imported the script that does."""


def end_if_imported() -> None:
    """End a worker that comes here while it imports its parent's script: the parent will say what the script lacks."""
    if getattr(current_process(), "_inheriting", False):  # as multiprocessing itself asks
        sys.exit(_UNGUARDED)


@dataclass
class _Seat:
    """A worker, and the points that it has yet to answer, in order."""

    process: SpawnProcess
    pipe: Connection
    ready: bool = False
    points: deque[Point] = field(default_factory=deque)


class Pool:
    """Processes, started afresh (spawn), so that nothing of this one is copied but what they need."""

    def __init__(self, bases: Bases, workers: int) -> None:
        self.bases, self.workers = bases, workers
        self.context = get_context("spawn")
        self.stillborn = 0
        self.seats = [self._hire() for _ in range(workers)]

    def run(self, points: Iterator[Point]) -> Iterator[Answer | None]:
        """An answer for each point; a worker that is killed is replaced, and its point tried once more."""
        chunks, strikes = Chunks(points, _CHUNK_S), Strikes()
        returned: deque[Point] = deque()
        while True:
            for seat in self.seats:
                if seat.ready and not seat.points:
                    self._give(seat, [returned.popleft()] if returned else chunks.take())
            if not returned and not any(seat.points for seat in self.seats) and any(s.ready for s in self.seats):
                return
            ready = wait([seat.pipe for seat in self.seats], timeout=TICK_S)
            if not ready:
                yield None
            for seat in [seat for seat in self.seats if seat.pipe in ready]:
                try:
                    message = seat.pipe.recv()
                except (EOFError, OSError):
                    yield from self._replace(seat, returned, strikes)
                    continue
                if message == _READY:
                    seat.ready, self.stillborn = True, 0
                    continue
                seat.points.popleft()
                chunks.learn(message)
                yield message

    def close(self) -> None:
        """End the workers, also those in the middle of a point."""
        for seat in self.seats:
            seat.pipe.close()
            seat.process.kill()
        for seat in self.seats:
            seat.process.join()

    def _hire(self) -> _Seat:
        mine, theirs = self.context.Pipe()
        process = self.context.Process(target=work, args=(theirs, self.bases), daemon=True)
        with one_thread():
            process.start()
        theirs.close()
        return _Seat(process, mine)

    def _give(self, seat: _Seat, points: list[Point]) -> None:
        if points:
            seat.points.extend(points)
            with suppress(OSError):  # it has just ended, and its points are taken back in a moment
                seat.pipe.send(points)

    def _replace(self, seat: _Seat, returned: deque[Point], strikes: Strikes) -> Iterator[Answer]:
        """A worker has ended: the point that it was at has a strike, the others of its chunk are none the wiser."""
        seat.process.join()
        seat.pipe.close()
        if seat.process.exitcode == _UNGUARDED and not seat.ready:
            sys.exit("a script that sweeps is imported by its workers: put the call under if __name__ == '__main__':")
        how = _ended(seat.process.exitcode or 0)
        if not seat.ready:
            self.stillborn += 1
            if self.stillborn >= _STILLBORN:
                raise ArchsimError(f"workers end as soon as they start ({how}); what they said stands above")
        rest = list(seat.points)
        failed = strikes.strike(rest[0], how) if rest else None
        if failed is not None:
            yield failed
        returned.extend(rest[1:] if failed is not None else rest)
        self.seats[self.seats.index(seat)] = self._hire()


def _ended(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def work(pipe: Connection, bases: Bases) -> None:
    """What a worker does until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from archsim.explore.evaluate import Evaluator

    evaluate = Evaluator(bases)
    with suppress(EOFError, OSError):  # the parent has ended, or wants no more
        pipe.send(_READY)
        while True:
            for point in pipe.recv():
                pipe.send(evaluate(point))


def _end_with_parent() -> None:
    """A parent that is killed cannot end its workers, and a point may take long."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
