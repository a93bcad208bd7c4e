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


def compare_blocks(rows: Sequence[Mapping[str, Any]], ratios: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Two tables for each job: what each took, and ratios, each with what it is relative to; then what was left out."""
    blocks = []
    for number, (title, found) in enumerate(groupby(rows, key=_job), start=1):
        kept = list(found)
        ran = tuple(_cells(row) for row in kept if not row["why"])
        blocks.append(Block(f"job{number}", title, "w><><>>>>>w", ran, _HEADERS))
        blocks.append(ratio_block(f"ratios{number}", [ratio for ratio in ratios if _job(ratio) == title]))
        notes = tuple((cell(row["name"]), cell(f"left out: {row['why']}")) for row in kept if row["why"])
        blocks.append(Block(f"job{number}", "", "<w", notes))
    return [*(block for block in blocks if block.rows), ratio_notes(ratios)]


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


def plot_compare(ratios: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw `compare`: speed-up and energy ratio of each machine and job over the first reference; the files' paths."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    first = ratios[0]["relative_to"] if ratios else "-"
    kept = [row for row in ratios if row["relative_to"] == first]
    names = list(dict.fromkeys(row["name"] for row in kept))
    titles = list(dict.fromkeys(_job(row) for row in kept))
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure_ = Figure(figsize=(2.5 + 1.6 * len(titles), 6.5), layout="constrained")
        both = (("speed_up", "speed-up"), ("energy_ratio", "energy ratio"))
        for axes, (key, label) in zip(figure_.subplots(2, 1, sharex=True), both, strict=True):
            wide = 0.8 / max(1, len(names))
            for place, name in enumerate(names):
                mine = {_job(row): row[key] for row in kept if row["name"] == name}
                aside = (place - (len(names) - 1) / 2) * wide
                at = [number + aside for number, title in enumerate(titles) if title in mine]
                axes.bar(at, [mine[title] for title in titles if title in mine], wide, label=name)
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
