"""Copies of weights that were found, as tables, as data, and as a machine file."""

from __future__ import annotations

import json
from pathlib import Path
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


def machine_file(machine: str, found: Optimized) -> str:
    """A file that extends the machine by the copies: `archsim run FILE MODEL` plays it."""
    path = Path(machine)
    base = str(path.resolve()) if path.is_file() else machine
    copies = {key: number for key, number in found.allotment.copies.items() if number > 1}
    lines = [
        "schema: archsim.machine/1",
        f"extends: {json.dumps(base)}",
        f"name: {json.dumps(f'{found.before.machine} for {found.before.model}')}",
        "mapping:",
        f"  copies: {json.dumps(copies)}",
    ]
    return "\n".join(lines) + "\n"
