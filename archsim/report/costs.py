"""Cost models as blocks of a report: what there is, and what each says of one part."""

from collections.abc import Mapping, Sequence
from typing import Any

from archsim.report.blocks import Block, cell, quantity

Rows = Sequence[Mapping[str, Any]]


def model_block(rows: Rows) -> Block:
    """A row for each model: for which parts, in which range, from where."""
    cells = tuple(
        (
            cell(row["part"]),
            cell(row["model"]),
            cell(", ".join(f"{key} {bounds}" for key, bounds in row["range"].items())),
            cell(row["source"]),
            cell(row["text"]),
        )
        for row in rows
    )
    return Block("models", "Cost models", "<<w<w", cells, ("part", "model", "range", "source", "text"), keyed=False)


def estimate_block(rows: Rows) -> Block:
    """A row for each model: energy of an action, area and leakage of one part, or why there are none."""
    cells = tuple(
        (
            cell(row["model"]),
            *quantity(row["energy_j"], "J"),
            *quantity(row["area_m2"], "m2"),
            *quantity(row["leakage_w"], "W"),
            cell(row["source"]),
            cell(row["why_not"] or row["text"]),
        )
        for row in rows
    )
    headers = ("model", "energy", "", "area", "", "leakage", "", "source", "text")
    return Block("estimates", "Energy of an action, area and leakage", "<><><><<w", cells, headers, keyed=False)
