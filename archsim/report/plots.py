"""Plots of one or several results: energy, latency with waiting, area. SVG and PNG, the same bytes each time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError
from archsim.report.colours import colours, hatches
from archsim.result.replace import replacing
from archsim.units import format_si

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
_MOST = 10  # names in a legend; the rest is `other`
_OTHER = "other"
_INCHES_A_PANEL, _INCHES_A_BAR, _HEIGHT = 4.2, 0.55, 4.4


@dataclass(frozen=True)
class _Panel:
    """Stacked bars: a bar for each run, a value for each name in it."""

    title: str
    unit: str
    bars: Sequence[Mapping[str, float]]

    def shares(self) -> _Panel:
        """The same as shares of each bar, %."""
        wholes = [math.fsum(bar.values()) or 1.0 for bar in self.bars]
        bars = [
            {name: 100 * value / whole for name, value in bar.items()}
            for bar, whole in zip(self.bars, wholes, strict=True)
        ]
        return _Panel(f"{self.title}, shares", "%", bars)


def plot(results: Sequence[Mapping[str, Any]], folder: Path) -> list[Path]:
    """Draw `energy`, `latency` and `area` of results (as `Result.to_dict` gives them) into a folder, made if absent.

    Returns the files' paths. Raises ArchsimError where they cannot be written.
    """
    labels = _labels(results)
    figures = {
        "energy": [
            _Panel("Energy by part", "J", [result["energy_by_part_j"] for result in results]),
            _Panel("Energy by operator", "J", [result["energy_by_operator_j"] for result in results]),
        ],
        "latency": [
            _Panel("Critical path by part", "s", [result["critical_path_by_part_s"] for result in results]),
            _Panel("Critical path by operator", "s", [result["critical_path_by_operator_s"] for result in results]),
            _Panel("Waiting of all tasks", "s", [result["waiting_s"] for result in results]),
        ],
        "area": [_Panel("Area by part", "m2", [result["area_by_part_m2"] for result in results])],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [path for name, panels in figures.items() for path in write(_draw(panels, labels), folder / name)]
    except OSError as error:
        raise ArchsimError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _labels(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What tells the runs apart: machine and model, and of the job whatever is not the same in all."""
    keys = [key for key in ("phase", "seq", "new_tokens", "batch") if len({result[key] for result in results}) > 1]
    found = []
    for result in results:
        words = [result["machine"], result["model"], *(f"{key.replace('_', ' ')} {result[key]}" for key in keys)]
        found.append("\n".join(words))
    counts = {label: found.count(label) for label in found}
    return [f"{label}\n({number})" if counts[label] > 1 else label for number, label in enumerate(found, start=1)]


def _draw(panels: Sequence[_Panel], labels: Sequence[str]) -> Figure:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rows = [panels, [panel.shares() for panel in panels]] if len(labels) > 1 else [panels]
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "hatch.linewidth": 0.5}):
        width = (_INCHES_A_PANEL + _INCHES_A_BAR * len(labels)) * len(panels)
        figure = Figure(figsize=(width, _HEIGHT * len(rows)), layout="constrained")
        every = figure.subplots(len(rows), len(panels), squeeze=False)
        for axes_row, row in zip(every, rows, strict=True):
            for axes, panel in zip(axes_row, row, strict=True):
                _stack(axes, panel, labels)
    return figure


def _stack(axes: Axes, panel: _Panel, labels: Sequence[str]) -> None:
    """The largest names have a colour each; the legend is in the order of the bars, from the top."""
    bars = _folded(panel.bars)
    names = list(dict.fromkeys(name for bar in bars for name in bar))
    found = colours(names)
    patterns = hatches(found)
    scale, unit = _scale(max((math.fsum(bar.values()) for bar in bars), default=0.0), panel.unit)
    base = [0.0] * len(bars)
    for name in names:
        heights = [bar.get(name, 0.0) * scale for bar in bars]
        axes.bar(
            range(len(bars)),
            heights,
            0.6,
            base,
            color=found[name],
            hatch=patterns[name],
            edgecolor="white",
            linewidth=0.5,
            label=name,
        )
        base = [low + height for low, height in zip(base, heights, strict=True)]
    for place, height in enumerate(base if unit != "%" else []):
        axes.annotate(f"{height:.4g}", (place, height), (0, 2), textcoords="offset points", ha="center", va="bottom")
    axes.set_title(panel.title, loc="left", fontweight="bold")
    axes.set_ylabel(unit)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.7, len(labels) - 0.3)
    axes.margins(y=0.1)
    handles, texts = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles[::-1], texts[::-1], loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _folded(bars: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """The names that are largest in any bar, in one order for all; the others are one."""
    largest: dict[str, float] = {}
    for bar in bars:
        whole = math.fsum(bar.values()) or 1.0
        for name, value in bar.items():
            largest[name] = max(largest.get(name, 0.0), value / whole)
    ordered = sorted(largest, key=lambda name: (-largest[name], name))
    kept = ordered if len(ordered) <= _MOST + 1 else ordered[:_MOST]
    folded = []
    for bar in bars:
        rest = math.fsum(value for name, value in bar.items() if name not in kept)
        folded.append(
            {name: bar.get(name, 0.0) for name in kept} | ({_OTHER: rest} if len(kept) < len(ordered) else {})
        )
    return folded


def _scale(largest: float, unit: str) -> tuple[float, str]:
    """What to multiply by, and the prefixed unit, so that the largest value reads well."""
    if not largest or unit == "%":
        return 1.0, unit
    number, _, prefixed = format_si(largest, unit, 15).rpartition(" ")
    return float(number) / largest, prefixed


def write(figure: Figure, stem: Path) -> list[Path]:
    """Draw into a file of each format."""
    paths = [stem.with_suffix(f".{kind}") for kind in FORMATS]
    for path in paths:
        draw_file(figure, path)
    return paths


def draw_file(figure: Figure, path: Path) -> None:
    """Draw in the format that a file's name says. Raises OSError."""
    from matplotlib import rc_context

    kind = path.suffix.removeprefix(".")
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with rc_context({"svg.hashsalt": "archsim"}), replacing(path) as draft:
        figure.savefig(draft, format=kind, dpi=160, metadata=metadata)
