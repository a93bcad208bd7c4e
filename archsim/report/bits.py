"""Bits that were found, as tables, as data, and as a mapping file."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from archsim.report.blocks import Block, cell, figure
from archsim.report.optimize import data as copies_data
from archsim.report.optimize import mapping_file as copies_file
from archsim.report.optimize import optimize_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.bits.find import FoundBits
    from archsim.bits.measure import Difference


_AFTER = 60
"""Evaluations that are enough after each place was measured, by all networks of docs/bits.md."""


def bits_blocks(found: FoundBits) -> list[Block]:
    """Bits by projection, accuracy on what was not searched, then copies and gains."""
    judged, best = found.judged, found.found.best
    bits = tuple((cell(key), str(each.weights), str(each.inputs)) for key, each in found.optimized.bits.items())
    held = judged.lost.number
    accuracy = (
        (f"of {held:,} pictures that were not searched, in float32", f"{judged.floats:.2%}"),
        ("in 8 bits", f"{judged.before:.2%}"),
        ("in the bits that were found", f"{judged.after:.2%}"),
        ("lost from 8 bits, with its 95 % interval", _lost(judged.lost)),
        ("lost from float32", _lost(judged.lost_from_float)),
    )
    verdict = "yes" if best.allowed else "no: the best that was found loses more than is allowed"
    searched = (
        ("choices measured", f"{len(found.found.history):,}"),
        ("allowed by the half that was searched", verdict),
        ("gain that was searched for", figure(found.gain)),
        *_cut(found),
    )
    return [
        Block("bits", "Bits", "w>>", bits, ("projection", "weights", "inputs")),
        Block("accuracy", "Accuracy", "w>", accuracy),
        Block("search", "Search", "w<", searched),
        *optimize_blocks(found.optimized),
    ]


def _cut(found: FoundBits) -> list[tuple[str, str]]:
    places = 2 * len(found.found.best.choice)
    said = f"the evaluations; {places} go to what each place does alone. Try --evaluations {places + _AFTER}"
    return [("was cut short by", said)] if found.found.cut else []


def _lost(found: Difference) -> str:
    return f"{found.lost:.2%} ({found.low:.2%} to {found.high:.2%})"


def data(found: FoundBits) -> dict[str, Any]:
    """JSON-ready."""
    return {
        **copies_data(found.optimized),
        "accuracy": asdict(found.judged),
        "search": {
            "evaluations": len(found.found.history),
            "allowed": found.found.best.allowed,
            "accuracy_drop": found.allowed,
            "gain": found.gain,
            "cut": found.found.cut,
        },
    }


def mapping_file(found: FoundBits, given: Sequence[str] = ()) -> str:
    """Bits and copies: `archsim run MACHINE MODEL --mapping FILE` plays them; given: settings of the machine."""
    return copies_file(found.optimized, given, f"; its bits lose {_lost(found.judged.lost)} of accuracy from 8 bits")
