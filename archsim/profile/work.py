"""The runs of a profile, in processes of one thread each, so that their number changes no bit."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.errors import ArchsimError
from archsim.processes import one_thread
from archsim.profile.proxies import fisher, moments, outliers
from archsim.profile.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archsim.profile.causes import Analog, Cause
    from archsim.profile.replay import Losses
    from archsim.values.tasks import Task


@dataclass(frozen=True)
class Run:
    """Losses with some projections on the machine; with none, those in float."""

    keys: tuple[str, ...]
    cause: Cause
    seed: int


@dataclass(frozen=True)
class Guess:
    """A projection's proxies."""

    key: str


class Bench:
    """What does the runs: a model, a text, a machine's way of computing projections."""

    def __init__(self, task: Task, analog: Analog) -> None:
        """Run the text once; raises ArchsimError."""
        self.replay, self.analog = Replay(task), analog
        self.moments = moments(self.replay)

    def losses(self, run: Run) -> Losses:
        """Of all predicted tokens."""
        held = {key: self.replay.matrices[key] for key in run.keys}
        return self.replay.run({k: self.analog.product(run.cause, run.seed, k, *m) for k, m in held.items()})

    def guess(self, asked: Guess) -> dict[str, float]:
        """By name."""
        squares, largest = self.moments[asked.key]
        return {"fisher": fisher(self.replay, self.analog, asked.key, squares), "outliers": outliers(largest)}

    def do(self, asked: Run | Guess) -> Losses | dict[str, float]:
        """Either."""
        return self.losses(asked) if isinstance(asked, Run) else self.guess(asked)


_bench: list[Bench] = []


def _begin(task: Task, analog: Analog) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    _bench[:] = [Bench(task, analog)]


def _do(asked: Run | Guess) -> Losses | dict[str, float]:
    return _bench[0].do(asked)


def done(
    task: Task, analog: Analog, asked: Sequence[Run | Guess], workers: int
) -> Iterator[tuple[Run | Guess, Losses | dict[str, float]]]:
    """Each with its answer, in order. workers: processes; 0 works here, with what threads libraries use."""
    if not workers:
        bench = Bench(task, analog)
        yield from ((each, bench.do(each)) for each in asked)
        return
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    with one_thread(), ProcessPoolExecutor(workers, get_context("spawn"), _begin, (task, analog)) as pool:
        try:
            yield from zip(asked, pool.map(_do, asked), strict=True)
        except BrokenProcessPool:
            raise ArchsimError("a process ended before its work was done, for want of memory perhaps") from None
        finally:
            pool.shutdown(cancel_futures=True)
