"""Choices of what is digital: as tables, as mapping files, and as a plot of accuracy against energy and latency."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError
from archsim.report.blocks import Block, cell, quantity, spread
from archsim.report.mapping_text import mapping_text, with_settings
from archsim.report.plots import draw_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = {"bound": "s", "first-last": "D", "sensitivity": "o", "macs": "^", "analytical": "v"}
_BITS_A_BYTE = 8
_WIDE = 3
"""Changes of perplexity so many times the perplexity itself are drawn on a logarithmic axis."""


def partition_blocks(data: Mapping[str, Any]) -> list[Block]:
    """A row for each choice; `*`: none beats it in accuracy, energy and latency."""
    head = (
        ("machine", data["machine"]),
        ("model", data["model"]),
        ("tokens", str(data["tokens"])),
        ("seeds", f"{data['first_seed']} to {data['first_seed'] + data['seeds'] - 1}"),
        ("latency_and_energy", f"prefill of {data['seq']} tokens"),
        ("ppl_float", f"{data['ppl_float']:.4f}"),
        *((("without_room", ", ".join(data["without_room"])),) if data["without_room"] else ()),
    )
    rows = tuple(_row(point) for point in data["points"])
    names = ("choice", "delta ppl", "recovered", "analog MACs", "digital weights", "latency", "", "energy", "")
    return [
        Block("", "", "<w", head, keyed=False),
        Block(
            "sides",
            "The machine",
            "<><><",
            _sides(data["sides"]),
            ("", "peak", "", "energy a product", ""),
            keyed=False,
        ),
        Block("choices", "What is digital", "<>>>>><><", rows, names, keyed=False),
    ]


def _sides(sides: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    arrays, digital = sides["arrays"], sides["digital"]
    names = f"arrays of {arrays['rows']} x {arrays['outputs']} weights", f"digital, {digital['unit']}"
    return tuple(
        (cell(name), *quantity(side["ops_per_s"], "op/s"), *quantity(side["energy_per_mac_j"], "J"))
        for name, side in zip(names, (arrays, digital), strict=True)
    )


def _row(point: Mapping[str, Any]) -> tuple[str, ...]:
    ppl = point["delta_ppl"]
    return (
        cell(f"{point['name']}*" if point["frontier"] else point["name"]),
        spread(ppl["mean"], ppl["std"], ppl["n"]),
        "-" if point["recovered"] is None else f"{point['recovered']:.1%}",
        f"{point['analog_mac_share']:.1%}",
        f"{point['digital_weight_bits'] / _BITS_A_BYTE / 1024:,.0f} KiB",
        *quantity(point["latency_s"], "s"),
        *quantity(point["energy_j"], "J"),
    )


def mapping_files(data: Mapping[str, Any], given: Sequence[str] = ()) -> dict[str, str]:
    """By file name what `archsim run MACHINE MODEL --mapping FILE` takes; given: settings, which the file has not."""
    return {f"{point['name'].replace('%', '')}.yaml": _mapping(data, point, given) for point in data["points"]}


def _mapping(data: Mapping[str, Any], point: Mapping[str, Any], given: Sequence[str]) -> str:
    ppl = point["delta_ppl"]
    by = with_settings(f"archsim partition --seq {data['seq']}", given)
    note = f"{point['name']}: perplexity {data['ppl_float']:.4f} {ppl['mean']:+.4f}, by {by}"
    return mapping_text(data["machine"], data["model"], note, {"digital": json.dumps(point["digital"])})


def plot_partition(data: Mapping[str, Any], path: Path) -> None:
    """Draw it. Raises ArchsimError where it cannot be written."""
    try:
        draw_file(_figure(data), path)
    except OSError as error:
        raise ArchsimError(f"{path}: cannot be written: {error.strerror or error}") from error


def _figure(data: Mapping[str, Any]) -> Figure:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"font.size": 9}):
        figure = Figure(figsize=(9.0, 4.0), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _panel(left, data, "energy_j", "energy", "J")
        _panel(right, data, "latency_s", "latency", "s")
        left.set_ylabel("perplexity")
        left.set_title(f"{data['model']} on {data['machine']}", loc="left", fontweight="bold")
        right.legend(frameon=False, title="filled: none beats it")
    return figure


def _panel(axes: Axes, data: Mapping[str, Any], figure: str, label: str, unit: str) -> None:
    """Points by strategy with their deviation over seeds; filled where none beats them."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, ScalarFormatter

    strategies = list(dict.fromkeys(point["strategy"] for point in data["points"]))
    for number, strategy in enumerate(strategies):
        points = [point for point in data["points"] if point["strategy"] == strategy]
        colour = f"C{number}"
        for at, point in enumerate(points):
            axes.errorbar(
                point[figure],
                data["ppl_float"] + point["delta_ppl"]["mean"],
                point["delta_ppl"]["std"],
                marker=_MARKS[strategy],
                color=colour,
                markerfacecolor=colour if point["frontier"] else "none",
                linestyle="none",
                label=strategy if at == 0 else None,
            )
    axes.axhline(data["ppl_float"], color="grey", linewidth=0.8, linestyle=":")
    if max(point["delta_ppl"]["mean"] for point in data["points"]) > _WIDE * data["ppl_float"]:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(EngFormatter(unit))
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
