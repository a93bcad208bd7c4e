"""Ratios of a comparison as a table, and what is to be known of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archsim.report.blocks import Block, cell, figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEADERS = ("", "relative to", "speed-up", "published", "energy ratio", "published", "at equal area")
_MEANING = (
    ("speed-up, energy ratio", "above 1: faster, less energy; as built, whatever the areas"),
    (
        "at equal area",
        (
            "throughput per area over that of the other: both fill the same area with copies of themselves, each "
            "working on inputs of its own, since more chips do not make one sequence faster; areas as printed, unscaled"
        ),
    ),
)


def ratio_block(key: str, ratios: Sequence[Mapping[str, Any]]) -> Block:
    """Each machine over each other; beside a ratio the one that a paper prints."""
    return Block(key, "", "ww>>>>>", tuple(_cells(ratio) for ratio in ratios), _HEADERS)


def _cells(ratio: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        cell(ratio["name"]),
        cell(ratio["relative_to"]),
        _or_dash(ratio["speed_up"]),
        _or_dash(ratio["published_speed_up"]),
        _or_dash(ratio["energy_ratio"]),
        _or_dash(ratio["published_energy_ratio"]),
        _or_dash(ratio["at_equal_area"]),
    )


def _or_dash(value: float) -> str:
    return figure(value) if value else "-"


def ratio_notes(ratios: Sequence[Mapping[str, Any]]) -> Block:
    """What the columns mean; of each published ratio what it is of, and what it hangs on."""
    notes = dict.fromkeys(
        (
            cell(f"published, {ratio['name'].partition('@')[0]}"),
            cell(f"{ratio['published_of']} ({ratio['source']}); hangs on {ratio['hangs_on']}"),
        )
        for ratio in ratios
        if ratio["source"]
    )
    return Block("note", "What the ratios are", "<w", (*_MEANING, *notes))
