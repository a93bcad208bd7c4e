"""ISAAC's design space: the best core for each watt is the paper's; for each area it is not, as docs/sweeps.md says."""

from pathlib import Path

from archsim.explore import frame, sweep
from archsim.resources import find

KEYS = ["parts.xbar.rows", "modules.core.parts.xbar", "modules.core.parts.adc"]


def test_the_best_cores(tmp_path: Path) -> None:
    """With 12 cores a tile: 36 points, of which those with the largest registers are too large for the paper's."""
    text = (find("workloads/studies") / "isaac.yaml").read_text()
    text = text.replace("modules.tile.parts.core: [4, 8, 12, 16]", "modules.tile.parts.core: 12")
    (tmp_path / "isaac.yaml").write_text(text)
    sweep(str(tmp_path / "isaac.yaml"), str(tmp_path / "isaac.db"), processes=1)
    points = frame(tmp_path / "isaac.db")
    assert len(points) == 36
    done = points[points["state"] == "done"]
    names = ("peak_tops_per_w", "peak_tops_per_mm2")
    best = {name: done.loc[done[name].idxmax(), KEYS].astype(int).tolist() for name in names}
    assert best == {"peak_tops_per_w": [128, 8, 8], "peak_tops_per_mm2": [256, 4, 8]}
