"""Validation as tables: on a terminal, in a pipe, and as a page of the documentation."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from archsim.report.blocks import Block, cell, figure
from archsim.validation import Checked

_HEADERS = ("figure", "machine", "basis", "published", "simulated", "error", "within", "status")


def validation_blocks(rows: Sequence[Checked], summary: Mapping[str, Any]) -> list[Block]:
    """A table a group; how many passed."""
    ordered = sorted(rows, key=lambda row: row.group)
    blocks = []
    for group, found in groupby(ordered, key=lambda row: row.group):
        cells = tuple(tuple(cell(text) for text in _cells(row)) for row in found)
        blocks.append(Block(group.replace(" ", "_"), group.capitalize(), "www>>>>w", cells, _HEADERS))
    remarks = tuple(
        (cell(f"{row.machine or row.source[:30]}, {row.figure}"), cell(row.remark)) for row in rows if row.remark
    )
    counts = tuple((cell(name.replace("_", " ")), str(number)) for name, number in summary.items())
    return [*blocks, Block("remarks", "Remarks", "ww", remarks), Block("summary", "Summary", "<>", counts)]


def as_markdown(rows: Sequence[Checked], summary: Mapping[str, Any]) -> str:
    """The page `docs/validation/validation.md`."""
    lines = ["# Published figures and archsim's", "", "Written by `archsim validate --out docs/validation`.", ""]
    lines += [f"- {name.replace('_', ' ')}: {number}" for name, number in summary.items()]
    for group, found in groupby(sorted(rows, key=lambda row: row.group), key=lambda row: row.group):
        lines += ["", f"## {group.capitalize()}", "", f"| {' | '.join((*_HEADERS, 'method', 'source', 'remark'))} |"]
        lines.append("|---" * (len(_HEADERS) + 3) + "|")
        for row in found:
            texts = (*_cells(row), row.method, row.source, row.remark)
            lines.append(f"| {' | '.join(text.replace('|', '/') for text in texts)} |")
    return "\n".join(lines) + "\n"


def _cells(row: Checked) -> tuple[str, ...]:
    scale = row.simulated / row.published if row.simulated is not None and row.published else None
    return (
        row.figure,
        row.machine or "-",
        row.basis,
        row.printed,
        "-" if scale is None else _like(row.printed, scale),
        "-" if row.relative_error is None else f"{100 * row.relative_error:+.2f} %",
        "-" if row.tolerance is None else f"{100 * row.tolerance:g} %",
        row.status.replace("_", " "),
    )


def _like(printed: str, times: float) -> str:
    """The simulated value in the unit of the printed one."""
    number, _, unit = printed.partition(" ")
    return f"{figure(float(number) * times)} {unit}".strip()
