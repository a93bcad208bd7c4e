"""What tasks waited for, and where the time on the critical path went."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from archsim.program import JOIN, Run, critical_path
from archsim.result.names import operator_name, station_name
from archsim.units import SECONDS_PER_PS

CAUSES = ("data", "server", "space")
"""Data: from a task's first input to its last. Server: until one was free. Space: until there was room."""

Waiting = dict[str, float]
"""Seconds by cause, summed over tasks."""


def waiting(run: Run) -> tuple[Waiting, dict[str, Waiting], dict[str, Waiting]]:
    """Time waited by all tasks that a station serves: in all, by operator, by station."""
    program = run.program
    served = program.station[program.kind] != JOIN
    waits = np.stack([run.waited_for_data, run.waited_for_server, run.waited_for_space])[:, served]
    kinds = program.kind[served]
    stations = [station.name for station in program.stations]
    return (
        _seconds(waits.sum(axis=1)),
        _sums(waits, program.operator[kinds], program.operators, operator_name),
        _sums(waits, program.station[kinds], stations, station_name),
    )


def critical_seconds(run: Run) -> tuple[dict[str, float], dict[str, float], dict[str, dict[str, float]]]:
    """Time on the critical path by part and by operator, s, and by part in each operator. Either adds up to all."""
    path = critical_path(run)
    known, of_operator = _short(run.program.operators, operator_name)
    names = of_operator[run.program.operator[run.program.kind[path.task]]]
    by_both = {known[name]: path.only(names == name).by_part(run) for name in dict.fromkeys(names.tolist())}
    by_part: dict[str, int] = {}
    for parts in by_both.values():
        for part, time in parts.items():
            by_part[part] = by_part.get(part, 0) + time
    by_operator = {name: sum(parts.values()) for name, parts in by_both.items()}
    return (
        _largest_first(by_part),
        _largest_first(by_operator),
        {name: _largest_first(parts) for name, parts in by_both.items()},
    )


def _largest_first(times: dict[str, int]) -> dict[str, float]:
    ordered = sorted(times.items(), key=lambda item: (-item[1], item[0]))
    return {name: time * SECONDS_PER_PS for name, time in ordered}


def _short(names: Iterable[str], short: Callable[[str], str]) -> tuple[list[str], NDArray[np.int64]]:
    """Short names in order of appearance, and which of them each name has."""
    every = [short(name) for name in names]
    known = {name: at for at, name in enumerate(dict.fromkeys(every))}
    return list(known), np.array([known[name] for name in every], np.int64)


def _sums(
    waits: NDArray[np.int64], rows: NDArray[np.int32], names: Iterable[str], short: Callable[[str], str]
) -> dict[str, Waiting]:
    """Sums by short name; what never waited is left out."""
    known, of_name = _short(names, short)
    sums = np.zeros((len(CAUSES), len(known)), np.int64)
    for cause, wait in zip(sums, waits, strict=True):
        np.add.at(cause, of_name[rows], wait)
    return {name: _seconds(row) for name, row in zip(known, sums.T, strict=True) if row.any()}


def _seconds(times: NDArray[np.int64]) -> Waiting:
    return {cause: time * SECONDS_PER_PS for cause, time in zip(CAUSES, times.tolist(), strict=True)}
