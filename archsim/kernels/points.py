"""Functions that are given by points, from a file of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError, quoted

if TYPE_CHECKING:
    from pathlib import Path

    from archsim.steps.functions import Values

_MOST = 1 << 20
_ONE, _TWO = 2, 3
"""Numbers of a line: x and the result, or x, y and the result."""


@dataclass(frozen=True, eq=False)
class Points:
    """A function of one or two variables, linear between its points.

    Parameters
    ----------
    text
        The file's name.
    axes
        Of each variable its points, growing.
    results
        Of each point, or of each pair of points.
    """

    text: str
    axes: tuple[Values, ...]
    results: Values

    @property
    def variables(self) -> tuple[str, ...]:
        """`x`, or `x` and `y`."""
        return ("x", "y")[: len(self.axes)]

    @property
    def ends(self) -> tuple[tuple[float, float], ...]:
        """Of each variable, from the first to the last point."""
        return tuple((float(axis[0]), float(axis[-1])) for axis in self.axes)

    def apply(self, *values: Values) -> Values:
        """Between the points; beyond them as at the last ones."""
        if len(values) == 1:
            return np.asarray(np.interp(values[0], self.axes[0], self.results))
        x, y = np.broadcast_arrays(*values)
        (left, of_x), (low, of_y) = (_between(axis, of) for axis, of in zip(self.axes, (x, y), strict=True))
        below = self.results[left, low] * (1 - of_x) + self.results[left + 1, low] * of_x
        above = self.results[left, low + 1] * (1 - of_x) + self.results[left + 1, low + 1] * of_x
        return np.asarray(below * (1 - of_y) + above * of_y)


def _between(axis: Values, x: Values) -> tuple[np.ndarray, Values]:
    """The point before each number, and how far it is from that to the next."""
    held = np.clip(x, axis[0], axis[-1])
    at = np.clip(np.searchsorted(axis, held, side="right") - 1, 0, len(axis) - 2)
    return at, (held - axis[at]) / (axis[at + 1] - axis[at])


def read_points(path: Path) -> Points:
    """Read lines of `x,result`, or `x,y,result` of every pair of an x and a y; a first line of words is left out.

    Raises
    ------
    ArchsimError
        With the line, for anything else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is no text"
        raise ArchsimError(f"{quoted(str(path))}: {why}; expected lines such as -4,-0.07 (x, result)") from None
    if len(lines) > _MOST:
        raise ArchsimError(f"{path}: found {len(lines):,} lines; expected at most {_MOST:,}")
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            row = _row(line)
            if row is None and number == 1:
                continue
            if row is None or len(row) not in (_ONE, _TWO) or (rows and len(row) != len(rows[0])):
                wanted = "as many numbers as before" if rows else "x,result or x,y,result"
                raise ArchsimError(f"{path}:{number}:1  found {quoted(line[:60])}; expected {wanted}")
            rows.append(row)
    if len(rows) < _ONE:
        raise ArchsimError(f"{path}: found {len(rows)} points; expected two or more")
    return _points(path, np.array(rows))


def _row(line: str) -> list[float] | None:
    try:
        numbers = [float(piece) for piece in line.replace(";", ",").split(",")]
    except ValueError:
        return None
    return numbers if all(map(np.isfinite, numbers)) else None


def _points(path: Path, rows: Values) -> Points:
    axes = tuple(np.unique(rows[:, at]) for at in range(rows.shape[1] - 1))
    number = int(np.prod([len(axis) for axis in axes]))
    if number != len(rows) or any(len(axis) < _ONE for axis in axes):
        sizes = " x ".join(str(len(axis)) for axis in axes)
        found = f"found {len(rows)} points for {sizes} values of {' and '.join('xy'[: len(axes)])}"
        raise ArchsimError(f"{path}: {found}; expected each once")
    results = np.full([len(axis) for axis in axes], np.nan)
    results[tuple(np.searchsorted(axis, rows[:, at]) for at, axis in enumerate(axes))] = rows[:, -1]
    if np.isnan(results).any():
        raise ArchsimError(f"{path}: found a point twice, and another not at all; expected each once")
    return Points(path.name, axes, results)
