"""Measures of runs.

`latency`, `interval` (time for each input more in a batch), `energy`, `power`, `chips`, `area`, `inputs per s`, `rate`,
`rate per W`, `rate per mm2`, `continuous rate` (operations of an input over the interval); `time of OPERATOR`,
`energy of OPERATOR`, both also of `OPERATOR to OPERATOR`, `rate per W of OPERATOR`: from its start to its end.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from archsim.errors import ArchsimError, did_you_mean
from archsim.graph import load_model
from archsim.machine import load_machine
from archsim.result.result import Result
from archsim.simulation import simulate
from archsim.validation.figures import RunOptions


def of_run(machine: str, settings: Sequence[str], options: RunOptions, measure: str) -> float:
    """The value in SI units; raises ArchsimError for a measure that there is not, or a run that cannot be."""
    tokens = (options.new_tokens or 1) if options.phase != "prefill" else 0
    key = machine, tuple(settings), options.model, options.phase, options.seq, tokens, options.batch
    return _measured(key, measure)


_Key = tuple[str, tuple[str, ...], str, str, int | None, int, int]


@cache
def _run(key: _Key) -> Result:
    machine, settings, model, phase, seq, tokens, batch = key
    return simulate(
        load_machine(machine, settings), load_model(model), phase=phase, seq=seq, new_tokens=tokens, batch=batch
    )


def _interval(key: _Key) -> float:
    """From `batch` inputs to twice as many."""
    *head, batch = key
    return (_run((*head, 2 * batch)).latency_s - _run(key).latency_s) / batch


def _row(found: Result, operator: str) -> dict[str, Any]:
    rows = {row["operator"]: row for row in found.operators}
    if operator not in rows:
        raise ArchsimError(f"measure: no such operator: '{operator}'. {did_you_mean(operator, rows)}")
    return rows[operator]


def _time(found: Result, operator: str) -> float:
    """Of one operator; of `A to B` from the start of the first to the end of the second."""
    first, _, last = operator.partition(" to ")
    return float(_row(found, last or first)["end_s"] - _row(found, first)["start_s"])


def _energy(found: Result, operator: str) -> float:
    """Its own and, of what flows all the time, that which flows meanwhile; of `A to B` all that stand between them."""
    static = found.energy_by_part_j["static"] / found.latency_s
    first, _, last = operator.partition(" to ")
    _ = _row(found, first), _row(found, last or first)
    names = [row["operator"] for row in found.operators]
    rows = found.operators[names.index(first) : names.index(last or first) + 1]
    return float(sum(row["energy_j"] for row in rows) + static * _time(found, operator))


_OF: dict[str, Callable[[Result], float]] = {
    "latency": lambda found: found.latency_s,
    "energy": lambda found: found.energy_j,
    "power": lambda found: found.average_power_w,
    "chips": lambda found: float(found.chips),
    "area": lambda found: found.area_m2,
    "inputs per s": lambda found: found.batch / found.latency_s,
    "rate": lambda found: found.ops / found.latency_s,
    "rate per W": lambda found: found.ops / found.energy_j,
    "rate per mm2": lambda found: found.ops / found.latency_s / (found.area_m2 * 1e6),
}
_OF_OPERATOR: dict[str, Callable[[Result, str], float]] = {
    "time of ": _time,
    "energy of ": _energy,
    "rate per W of ": lambda found, operator: 2 * _row(found, operator)["macs"] / _energy(found, operator),
}


def _measured(key: _Key, measure: str) -> float:
    if measure in _OF:
        return _OF[measure](_run(key))
    if measure == "interval":
        return _interval(key)
    if measure == "continuous rate":
        found = _run(key)
        return found.ops / found.batch / _interval(key)
    for prefix, of in _OF_OPERATOR.items():
        if measure.startswith(prefix):
            return of(_run(key), measure.removeprefix(prefix))
    known = (*_OF, "interval", "continuous rate", *(prefix.strip() for prefix in _OF_OPERATOR))
    raise ArchsimError(f"measure: found '{measure}'. {did_you_mean(measure, known)}")
