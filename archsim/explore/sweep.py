"""From a study file to what it found: load, plan, run what is missing, sum up."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsim.errors import UsageError, quoted
from archsim.explore.load import load_study
from archsim.explore.points import points
from archsim.explore.pool import Pool, end_if_imported
from archsim.explore.running import plan, run
from archsim.explore.store import Store
from archsim.explore.summary import Summary, summary
from archsim.processes import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archsim.explore.executor import Executor
    from archsim.explore.load import Bases
    from archsim.explore.running import Tell
    from archsim.explore.study import Study

_LOCAL = re.compile(r"local:([1-9][0-9]{0,3})")
_ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://\S+:[0-9]+")


def _expected(cluster: str) -> str:
    """What is meant by a text that is no cluster."""
    expected = "expected tcp://HOST:PORT, or local:N"
    if cluster.startswith("local:"):
        return f"{expected} with N from 1 to 9999"
    return f"{expected}. Try tcp://{cluster}" if re.fullmatch(r"[^\s:/]+:[0-9]+", cluster) else expected


@dataclass(frozen=True, slots=True)
class Where:
    """Where points run: so many processes here (None: one a core), or a Dask cluster."""

    processes: int | None = None
    cluster: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no place. Raises UsageError."""
        if self.cluster is not None and not (_LOCAL.fullmatch(self.cluster) or _ADDRESS.fullmatch(self.cluster)):
            raise UsageError(f"--cluster: found {quoted(self.cluster)}; {_expected(self.cluster)}")
        if self.cluster is not None and self.processes is not None:
            raise UsageError("--processes are of this machine; expected them or --cluster, not both")

    def open(self, bases: Bases, missing: int) -> Executor:
        """Start, or reach, what runs points: no more processes than points are missing."""
        if self.cluster is None:
            return Pool(bases, max(1, min(self.processes or cores(), missing)))
        try:
            from archsim.explore.dask_pool import DaskPool, LocalDask
        except ImportError:
            raise UsageError("--cluster needs Dask: pip install 'archsim[cluster]'") from None
        local = _LOCAL.fullmatch(self.cluster)
        return LocalDask(bases, int(local[1])) if local else DaskPool(bases, self.cluster)


@dataclass(frozen=True)
class Swept:
    """A study after its sweep, with its open store."""

    study: Study
    bases: Bases
    store: Store
    summary: Summary


def sweep(
    study: str | Path,
    store: str | Path,
    *,
    processes: int | None = None,
    cluster: str | None = None,
    trust: bool = False,
) -> dict[str, Any]:
    """Run all points of a study that the store does not have yet; what it found, as `archsim sweep --json` prints it.

    processes: as many as cores if None; cluster: of Dask, `tcp://HOST:PORT` or `local:N`, in their place; trust: open
    model files that can run code as they are loaded (.pt2). A script
    that calls this needs `if __name__ == "__main__":`, as processes import it; without, a line says so and it ends.
    Raises ArchsimError.
    """
    end_if_imported()
    with sweeping(Path(study), Path(store), Where(processes, cluster), trust=trust) as swept:
        return swept.summary.data


@contextmanager
def sweeping(
    path: Path,
    out: Path,
    where: Where,
    *,
    trust: bool = False,
    say: Callable[[str], None] = lambda _line: None,
    tell: Tell | None = None,
) -> Iterator[Swept]:
    """Give what a sweep found while its store is open.

    trust: as `load_study` has it. say: told in lines what will be done, and how long it takes.
    """
    study, bases = load_study(path, trust=trust)
    with Store(out, write=True) as store:
        planned = plan(study, bases, store)
        before = planned.points - planned.missing
        say(f"{planned.points:,} points: {before:,} done before, {planned.missing:,} to run")
        if planned.missing:
            with closing(where.open(bases, planned.missing)) as executor:
                every = (point for _, point in points(study, bases))
                tail = f"by {executor.workers} process{'es' if executor.workers > 1 else ''}"
                run(
                    every,
                    planned.missing,
                    store,
                    executor,
                    tell=tell,
                    estimate=lambda seconds: say(f"about {duration(seconds)} to go, {tail}"),
                )
        yield Swept(study, bases, store, summary(study, bases, store))


def duration(seconds: float) -> str:
    """A time for people: 12 s, 3 min, 2.5 h."""
    minute, hour = 60.0, 3600.0
    if seconds < 2 * minute:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / minute:.0f} min" if seconds < 2 * hour else f"{seconds / hour:.1f} h"
