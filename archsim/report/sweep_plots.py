"""Plots of a sweep: the frontier for each pair of objectives, and which axis explains what."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError
from archsim.explore.figures import FIGURES
from archsim.report.plots import write
from archsim.units import format_si

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCHES = 4.0
_MOST_PAIRS = 6
_PREFIX_DIGITS = 15


def plot_sweep(data: Mapping[str, Any], values: Sequence[Sequence[float]], folder: Path) -> list[Path]:
    """Draw `pareto` and, of a grid, `sensitivity`; returns the files' paths. Raises ArchsimError.

    values: the objectives of every point within the constraints, in SI units.
    """
    figures: dict[str, Figure] = {}
    if data["frontier"]:
        figures["pareto"] = _pareto(data, values)
    if any(share is not None for each in data["sensitivity"] for share in each["share"].values()):
        figures["sensitivity"] = _shares(data)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [path for name, figure in figures.items() for path in write(figure, folder / name)]
    except OSError as error:
        raise ArchsimError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _pareto(data: Mapping[str, Any], values: Sequence[Sequence[float]]) -> Figure:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = [text.split()[0] for text in data["objectives"]]
    front = [[row["figures"][FIGURES[name].field] for name in names] for row in data["frontier"]]
    knee = next(number for number, row in enumerate(data["frontier"]) if row["knee"])
    pairs = list(combinations(range(len(names)), 2))[:_MOST_PAIRS] or [(0, 0)]
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(_INCHES * len(pairs), _INCHES), layout="constrained")
        for axes, pair in zip(figure.subplots(1, len(pairs), squeeze=False)[0], pairs, strict=True):
            _scatter(axes, names, pair, (values, front, [front[knee]]))
        figure.axes[0].legend(frameon=False)
        figure.axes[0].set_title(data["study"], loc="left", fontweight="bold")
    return figure


def _scatter(
    axes: Axes, names: Sequence[str], pair: tuple[int, int], layers: Sequence[Sequence[Sequence[float]]]
) -> None:
    """All points, those of the frontier of all objectives, the knee."""
    looks = (("0.75", 8, "o", "all"), ("#2166ac", 18, "o", "frontier"), ("#b2182b", 70, "*", "knee"))
    scales = [_scale(names[at], [point[at] for point in layers[0]]) for at in pair]
    for points, (colour, size, marker, label) in zip(layers, looks, strict=True):
        x, y = ([point[at] * scale for point in points] for at, (scale, _) in zip(pair, scales, strict=True))
        axes.scatter(x, y, s=size, c=colour, marker=marker, label=label, linewidths=0)
    axes.set_xlabel(f"{names[pair[0]]}, {scales[0][1]}".rstrip(", "))
    axes.set_ylabel(f"{names[pair[1]]}, {scales[1][1]}".rstrip(", "))


def _scale(name: str, values: Sequence[float]) -> tuple[float, str]:
    """What to multiply by, and the unit, so that the largest value reads well."""
    figure, largest = FIGURES[name], max(values)
    if figure.dimension is None or not largest:
        return 1.0, figure.unit
    number, _, unit = format_si(largest, figure.unit, _PREFIX_DIGITS).rpartition(" ")
    return float(number) / largest, unit


def _shares(data: Mapping[str, Any]) -> Figure:
    """For each objective a bar of first-order shares, one axis on the other; what is left up to 100 % is joint."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    from archsim.report.colours import colours

    names = [text.split()[0] for text in data["objectives"]]
    found = colours([each["axis"] for each in data["sensitivity"]])
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(2.5 + 1.2 * len(names), _INCHES), layout="constrained")
        axes = figure.subplots()
        base = [0.0] * len(names)
        for each in data["sensitivity"]:
            heights = [100 * (each["share"][name] or 0.0) for name in names]
            axes.bar(range(len(names)), heights, 0.6, base, color=found[each["axis"]], label=each["axis"])
            base = [low + height for low, height in zip(base, heights, strict=True)]
        axes.set_xticks(range(len(names)), names)
        axes.set_ylabel("first-order share of the variance, %")
        axes.set_ylim(0, 100)
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
