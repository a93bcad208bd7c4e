"""The blocks of a sweep: how many points, why some failed, the frontier with what bounds each point, sensitivity."""

from collections.abc import Mapping, Sequence
from typing import Any

from archsim.explore.figures import FIGURES
from archsim.report.blocks import Block, cell, figure, quantity

_MOST_ROWS = 50
"""Of the frontier; JSON has all."""


def sweep_blocks(data: Mapping[str, Any]) -> list[Block]:
    """Blocks of a sweep's summary."""
    blocks = [_headline(data)]
    if data["failures"]:
        rows = tuple((str(each["points"]), cell(each["reason"])) for each in data["failures"])
        blocks.append(Block("failed", "Why points failed", ">w", rows, ("points", "reason")))
    if data["frontier"]:
        blocks.append(_frontier(data))
    if data["sensitivity"]:
        blocks.append(_sensitivity(data))
    return blocks


def _headline(data: Mapping[str, Any]) -> Block:
    rows = [
        ("study", cell(data["study"])),
        ("points", f"{data['points']:,}"),
        ("done", f"{data['done']:,}"),
        ("failed", f"{data['failed']:,}"),
    ]
    if data["constraints"]:
        rows.append(("within constraints", f"{data['within_constraints']:,}: {cell(', '.join(data['constraints']))}"))
    rows.append(("objectives", cell(", ".join(data["objectives"]))))
    more = f", of which the first {_MOST_ROWS} are shown" if len(data["frontier"]) > _MOST_ROWS else ""
    rows.append(("frontier", f"{len(data['frontier']):,}{more}"))
    if data["hypervolume"] is not None:
        share = f"{100 * data['hypervolume']['share']:.2f} % of the box between best and worst values"
        rows.append(("hypervolume", share))
    return Block("", "", "<w", tuple(rows), keyed=False)


def _frontier(data: Mapping[str, Any]) -> Block:
    """A row for each point that no other beats: its levels, its objectives, what bounds it; `*` marks the knee."""
    names = [text.split()[0] for text in data["objectives"]]
    rows = []
    for row in data["frontier"][:_MOST_ROWS]:
        figures = row["figures"]
        values = [piece for name in names for piece in _pair(name, figures[FIGURES[name].field])]
        levels = [cell(row["levels"][name]) for name in data["axes"]]
        rows.append(("*" if row["knee"] else "", *levels, *values, cell(figures["bottleneck"])))
    headers = ("", *data["axes"], *(piece for name in names for piece in (name, "")), "bottleneck")
    columns = f"<{'<' * len(data['axes'])}{'><' * len(names)}w"
    return Block("frontier", "Pareto frontier, * is the knee", columns, tuple(rows), tuple(map(cell, headers)))


def _pair(name: str, value: float) -> tuple[str, str]:
    """A figure and its unit; a prefix only where it is a quantity."""
    of = FIGURES[name]
    return quantity(value, of.unit) if of.dimension else (figure(value), of.unit)


def _sensitivity(data: Mapping[str, Any]) -> Block:
    """Of each axis and objective: the change that it makes alone around the knee, and its first-order share."""
    names = [text.split()[0] for text in data["objectives"]]
    rows = tuple(
        (cell(each["axis"]), *(piece for name in names for piece in _effects(each, name)))
        for each in data["sensitivity"]
    )
    headers = ("", *(piece for name in names for piece in (f"{name}, alone", "share")))
    title = "Sensitivity: change by each axis alone around the knee; share of the variance that it explains alone"
    return Block("sensitivity", title, f"<{'>>' * len(names)}", rows, headers)


def _effects(each: Mapping[str, Any], name: str) -> Sequence[str]:
    alone, share = each["effect"][name], each["share"][name]
    return (
        "-" if alone is None else f"{alone[0]:+.1%} to {alone[1]:+.1%}",
        "-" if share is None else f"{share:.1%}",
    )
