"""Comparisons as a table and as a plot."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from archsim.report.blocks import Block, cell, figure, quantity
from archsim.report.ratios import ratio_block, ratio_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        figure(row["per_s_per_mm2"]) if row["per_s_per_mm2"] else "-",
        figure(row["per_j"]) if row["per_j"] else "-",
        cell(row["basis"]),
    )
