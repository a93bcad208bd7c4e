"""Columns of tables of points: the job, what was set, the state, the figures; the same in CSV, Parquet and pandas."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from archsim import units
from archsim.explore.axes import JOB
from archsim.explore.figures import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from archsim.explore.study import Study

Kind = type[int] | type[float] | type[str]

_SUFFIXES: Final = {
    "time": "s",
    "rate": "hz",
    "frequency": "hz",
    "energy": "j",
    "power": "w",
    "area": "m2",
    "information": "b",
    "performance": "ops_per_s",
    "bandwidth": "b_per_s",
    "voltage": "v",
    "resistance": "ohm",
    "conductance": "siemens",
    "capacitance": "f",
    "length": "m",
    "temperature": "k",
}
"""By dimension, the SI unit at the end of a column's name; information is in bits."""
_WHOLE: Final = ("seq", "new_tokens", "batch", "chips", "ops", "tasks")
_TEXTS: Final = ("machine", "model", "phase", "grain", "state", "reason", "bottleneck", "machine_digest", "key")


@dataclass(frozen=True, slots=True)
class Setting:
    """How the texts of a key are shown: as numbers if all are, with a second column if all have units of one kind."""

    key: str
    kind: Kind
    dimension: str | None = None

    @property
    def columns(self) -> dict[str, Kind]:
        """Its columns by name."""
        if self.dimension is None:
            return {self.key: self.kind}
        return {self.key: str, f"{self.key}_{_SUFFIXES[self.dimension]}": float}

    def cells(self, text: str | None) -> dict[str, Any]:
        """What a point has in them."""
        if text is None:
            return dict.fromkeys(self.columns)
        values: list[Any] = [self.kind(text)]
        if self.dimension is not None:
            values.append(float(units.parse(text, self.dimension) * units.SI[self.dimension]))
        return dict(zip(self.columns, values, strict=True))


def setting(key: str, texts: Collection[str]) -> Setting:
    """How a key is shown that has these texts."""
    for kind, read in ((int, units.whole), (float, units.number)):
        if all(_reads(read, text) for text in texts):
            return Setting(key, kind)
    dimensions = {units.kind(text) for text in texts}
    dimension = dimensions.pop() if len(dimensions) == 1 else None
    whole = dimension is not None and all(_reads(lambda text: units.parse(text, dimension), text) for text in texts)
    return Setting(key, str, dimension if whole else None)


def _reads(read: Any, text: str) -> bool:  # noqa: ANN401
    try:
        read(text)
    except units.UnitError:
        return False
    return True


def settings_of(study: Study) -> list[Setting]:
    """Those of a study's axes, in its order."""
    texts: dict[str, dict[str, None]] = {}
    for axis in study.axes:
        for level in axis.levels:
            for key, text in level.values:
                texts.setdefault(key, {})[text] = None
    return [setting(key, found) for key, found in texts.items() if key not in (*JOB, "machine", "model")]


def columns(settings: Iterable[Setting]) -> dict[str, Kind]:
    """All columns by name: machine, model, the job, what is set, the state, the figures in SI units."""
    set_ones = {name: kind for each in settings for name, kind in each.columns.items()}
    fixed = {name: _kind(name) for name in ("machine", "model", *JOB)}
    return fixed | set_ones | {name: _kind(name) for name in COLUMNS}


def _kind(name: str) -> Kind:
    return int if name in _WHOLE else str if name in _TEXTS else float


def record(
    settings: Iterable[Setting],
    texts: Mapping[str, str],
    job: Mapping[str, Any],
    *,
    machine: str,
    model: str,
    key: str,
    found: tuple[str, str | None, str | None],
) -> dict[str, Any]:
    """The row of a point. found: its state, the reason of a failure, its figures as JSON."""
    state, why, figures = found
    row = {"machine": machine, "model": model, **job}
    for each in settings:
        row |= each.cells(texts.get(each.key))
    return row | {"state": state, "reason": why or "", **json.loads(figures or "{}"), "key": key}
