"""Copies of weights that were found, as tables, as data, and as a mapping file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archsim.report.blocks import Block, cell, figure, quantity
from archsim.units import SECONDS_PER_PS

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    steady = [("time an input", *found.interval_s, "s")] if found.interval_s else []
    return [
        ("latency", before.latency_s, after.latency_s, "s"),
        *steady,
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


def mapping_file(found: Optimized, given: Sequence[str] = (), note: str = "") -> str:
    """A mapping file of what was found: `archsim run MACHINE MODEL --mapping FILE` plays it.

    given: settings of the machine, which the file does not hold; note: more to say.
    """
    changed = "".join(f" --set {setting}" for setting in given)
    said = f"copies for {found.allotment.tiles:,} of {found.tiles:,} tiles, by archsim optimize{changed}{note}"
    settings = dict(setting.removeprefix("mapping.").split("=", 1) for setting in found.settings)
    lines = [
        "schema: archsim.mapping/1",
        f"machine: {json.dumps(found.before.machine)}",
        f"model: {json.dumps(found.before.model)}",
        f"note: {json.dumps(said)}",
        "mapping:",
        *(f"  {key}: {value}" for key, value in settings.items()),
    ]
    return "\n".join(lines) + "\n"
