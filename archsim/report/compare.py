"""Comparisons as a table and as a plot."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError
from archsim.report.blocks import Block, cell, figure, quantity
from archsim.report.plots import write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_COLUMNS = ("area mm²", "chips", "/s", "/s/mm²", "/J", "speed-up", "energy ratio", "basis")
_HEADERS = ("", "latency", "", "energy", "", *_COLUMNS)


_MEASURED = ("measured", "", "error", "measured", "", "error")


def compare_blocks(rows: Sequence[Mapping[str, Any]], elsewhere: Sequence[str] = ()) -> list[Block]:
    """A table for each job; a line says what its ratios are relative to.

    Where anything was measured, so are columns; elsewhere: the measurements that are of none of these jobs.
    """
    blocks = []
    measured = any(row.get("measured_latency_s") for row in rows)
    headers, columns = (_HEADERS + _MEASURED, "w><><>>>>>>>w><>><>") if measured else (_HEADERS, "w><><>>>>>>>w")
    for number, (title, found) in enumerate(groupby(rows, key=_job), start=1):
        kept = list(found)
        reference = next((row["relative_to"] for row in kept if row["relative_to"]), "")
        ran = tuple((*_cells(row), *(_measured(row) if measured else ())) for row in kept if not row["why"])
        blocks.append(Block(f"job{number}", title, columns, ran, headers))
        notes = [("ratios", cell(f"relative to {reference}: above 1 is faster, or takes less energy"))]
        notes += [(cell(row["name"]), cell(f"left out: {row['why']}")) for row in kept if row["why"]]
        blocks.append(Block(f"job{number}", "", "<w", tuple(notes)))
    if elsewhere:
        lines = tuple(("measured", cell(f"of no job here: {each}")) for each in elsewhere)
        blocks.append(Block("elsewhere", "Measurements that are not shown", "<w", lines))
    return blocks


def _measured(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Measured latency and energy, and how far the modelled ones are above them."""
    errors = (row.get("latency_error"), row.get("energy_error"))
    latency, energy = ("-" if error is None else f"{error:+.1%}" for error in errors)
    return (
        *quantity(row.get("measured_latency_s"), "s"),
        latency,
        *quantity(row.get("measured_energy_j"), "J"),
        energy,
    )


def _job(row: Mapping[str, Any]) -> str:
    return f"{row['model']}, {row['phase']}, batch {row['batch']}"


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        cell(row["name"]),
        *quantity(row["latency_s"], "s"),
        *quantity(row["energy_j"], "J"),
        figure(row["area_mm2"]),
        str(row["chips"]),
        figure(row["per_s"]),
        figure(row["per_s_per_mm2"]),
        figure(row["per_j"]),
        figure(row["speed_up"]),
        figure(row["energy_ratio"]),
        cell(row["basis"]),
    )


def plot_compare(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw `compare`: speed-up and energy ratio of each machine and job, diamonds where measured; returns the paths."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    kept = [row for row in rows if not row["why"]]
    names = list(dict.fromkeys(row["name"] for row in kept))
    titles = list(dict.fromkeys(_job(row) for row in kept))
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure_ = Figure(figsize=(2.5 + 1.6 * len(titles), 6.5), layout="constrained")
        both = (("speed_up", "speed-up", "latency_error"), ("energy_ratio", "energy ratio", "energy_error"))
        for axes, (key, label, error) in zip(figure_.subplots(2, 1, sharex=True), both, strict=True):
            wide = 0.8 / len(names)
            diamonds: list[tuple[float, float]] = []
            for place, name in enumerate(names):
                mine = {_job(row): row[key] for row in kept if row["name"] == name}
                aside = (place - (len(names) - 1) / 2) * wide
                at = [number + aside for number, title in enumerate(titles) if title in mine]
                diamonds += [
                    (titles.index(_job(row)) + aside, row[key] * (1 + row[error]))
                    for row in kept
                    if row["name"] == name and row.get(error) is not None
                ]
                axes.bar(at, [mine[title] for title in titles if title in mine], wide, label=name)
            if any(row.get("measured_at") for row in kept):
                at, high = ([point[part] for point in diamonds] for part in (0, 1))
                axes.plot(at, high, "kD", markersize=4, label="measured")
            axes.axhline(1, color="0.5", linewidth=0.8)
            axes.set_yscale("log")
            axes.set_ylabel(f"{label} over {kept[0]['relative_to']}" if kept else label)
            axes.set_xticks(range(len(titles)), [title.replace(", ", "\n") for title in titles])
        axes.legend(frameon=False, ncols=min(4, len(names)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write(figure_, folder / "compare")
    except OSError as error:
        raise ArchsimError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
