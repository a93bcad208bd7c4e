"""Comparisons as a plot: a column of panels for each reference, speed-up above energy ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError
from archsim.report.plots import write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

_BOTH = (
    ("speed_up", "speed-up", "published_speed_up", "latency_error"),
    ("energy_ratio", "energy ratio", "published_energy_ratio", "energy_error"),
)
"""Of a ratio: its key, label, what a paper prints; of its reference's row the error against what was measured."""


def plot_compare(ratios: Sequence[Mapping[str, Any]], folder: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Draw `compare` in a folder; the files' paths. Bars grow from 1, up where a machine is better.

    Diamonds: over what was measured of the reference, where `rows` have that; crosses: what papers print.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    references = list(dict.fromkeys(row["relative_to"] for row in ratios))
    titles = list(dict.fromkeys(_job(row) for row in ratios))
    wide = 1.2 + (0.8 + 0.9 * len(titles)) * len(references)
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(max(5.0, wide), 6), layout="constrained")
        panels = figure.subplots(2, max(1, len(references)), sharex=True, sharey="row", squeeze=False)
        for column, reference in enumerate(references):
            mine = [row for row in ratios if row["relative_to"] == reference]
            wrong = {_job(row): row for row in rows if row["name"] == reference}
            panels[0][column].set_title(f"over {reference}", fontsize=9)
            for axes, keys in zip(panels[:, column], _BOTH, strict=True):
                _panel(axes, mine, titles, keys, wrong)
        for axes, keys in zip(panels[:, 0], _BOTH, strict=True):
            axes.set_ylabel(keys[1])
        handles, labels = _legend(panels.ravel().tolist())
        marks = dict(zip(labels, handles, strict=True))
        widest = 0.7 + 0.08 * max((len(label) for label in marks), default=1)  # inches at this size of letters
        columns = max(1, min(len(marks), int(max(5.0, wide) / widest)))
        figure.legend(marks.values(), marks.keys(), frameon=False, ncols=columns, loc="outside upper center")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write(figure, folder / "compare")
    except OSError as error:
        raise ArchsimError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _job(row: Mapping[str, Any]) -> str:
    return f"{row['model']}, {row['phase']}, batch {row['batch']}"


def _panel(
    axes: Axes,
    ratios: Sequence[Mapping[str, Any]],
    titles: Sequence[str],
    keys: tuple[str, str, str, str],
    wrong: Mapping[str, Mapping[str, Any]],
) -> None:
    key, _, published, error = keys
    names = list(dict.fromkeys(row["name"] for row in ratios))
    wide = 0.8 / max(1, len(names))
    diamonds, crosses = [], []
    for place, name in enumerate(names):
        rows = [row for row in ratios if row["name"] == name]
        at = [titles.index(_job(row)) + (place - (len(names) - 1) / 2) * wide for row in rows]
        axes.bar(at, [row[key] - 1 for row in rows], wide, bottom=1, label=name)
        off = [wrong[_job(row)].get(error) for row in rows]
        diamonds += [(x, row[key] / (1 + by)) for x, row, by in zip(at, rows, off, strict=True) if by is not None]
        crosses += [(x, row[published]) for x, row in zip(at, rows, strict=True) if row[published]]
    for points, mark, label in ((diamonds, "kD", "over what was measured"), (crosses, "kx", "published")):
        if points:
            axes.plot(*zip(*points, strict=True), mark, markersize=4, label=label)
    axes.axhline(1, color="0.5", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xticks(range(len(titles)), [title.replace(", ", "\n") for title in titles])


def _legend(panels: Sequence[Axes]) -> tuple[list[Any], list[str]]:
    found = [axes.get_legend_handles_labels() for axes in panels]
    return [handle for handles, _ in found for handle in handles], [label for _, labels in found for label in labels]
