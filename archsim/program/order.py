"""Going through the dependency graph in topological order, a whole frontier at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from archsim.program.arrays import Program


def sources(program: Program) -> NDArray[np.int64]:
    """The task that each dependency starts from, int64 (edges,), in step with `program.dependents`."""
    return np.repeat(np.arange(program.n_tasks), np.diff(program.dependents_start))


def frontiers(program: Program) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]]:
    """Yield tasks whose predecessors have all been yielded, with the dependencies that they release.

    Each frontier is (tasks, earlier, later): int64 (m,), int64 (e,) and int32 (e,), where `earlier[i]`
    releases `later[i]`. Tasks on a circle of dependencies, or behind one, never come.
    """
    start, dependents = program.dependents_start, program.dependents
    waiting = program.predecessors.copy()
    tasks = np.flatnonzero(waiting == 0)
    while tasks.size:
        lengths = start[tasks + 1] - start[tasks]
        offsets = np.repeat(start[tasks] - np.cumsum(lengths) + lengths, lengths)
        later = dependents[offsets + np.arange(offsets.size)]
        yield tasks, np.repeat(tasks, lengths), later
        np.subtract.at(waiting, later, 1)
        tasks = np.unique(later[waiting[later] == 0]).astype(np.int64)
