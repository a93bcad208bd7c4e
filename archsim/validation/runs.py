"""Measures of runs.

`latency`, `interval` (time for each input more in a batch), `energy`, `power`, `chips`, `area`, `inputs per s`,
`rate`, `rate per W`, `rate per mm2`, `continuous rate` (operations of an input over the interval), `MACs per s`,
`time of OPERATOR`, `energy of OPERATOR`, `MACs per J of OPERATOR`: from its first start to its last end. `OPERATOR to
OPERATOR` is both and all listed between them.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from archsim.errors import ArchsimError, did_you_mean
from archsim.graph import load_model
from archsim.machine import load_machine
from archsim.result.result import Result
from archsim.simulation import simulate
from archsim.validation.figures import Setting


def of_run(machine: str, setting: Setting, measure: str) -> float:
    """The value in SI units; raises ArchsimError for a measure that there is not, or a run that cannot be."""
    return _measured(_key(machine, setting), measure)


_Key = tuple[str, tuple[str, ...], str, str, int | None, int, int]


def _key(machine: str, setting: Setting) -> _Key:
    tokens = (setting.new_tokens or 1) if setting.phase != "prefill" else 0
    return machine, tuple(setting.set), setting.model, setting.phase, setting.seq, tokens, setting.batch


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


def _rows(found: Result, operators: str) -> list[dict[str, Any]]:
    """Those from the first to the last that is named, in the order in which a result lists them."""
    names = [row["operator"] for row in found.operators]
    ends = operators.split(" to ")
    for operator in ends:
        if operator not in names:
            raise ArchsimError(f"measure: no such operator: '{operator}'. {did_you_mean(operator, names)}")
    return found.operators[names.index(ends[0]) : names.index(ends[-1]) + 1]


def _time(found: Result, operators: str) -> float:
    rows = _rows(found, operators)
    return float(max(row["end_s"] for row in rows) - min(row["start_s"] for row in rows))


def _energy(found: Result, operators: str) -> float:
    """Their own and, of what flows all the time, that which flows meanwhile."""
    static = found.energy_by_part_j["static"] / found.latency_s
    own = sum(row["energy_j"] for row in _rows(found, operators))
    return float(own + static * _time(found, operators))


def _macs_per_joule(found: Result, operators: str) -> float:
    return float(sum(row["macs"] for row in _rows(found, operators)) / _energy(found, operators))


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
    "MACs per s": lambda found: found.ops / 2 / found.latency_s,
}
_OF_OPERATOR: dict[str, Callable[[Result, str], float]] = {
    "time of ": _time,
    "energy of ": _energy,
    "MACs per J of ": _macs_per_joule,
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
