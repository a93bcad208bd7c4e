"""Plots of a serving result: queue and memory over time; latency against load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError
from archsim.report.plots import write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

_SIZE = (6.4, 3.0)


def plot_serving(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw `serving` (over time) and, where rates were tried, `load`; returns the files' paths."""
    figures = {"serving": _over_time(result)}
    if result.get("curve"):
        figures["load"] = _load(result["curve"], result["saturation_rate"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [path for name, figure in figures.items() for path in write(figure, folder / name)]
    except OSError as error:
        raise ArchsimError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _over_time(result: Mapping[str, Any]) -> Figure:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    timeline = result["timeline"]
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(_SIZE[0], 2 * _SIZE[1]), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True)
        upper.plot(timeline["time_s"], timeline["queued"], color="#b2182b", label="waiting")
        upper.plot(timeline["time_s"], timeline["in_machine"], color="#2166ac", label="in the machine")
        upper.set_ylabel("requests")
        upper.legend(frameon=False)
        lower.plot(timeline["time_s"], timeline["kept_tokens"], color="#1b7837")
        if result["kv"]["tokens_that_fit"] is not None:
            lower.axhline(result["kv"]["tokens_that_fit"], color="0.5", linestyle=":", label="tokens that fit")
            lower.legend(frameon=False)
        lower.set_ylabel("tokens kept")
        lower.set_xlabel("time, s")
        upper.set_title(f"{result['model']} on {result['machine']}", loc="left", fontweight="bold")
    return figure


def _load(points: Sequence[Mapping[str, Any]], saturation: float) -> Figure:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    rates = [point["rate"] for point in points]
    with rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.subplots()
        for key, label, colour in (
            ("p95_s", "end to end, p95", "#b2182b"),
            ("mean_s", "end to end, mean", "#ef8a62"),
            ("first_token_mean_s", "first token, mean", "#2166ac"),
        ):
            axes.plot(rates, [point[key] for point in points], marker="o", markersize=3, color=colour, label=label)
        axes.axvline(saturation, color="0.5", linestyle=":", label="the entry is always taken")
        axes.set_yscale("log")
        axes.set_xscale("log")
        axes.set_xlabel("requests/s")
        axes.set_ylabel("s")
        axes.legend(frameon=False)
    return figure
