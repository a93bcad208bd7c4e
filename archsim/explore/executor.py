"""What all executors have in common: points go in, answers come out, in any order."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from archsim.explore.evaluate import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archsim.explore.points import Point

TICK_S: Final = 0.25
"""After so long without news an executor says so, to let its caller commit and look around."""
_TRIES: Final = 2
_MOST: Final = 1024
"""Points of a chunk."""


class Executor(Protocol):
    """Evaluates points somewhere."""

    @property
    def workers(self) -> int:
        """Processes that work."""

    def run(self, points: Iterator[Point]) -> Iterator[Answer | None]:
        """An answer for each point, taken from `points` only when there is a worker for it; None now and then."""

    def close(self) -> None:
        """End all that was started."""


class Chunks:
    """Cuts points into chunks that take about as long as asked for, however long a point takes."""

    def __init__(self, points: Iterator[Point], seconds: float) -> None:
        self.points, self.seconds = points, seconds
        self.mean: float | None = None

    def take(self) -> list[Point]:
        """The next chunk; empty when all are taken."""
        size = 1 if self.mean is None else max(1, min(_MOST, int(self.seconds / max(self.mean, 1e-6))))
        return list(islice(self.points, size))

    def learn(self, answer: Answer) -> None:
        """A point took so long; the latest ones count most."""
        self.mean = answer.seconds if self.mean is None else 0.8 * self.mean + 0.2 * answer.seconds


class Strikes:
    """Counts how often each point has ended its worker: a first time it is tried again, a second time it has failed."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def strike(self, point: Point, how: str) -> Answer | None:
        """What to say of a point whose worker has ended; None: try it again."""
        self.counts[point.key] = self.counts.get(point.key, 0) + 1
        if self.counts[point.key] < _TRIES:
            return None
        return Answer(point.key, "failed", f"its worker ended {_TRIES} times ({how}), perhaps for memory", again=True)
