"""A block is a titled table of text cells; renderers decide how it looks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from archsim.errors import printable
from archsim.units import format_si

# Between these a figure is written without an exponent.
_SMALLEST = 1e-3
_LARGEST = 1e9


@dataclass(frozen=True, slots=True)
class Block:
    """A titled table.

    `key` names the block in plain rows, `title` above it on a terminal. `columns` has a character per
    column: `<` left and whole, `>` right and whole, `w` left and allowed to wrap. Every row has a cell
    per column; `headers` is empty or has one per column. Where `keyed`, a plain row starts `key.name`.
    """

    key: str
    title: str
    columns: str
    rows: tuple[tuple[str, ...], ...]
    headers: tuple[str, ...] = ()
    keyed: bool = True


def cell(text: object) -> str:
    """`text` for a cell: white space collapsed, one printable line."""
    return printable(" ".join(str(text).split()))


def quantity(value: float | None, unit: str) -> tuple[str, str]:
    """Value and prefixed unit as two cells: 0.00221, "s" gives "2.21", "ms"; dashes where there is none."""
    if value is None:
        return "-", "-"
    number, _, prefixed = format_si(value, unit).rpartition(" ")
    return number, prefixed


def quantities(values: Sequence[float], unit: str, whole: float) -> list[tuple[str, str]]:
    """Shares of a whole as pairs of cells, all in the unit that suits it, to five digits of it.

    0.0021 and 2e-6 of 0.0281 J give "2.100", "mJ" and "0.002", "mJ": a column that can be compared and summed.
    """
    number, prefixed = quantity(whole, unit)
    power = round(math.log10(float(number) / whole)) if whole else 0
    scale = 10.0**power
    decimals = max(0, 4 - math.floor(math.log10(abs(whole * scale)))) if whole else 0
    return [(f"{value * scale:.{decimals}f}", prefixed) for value in values]


def figure(value: float) -> str:
    """Four significant digits or all whole ones: 57603, 380.7, 0.0125; outside 0.001 to 1e9, 1.200e-07."""
    if value and not _SMALLEST <= abs(value) < _LARGEST:
        return f"{value:.3e}"
    decimals = 3 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{max(0, decimals)}f}"


def percent(share: float) -> tuple[str, str]:
    """A share of one as two cells: 0.4567 gives "45.67", "%"."""
    return f"{100 * share:.2f}", "%"


def spread(mean: float, deviation: float, number: int = 2) -> str:
    """A mean and its deviation; of one run there is none."""
    return f"{mean:.4f} ± {deviation:.4f}" if number > 1 else f"{mean:.4f} ± -"
