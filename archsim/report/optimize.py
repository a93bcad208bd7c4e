"""Copies of weights that were found, as tables, as data, and as a mapping file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archsim.report.blocks import Block, cell, figure, quantity
from archsim.units import SECONDS_PER_PS

if TYPE_CHECKING:
    from archsim.optimize import Optimized


def optimize_blocks(found: Optimized) -> list[Block]:
    """Copies by projection; what the simulator says before and after."""
    allotment = found.allotment
    copies = tuple(
        (
            cell(work.name),
            *(str(number) for number in (work.tiles, work.vectors, allotment.copies[work.name])),
            *quantity(work.at(allotment.copies[work.name]) * SECONDS_PER_PS, "s"),
        )
        for work in found.works
    )
    rows = tuple(
        (name, *quantity(before, unit), *quantity(after, unit), figure(gain))
        for name, before, after, gain, unit in _gains(found)
    )
    solver = (
        ("tiles", f"{allotment.tiles:,} of {found.tiles:,}"),
        ("solver", f"{allotment.status}, gap {allotment.gap:.1e}"),
    )
    return [
        Block("copies", "Copies", "w>>>><", copies, ("projection", "tiles", "vectors", "copies", "time", "")),
        Block("allotment", "Allotment", "<w", solver),
        Block("gains", "Simulated", "<><><>", rows, ("", "one copy", "", "with copies", "", "gain")),
    ]


def _gains(found: Optimized) -> list[tuple[str, float, float, float, str]]:
    before, after = found.before, found.after
    return [
        ("latency", before.latency_s, after.latency_s, before.latency_s / after.latency_s, "s"),
        ("energy", before.energy_j, after.energy_j, before.energy_j / after.energy_j if after.energy_j else 0.0, "J"),
    ]


def data(found: Optimized) -> dict[str, Any]:
    """JSON-ready."""
    allotment = found.allotment
    return {
        "schema": "archsim.allotment/1",
        "machine": found.before.machine,
        "model": found.before.model,
        "tiles": found.tiles,
        "tiles_used": allotment.tiles,
        "status": allotment.status,
        "gap": allotment.gap,
        "copies": allotment.copies,
        "simulated": {name: {"before": before, "after": after} for name, before, after, _, _ in _gains(found)},
    }


def mapping_file(found: Optimized) -> str:
    """A mapping file of the copies: `archsim run MACHINE MODEL --mapping FILE` plays it."""
    copies = {key: number for key, number in found.allotment.copies.items() if number > 1}
    lines = [
        "schema: archsim.mapping/1",
        f"machine: {json.dumps(found.before.machine)}",
        f"model: {json.dumps(found.before.model)}",
        f"note: {json.dumps(f'copies for {found.allotment.tiles:,} of {found.tiles:,} tiles, by archsim optimize')}",
        "mapping:",
        f"  copies: {json.dumps(copies)}",
    ]
    return "\n".join(lines) + "\n"
