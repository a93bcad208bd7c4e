"""Comparisons as a table and as a plot."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError
from archsim.report.blocks import Block, cell, figure, quantity
from archsim.report.plots import write
from archsim.report.ratios import ratio_block, ratio_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_COLUMNS = ("area mm²", "chips", "/s", "/s/mm²", "/J", "basis")
_HEADERS = ("", "latency", "", "energy", "", *_COLUMNS)


_MEASURED = ("measured", "", "error", "measured", "", "error")


def compare_blocks(
    rows: Sequence[Mapping[str, Any]], ratios: Sequence[Mapping[str, Any]], elsewhere: Sequence[str] = ()
) -> list[Block]:
    """Two tables for each job: what each took, and ratios, each with what it is relative to; then what was left out.

    Where anything was measured, so are columns; elsewhere: the measurements that are of none of these jobs.
    """
    blocks = []
    measured = any(row.get("measured_latency_s") for row in rows)
    headers, columns = (_HEADERS + _MEASURED, "w><><>>>>>w><>><>") if measured else (_HEADERS, "w><><>>>>>w")
    for number, (title, found) in enumerate(groupby(rows, key=_job), start=1):
        kept = list(found)
        ran = tuple((*_cells(row), *(_measured(row) if measured else ())) for row in kept if not row["why"])
        blocks.append(Block(f"job{number}", title, columns, ran, headers))
        blocks.append(ratio_block(f"ratios{number}", [ratio for ratio in ratios if _job(ratio) == title]))
        notes = tuple((cell(row["name"]), cell(f"left out: {row['why']}")) for row in kept if row["why"])
        blocks.append(Block(f"job{number}", "", "<w", notes))
    if elsewhere:
        lines = tuple(("measured", cell(f"of no job here: {each}")) for each in elsewhere)
        blocks.append(Block("elsewhere", "Measurements that are not shown", "<w", lines))
    return [*(block for block in blocks if block.rows), ratio_notes(ratios)]


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
        cell(row["basis"]),
    )


def plot_compare(ratios: Sequence[Mapping[str, Any]], folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Draw `compare`: speed-up and energy ratio of each machine and job over the first reference; the files' paths.

    Diamonds: over what was measured of the reference, where the comparison's `rows` have that.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    first = ratios[0]["relative_to"] if ratios else "-"
    kept = [row for row in ratios if row["relative_to"] == first]
    wrong = {_job(row): row for row in rows if row["name"] == first}
    names = list(dict.fromkeys(row["name"] for row in kept))
    titles = list(dict.fromkeys(_job(row) for row in kept))
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure_ = Figure(figsize=(2.5 + 1.6 * len(titles), 6.5), layout="constrained")
        both = (("speed_up", "speed-up", "latency_error"), ("energy_ratio", "energy ratio", "energy_error"))
        for axes, (key, label, error) in zip(figure_.subplots(2, 1, sharex=True), both, strict=True):
            wide = 0.8 / max(1, len(names))
            diamonds: list[tuple[float, float]] = []
            for place, name in enumerate(names):
                mine = {_job(row): row[key] for row in kept if row["name"] == name}
                aside = (place - (len(names) - 1) / 2) * wide
                at = [number + aside for number, title in enumerate(titles) if title in mine]
                off = {title: wrong[title].get(error) for title in mine}
                diamonds += [
                    (titles.index(title) + aside, mine[title] / (1 + by)) for title, by in off.items() if by is not None
                ]
                axes.bar(at, [mine[title] for title in titles if title in mine], wide, label=name)
            if diamonds:
                axes.plot(*zip(*diamonds, strict=True), "kD", markersize=4, label="over what was measured")
            axes.axhline(1, color="0.5", linewidth=0.8)
            axes.set_yscale("log")
            axes.set_ylabel(f"{label} over {first}")
            axes.set_xticks(range(len(titles)), [title.replace(", ", "\n") for title in titles])
        axes.legend(frameon=False, ncols=min(4, len(names)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write(figure_, folder / "compare")
    except OSError as error:
        raise ArchsimError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
