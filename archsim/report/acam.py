"""Functions in analog CAMs as tables and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError
from archsim.report.blocks import Block, cell
from archsim.report.plots import draw_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_INCHES = (10.5, 3.4)


def error_blocks(data: Mapping[str, Any]) -> list[Block]:
    """Errors with other bits, and with noise of the stored bounds."""
    bits = tuple(
        (str(row["bits"]), str(row["rows"]), str(row["columns"]), f"{row['rms']:.3g}", f"{row['largest']:.3g}")
        for row in data["against_bits"]
    )
    noise = tuple((f"{row['sigma']:.1%}", f"{row['rms']:.3g}") for row in data["against_noise"])
    headers = ("bits", "rows", "columns", "rms error", "largest")
    return [
        Block("bits", "Error against bits", ">>>>>", bits, headers),
        Block("noise", "Error against noise of stored bounds", ">>", noise, ("of the range", "rms error")),
    ]


def plot_acam(
    name: str, curves: Sequence[tuple[str, Numbers, Numbers, Numbers]], data: Mapping[str, Any], path: Path
) -> None:
    """Draw a function and what is stored of it, and its errors.

    Parameters
    ----------
    name
        Of the function.
    curves
        Of each: a label, inputs, the function's values, stored values; of two variables, for some values of y.
    data
        With `against_bits` and `against_noise`.
    path
        Of a file, .svg or .png.

    Raises
    ------
    ArchsimError
        Where the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, 3))
    for label, x, exact, stored in curves:
        line = panels[0].plot(x, exact, linewidth=1, label=label)[0]
        panels[0].step(x, stored, where="mid", linewidth=0.8, linestyle="--", color=line.get_color())
    panels[0].set(xlabel="x", title=f"{cell(name)[:40]}; dashed: stored")
    if len(curves) > 1:
        panels[0].legend(fontsize=7)
    rows = data["against_bits"]
    panels[1].plot([row["bits"] for row in rows], [row["rms"] for row in rows], marker="o")
    panels[1].set(xlabel="bits", ylabel="rms error", yscale="log", title="against bits")
    noise = data["against_noise"]
    panels[2].plot([100 * row["sigma"] for row in noise], [row["rms"] for row in noise], marker="o")
    panels[2].set(xlabel="noise of bounds, % of the range", ylabel="rms error", title="against noise", ylim=0)
    try:
        draw_file(figure, path)
    except OSError as error:
        raise ArchsimError(f"{path}: {error.strerror}") from None
