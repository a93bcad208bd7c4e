"""A profile as tables, as CSV, and as a map of blocks by projections."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError, UsageError
from archsim.report.blocks import Block, spread
from archsim.report.plots import draw_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_SMALLEST, _SHADES = 1e-12, 1000
"""The largest change that a colour stands for is at least the one, and so many times the smallest."""
_DARK = 12
"""What is above this share of the largest, one of so many, is so dark that its number is white."""
_BELOW: dict[str, Any] = {"facecolor": "#9ecae1", "edgecolor": "#08519c", "hatch": "////", "linewidth": 0}
_INCHES_A_COLUMN, _INCHES_A_BLOCK = 1.0, 0.35


def profile_blocks(data: Mapping[str, Any]) -> list[Block]:
    """Head, projections by rank, and how far the ranks can be trusted."""
    base, every = data["baseline"], data["all_analog"]
    head = (
        ("machine", data["machine"]),
        ("model", data["model"]),
        ("tokens", str(data["tokens"])),
        ("seeds", str(data["seeds"])),
        ("ppl_float", f"{base['ppl']:.4f}"),
        ("delta_ppl_all_analog", spread(*every["delta_ppl"].values())),
    )
    causes = [cause for cause in data["projections"][0]["causes"] if cause != "all"]
    rows = []
    for row in data["projections"]:
        ppl, nll = row["delta_ppl"], row["delta_nll"]
        alone = (f"{row['causes'][cause]['delta_ppl']['mean']:.4f}" for cause in causes)
        both = spread(*ppl.values()), _trusted(nll["mean"], nll["stderr"])
        rows.append((str(row["rank"]), row["key"], *both, *alone))
    headers = ("rank", "projection", "delta ppl", "delta NLL", *(f"{cause} alone" for cause in causes))
    trust = [("halves of the seeds", data["stability"]), *data["correlations"].items()]
    agreements = tuple((name, *(_signed(each[kind]) for kind in ("kendall", "spearman"))) for name, each in trust)
    return [
        Block("", "", "<w", head, keyed=False),
        Block("profile", "Change when one projection is analog", "><>>" + ">" * len(causes), tuple(rows), headers),
        Block("ranks", "Rank correlation", "<>>", agreements, ("with", "Kendall", "Spearman")),
    ]


def _trusted(mean: float, error: float | None) -> str:
    return spread(mean, 0.0, 1) if error is None else spread(mean, error)


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def profile_csv(data: Mapping[str, Any]) -> str:
    """A row for each projection, by rank."""
    rows = []
    for row in data["projections"]:
        plain = {name: row[name] for name in ("rank", "key", "block", "macs_per_token", "weights")}
        figures = {f"delta_ppl_{name}": value for name, value in row["delta_ppl"].items()}
        figures |= {f"delta_nll_{name}": value for name, value in row["delta_nll"].items()}
        for cause, each in row["causes"].items():
            figures |= {f"{cause}_{name}": each[name]["mean"] for name in ("delta_ppl", "delta_nll")}
        rows.append(plain | figures | row["proxies"])
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def check_suffix(path: Path, option: str, kinds: Sequence[str]) -> None:
    """Refuse a file whose format is unknown. Raises UsageError."""
    known = [f".{kind}" for kind in kinds]
    if path.suffix not in known:
        raise UsageError(f"{option} {path}: expected a name that ends in {' or '.join(known)}")


def plot_profile(data: Mapping[str, Any], path: Path) -> None:
    """Draw the change of perplexity, blocks by projections. Raises ArchsimError where it cannot be written."""
    try:
        draw_file(profile_map(data), path)
    except OSError as error:
        raise ArchsimError(f"{path}: cannot be written: {error.strerror or error}") from error


_PARTS = ("qkv", "attention output", "ffn gate", "ffn up", "ffn down", "logits")
"""Columns, in the order of a block's work; others stand behind them."""


def profile_map(data: Mapping[str, Any]) -> Figure:
    """Colours are logarithmic, darker for more; what is less than a thousandth of the largest is as the lowest.

    What is below 0 has a colour of its own, and stripes, which grey print keeps apart too.
    """
    import numpy as np
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    found = {(row["block"], row["key"].partition("/")[2]): row["delta_ppl"]["mean"] for row in data["projections"]}
    present = dict.fromkeys(name for _, name in found)
    names = [name for name in dict.fromkeys((*_PARTS, *present)) if name in present]
    depth = max(block for block, _ in found)
    values = np.array([[found.get((block, name), np.nan) for name in names] for block in range(depth + 1)])
    size = 2.2 + _INCHES_A_COLUMN * len(names), 1.4 + _INCHES_A_BLOCK * (depth + 1)
    with rc_context({"font.size": 9}):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        _cells(figure, axes, values)
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
        axes.set_yticks(range(depth + 1), [*map(str, range(depth)), "head"])
        axes.set_ylabel("block")
        axes.set_xlabel("the projection that is analog")
        axes.set_title(f"{data['model']} on {data['machine']}", loc="left", fontweight="bold")
        axes.spines[:].set_visible(False)
    return figure


def _cells(figure: Figure, axes: Axes, values: NDArray[np.float64]) -> None:
    import numpy as np
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    top = max(float(np.nanmax(values)), _SMALLEST)
    low = top / _SHADES
    worse = np.where(values < 0, np.nan, np.maximum(values, low))
    shown = axes.imshow(worse, cmap="YlOrRd", norm=LogNorm(low, top), aspect="auto")
    for (block, column), value in np.ndenumerate(values):
        if value < 0:
            axes.add_patch(Rectangle((column - 0.5, block - 0.5), 1, 1, **_BELOW))
        if not np.isnan(value):
            colour = "white" if value > top / _DARK else "black"
            back = {"facecolor": "white", "edgecolor": "none", "pad": 1} if value < 0 else None
            axes.text(column, block, f"{value:.2g}", ha="center", va="center", color=colour, bbox=back)
    if (values < 0).any():
        figure.legend(handles=[Rectangle((0, 0), 1, 1, label="change below 0", **_BELOW)], loc="outside upper right")
    if (values >= 0).any():
        figure.colorbar(shown, ax=axes, label="change of perplexity")
