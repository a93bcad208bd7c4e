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
        (name, *quantity(before, unit), *quantity(after, unit), figure(before / after if after else 0.0))
        for name, before, after, unit in (*_simulated(found), *_predicted(found))
    )
    solver = (
        ("tiles", f"{allotment.tiles:,} of {found.tiles:,}"),
        ("solver", f"{allotment.status}, gap {allotment.gap:.1e}"),
    )
    return [
        Block("copies", "Copies", "w>>>><", copies, ("projection", "tiles", "vectors", "copies", "time", "")),
        Block("allotment", "Allotment", "<w", solver),
        Block("gains", "Gains", "<><><>", rows, ("", "before", "", "after", "", "gain")),
    ]


def _simulated(found: Optimized) -> list[tuple[str, float, float, str]]:
    before, after = found.before, found.after
    return [
        ("latency", before.latency_s, after.latency_s, "s"),
        ("energy", before.energy_j, after.energy_j, "J"),
    ]


def _predicted(found: Optimized) -> list[tuple[str, float, float, str]]:
    before, after = found.single, found.allotment
    return [
        ("predicted sum of times", before.latency * SECONDS_PER_PS, after.latency * SECONDS_PER_PS, "s"),
        ("predicted time an input", before.slowest * SECONDS_PER_PS, after.slowest * SECONDS_PER_PS, "s"),
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
        "bits": {key: {"weights": each.weights, "inputs": each.inputs} for key, each in found.bits.items()},
        "simulated": {name: {"before": before, "after": after} for name, before, after, _ in _simulated(found)},
        "predicted": {name: {"before": before, "after": after} for name, before, after, _ in _predicted(found)},
    }


def machine_file(machine: str, found: Optimized) -> str:
    """A file that extends the machine by the copies: `archsim run FILE MODEL` plays it."""
    path = Path(machine)
    base = str(path.resolve()) if path.is_file() else machine
    settings = dict(setting.removeprefix("mapping.").split("=", 1) for setting in found.settings)
    lines = [
        "schema: archsim.machine/1",
        f"extends: {json.dumps(base)}",
        f"name: {json.dumps(f'{found.before.machine} for {found.before.model}')}",
        "mapping:",
        *(f"  {key}: {value}" for key, value in settings.items()),
    ]
    return "\n".join(lines) + "\n"
