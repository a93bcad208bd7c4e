"""Plots of a sweep: the frontier for each pair of objectives, and which axis explains what, a row for each workload."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, Literal

from archsim.errors import ArchsimError
from archsim.explore.figures import FIGURES
from archsim.report.plots import write
from archsim.report.sweep_blocks import said
from archsim.units import format_si

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from archsim.explore.summary import Cloud

_INCHES: Final = 3.6
_MOST_PAIRS: Final = 6
_MOST_ROWS: Final = 6
"""Workloads that are drawn."""
_PREFIX_DIGITS: Final = 15
_DECADE: Final = 10.0
"""Values that span more than so many times have a logarithmic axis."""
_COLOURS: Final = ("#332288", "#DDCC77", "#117733", "#CC6677", "#88CCEE", "#882255", "#999933", "#44AA99", "#AA4499")
"""Paul Tol's "muted" scheme (SRON/EPS/TN/09-002), in an order in which neighbours differ in lightness."""
_TOGETHER: Final = "#DDDDDD"
_BEST: Final = "#2166ac"
_KNEE: Final = "#b2182b"
_Data = dict[str, Any]
Pair = tuple[int, int]


def plot_sweep(data: Mapping[str, Any], clouds: Sequence[Cloud], folder: Path) -> list[Path]:
    """Draw `pareto` and, of a grid, `sensitivity`; returns the files' paths. Raises ArchsimError.

    clouds: of each workload, the objectives of its points.
    """
    works = list(zip(data["workloads"], clouds, strict=True))
    shown = [(work, cloud) for work, cloud in works if work["frontier"]][:_MOST_ROWS]
    explained = [work for work, _ in works if any(_explained(work))][:_MOST_ROWS]
    figures: dict[str, Figure] = {}
    if shown:
        figures["pareto"] = _pareto(data, shown)
    if explained:
        figures["sensitivity"] = _shares(data, explained)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [path for name, figure in figures.items() for path in write(figure, folder / name)]
    except OSError as error:
        raise ArchsimError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _explained(work: _Data) -> Iterator[bool]:
    return (share is not None for each in work["sensitivity"] for share in each["share"].values())


def _names(data: Mapping[str, Any], works: Sequence[_Data]) -> list[str]:
    """What each row is of, where there are several workloads."""
    keys = said(data["workloads"])
    words = [{key: str(work["workload"][key]) for key in keys} for work in works]
    return [", ".join(text if key == "model" else f"{key} {text}" for key, text in each.items()) for each in words]


def _pareto(data: Mapping[str, Any], shown: Sequence[tuple[_Data, Cloud]]) -> Figure:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    objectives = [(text.split()[0], -1 if text.endswith("max") else 1) for text in data["objectives"]]
    pairs = list(combinations(range(len(objectives)), 2))[:_MOST_PAIRS] or [(0, 0)]
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(_INCHES * len(pairs) + 2, _INCHES * len(shown) + 0.4), layout="constrained")
        panels = figure.subplots(len(shown), len(pairs), squeeze=False)
        for row, (work, cloud), label in zip(panels, shown, _names(data, [work for work, _ in shown]), strict=True):
            for axes, pair in zip(row, pairs, strict=True):
                _scatter(axes, objectives, pair, work, cloud)
            row[0].set_title(label, loc="left", fontsize=9)
        figure.legend(*_legend(figure), frameon=False, loc="outside right upper")
        figure.suptitle(data["study"], x=0.01, ha="left", fontweight="bold")
    return figure


def _legend(figure: Figure) -> tuple[list[Any], list[str]]:
    """Each kind of point once, whichever panel has it."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def _scatter(axes: Axes, objectives: Sequence[tuple[str, int]], pair: Pair, work: _Data, cloud: Cloud) -> None:
    """All points, those of the frontier of all objectives, the knee; a staircase of the best of these two alone."""
    every = [*cloud.within, *cloud.beyond]
    scales = [_scale(objectives[at][0], [point[at] for point in every]) for at in pair]
    signs = objectives[pair[0]][1], objectives[pair[1]][1]

    def places(points: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
        (first, second), (one, other) = pair, (scale for scale, _ in scales)
        return [point[first] * one for point in points], [point[second] * other for point in points]

    if cloud.beyond:
        axes.scatter(*places(cloud.beyond), 14, c="0.8", marker="x", linewidths=0.8, label="outside the constraints")
    axes.scatter(*places(cloud.within), 10, c="0.6", linewidths=0, label="others")
    if pair[0] != pair[1]:
        stairs = _stairs(places(cloud.within), signs)
        way: Literal["steps-post", "steps-pre"] = "steps-post" if signs[0] > 0 else "steps-pre"
        x, y = [each[0] for each in stairs], [each[1] for each in stairs]
        axes.plot(x, y, drawstyle=way, color=_BEST, linewidth=0.8, label="best of two")
    front = [row["objectives"] for row in work["frontier"]]
    knee = [row["objectives"] for row in work["frontier"] if row["knee"]]
    axes.scatter(*places(front), 18, c=_BEST, linewidths=0, label="frontier of all objectives", zorder=3)
    axes.scatter(*places(knee), 80, c=_KNEE, marker="*", linewidths=0, label="knee", zorder=4)
    axes.set_xlabel(f"{objectives[pair[0]][0]}, {scales[0][1]}".rstrip(", "))
    axes.set_ylabel(f"{objectives[pair[1]][0]}, {scales[1][1]}".rstrip(", "))
    axes.set_xscale(_kind([point[pair[0]] for point in every]))
    axes.set_yscale(_kind([point[pair[1]] for point in every]))


def _kind(values: Sequence[float]) -> str:
    return "log" if 0 < _DECADE * min(values) < max(values) else "linear"


def _stairs(places: tuple[Sequence[float], Sequence[float]], signs: Pair) -> list[tuple[float, float]]:
    """The points that no other beats in two objectives, the first one rising; sign 1 where less is better."""
    kept: list[tuple[float, float]] = []
    for each in sorted(zip(*places, strict=True), key=lambda at: (signs[0] * at[0], signs[1] * at[1])):
        if not kept or signs[1] * each[1] < signs[1] * kept[-1][1]:
            kept.append(each)
    return sorted(kept)


def _scale(name: str, values: Sequence[float]) -> tuple[float, str]:
    """What to multiply by, and the unit, so that the largest value reads well."""
    figure, largest = FIGURES[name], max(values)
    if figure.dimension is None or not largest:
        return 1.0, figure.unit
    number, _, unit = format_si(largest, figure.unit, _PREFIX_DIGITS).rpartition(" ")
    return float(number) / largest, unit


def _shares(data: Mapping[str, Any], works: Sequence[_Data]) -> Figure:
    """For each objective a bar of first-order shares, one axis on the other; what is left up to 100 % is joint."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = [text.split()[0] for text in data["objectives"]]
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(3.2 + 1.2 * len(names), _INCHES * len(works) + 0.4), layout="constrained")
        panels = figure.subplots(len(works), 1, squeeze=False)[:, 0]
        for axes, work, label in zip(panels, works, _names(data, works), strict=True):
            _bars(axes, names, work["sensitivity"])
            axes.set_title(label, loc="left", fontsize=9)
        panels[0].legend(*_legend(figure), frameon=False, loc="upper left", bbox_to_anchor=(1, 1), reverse=True)
        figure.suptitle(data["study"], x=0.01, ha="left", fontweight="bold")
    return figure


def _bars(axes: Axes, names: Sequence[str], axis_shares: Sequence[_Data]) -> None:
    base = [0.0] * len(names)
    pieces = [(each["axis"], [100 * (each["share"][name] or 0.0) for name in names]) for each in axis_shares]
    for number, (name, heights) in enumerate(pieces):
        colour, hatch = _COLOURS[number % len(_COLOURS)], "///" if number >= len(_COLOURS) else ""
        axes.bar(range(len(names)), heights, 0.6, base, color=colour, hatch=hatch, label=name)
        base = [low + height for low, height in zip(base, heights, strict=True)]
    varies = [any(each["share"][name] is not None for each in axis_shares) for name in names]
    rest = [max(0.0, 100 - low) if moves else 0.0 for low, moves in zip(base, varies, strict=True)]
    axes.bar(range(len(names)), rest, 0.6, base, color=_TOGETHER, label="together")
    labels = [name if moves else f"{name}\n(constant)" for name, moves in zip(names, varies, strict=True)]
    axes.set_xticks(range(len(names)), labels)
    axes.set_ylabel("first-order share of the variance, %")
    axes.set_ylim(0, 100)
