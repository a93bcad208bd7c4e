"""Copies of weights that were found, as tables, as data, and as a mapping file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archsim.report.blocks import Block, cell, figure, quantity
from archsim.report.mapping_text import mapping_text, with_settings
from archsim.units import SECONDS_PER_PS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.optimize import Optimized

_CLOSE = 0.1
"""Relative: a simulated time farther than this from the predicted one is told."""


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
        ("solver", found.status if found.gap is None else f"{found.status}, gap {found.gap:.1e}"),
        *_notes(found),
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
        ("latency of a run", before.latency_s, after.latency_s, "s"),
        ("latency one after another", *found.in_turn_s, "s"),
        *steady,
        ("energy", before.energy_j, after.energy_j, "J"),
    ]


def _predicted(found: Optimized) -> list[tuple[str, float, float, str]]:
    before, after = found.single, found.allotment
    an_input = SECONDS_PER_PS / found.batch
    return [
        ("predicted latency one after another", before.latency * SECONDS_PER_PS, after.latency * SECONDS_PER_PS, "s"),
        ("predicted time an input", before.slowest * an_input, after.slowest * an_input, "s"),
    ]


def _notes(found: Optimized) -> list[tuple[str, str]]:
    """Where what the goal asks for is simulated otherwise than it was predicted."""
    simulated = found.interval_s if found.goal == "throughput" else found.in_turn_s
    if simulated is None or found.goal == "energy":
        return []
    predicted = found.allotment.amount(found.goal) * SECONDS_PER_PS / (found.batch if found.interval_s else 1)
    off = simulated[1] / predicted - 1
    if abs(off) <= _CLOSE:
        return []
    advice = "; more copies have longer ways, so that fewer may be faster: try fewer --tiles" if off > 0 else ""
    return [("note", f"simulated {abs(off):.0%} {'above' if off > 0 else 'below'} prediction{advice}")]


def data(found: Optimized) -> dict[str, Any]:
    """JSON-ready."""
    allotment = found.allotment
    return {
        "schema": "archsim.allotment/1",
        "machine": found.before.machine,
        "model": found.before.model,
        "tiles": found.tiles,
        "tiles_used": allotment.tiles,
        "status": found.status,
        "gap": found.gap,
        "copies": allotment.copies,
        "bits": {key: {"weights": each.weights, "inputs": each.inputs} for key, each in found.bits.items()},
        "simulated": {name: {"before": before, "after": after} for name, before, after, _ in _simulated(found)},
        "predicted": {name: {"before": before, "after": after} for name, before, after, _ in _predicted(found)},
    }


def mapping_file(found: Optimized, given: Sequence[str] = (), note: str = "") -> str:
    """A mapping file of what was found: `archsim run MACHINE MODEL --mapping FILE` plays it.

    given: settings of the machine, which the file does not hold; note: more to say.
    """
    by = with_settings("archsim optimize", given)
    said = f"copies for {found.allotment.tiles:,} of {found.tiles:,} tiles, by {by}{note}"
    choices = dict(setting.removeprefix("mapping.").split("=", 1) for setting in found.settings)
    return mapping_text(found.before.machine, found.before.model, said, choices)
