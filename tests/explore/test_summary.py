"""What a sweep says of its points: a frontier for each workload, axes without effect, failures by reason."""

from pathlib import Path

from archsim.explore import sweep
from archsim.explore.sensitivity import changes
from archsim.report.plain import render_plain
from archsim.report.sweep_blocks import sweep_blocks
from tests.explore.small import STUDY, write

HEAD = "schema: archsim.study/1\nmachine: tiny.yaml\n"


def test_each_workload_has_its_own_frontier(tmp_path: Path) -> None:
    """Batches of 1 take less time and energy than those of 2: they beat none of them."""
    path = write(tmp_path, f"{HEAD}model: mlp-mnist\naxes: {{batch: [1, 2], modules.core.parts.adc: [4, 8]}}\n")
    found = sweep(path, tmp_path / "s.db", processes=1)
    assert [work["workload"]["batch"] for work in found["workloads"]] == [1, 2]
    assert [len(work["frontier"]) for work in found["workloads"]] == [2, 2]
    assert [sum(row["knee"] for row in work["frontier"]) for work in found["workloads"]] == [1, 1]
    assert found["design"] == ["modules.core.parts.adc"]
    assert all([each["axis"] for each in work["sensitivity"]] == found["design"] for work in found["workloads"])
    table = render_plain(sweep_blocks(found))
    assert "each has a frontier of its own" in table
    assert [line.split()[:4] for line in table.splitlines() if line.startswith("workload.")] == [
        ["workload.1", "2", "2", "2"],
        ["workload.2", "2", "2", "2"],
    ]


def test_a_frontier_on_the_worst_value_of_an_objective(tmp_path: Path) -> None:
    """Larger arrays, slower and frugal: of three objectives the area does not vary, and both points are on the edge."""
    axes = "axes: {size: {zip: {parts.xbar.rows: [64, 128], parts.xbar.cols: [64, 128]}}}\n"
    (work,) = sweep(write(tmp_path, f"{HEAD}model: mlp-mnist\n{axes}"), tmp_path / "s.db", processes=1)["workloads"]
    assert len(work["frontier"]) == 2
    assert work["hypervolume"]["objectives"] == ["latency", "energy"]
    assert work["hypervolume"]["share"] == 0.0


def test_an_axis_without_effect_and_equal_points_in_one_row(tmp_path: Path) -> None:
    """Bits of a converter whose costs are written down: nothing follows from them."""
    found = sweep(write(tmp_path), tmp_path / "s.db", processes=1)
    table = render_plain(sweep_blocks(found))
    assert "parts.adc.bits changes no objective here" in table
    rows = [line.split() for line in table.splitlines() if line.startswith("frontier.")]
    assert [row[row.index("mm²") + 1] for row in rows] == ["2", "2", "2"]
    assert all(" ".join(row).startswith(("frontier. 6 b | 8 b", "frontier.* 6 b | 8 b")) for row in rows)


def test_changes_by_hand() -> None:
    """The second axis changes the value at the first one's level 0 alone; of a third nothing is known."""
    values: dict[tuple[int, ...], tuple[float, ...]] = {(0, 0, 0): (1.0,), (0, 1, 0): (2.0,), (1, 0, 0): (1.0,)}
    assert [changes(values, axis) for axis in range(3)] == [False, True, None]


def test_failures_by_reason(tmp_path: Path) -> None:
    """3, 5 and 7 converters share no 256 columns: one reason, numbers aside."""
    path = write(tmp_path, STUDY.replace("{from: 4, to: 16, times: 2}", "[3, 4, 5, 7]"))
    found = sweep(path, tmp_path / "s.db", processes=1)
    (only,) = found["failures"]
    assert (only["points"], found["failed"]) == (6, 6)
    assert only["example"] == {"parts.adc.bits": "6 b", "modules.core.parts.adc": "3"}
    assert "takes 3" in only["reason"]


def test_constraints_that_exclude_all(tmp_path: Path) -> None:
    """The fastest of 6 points is beyond 1 ns; its latency is told."""
    found = sweep(write(tmp_path, STUDY + "constraints: [latency < 1 ns]\n"), tmp_path / "s.db", processes=1)
    (work,) = found["workloads"]
    (excluded,) = work["excluded"]
    assert (excluded["constraint"], excluded["points"]) == ("latency < 1 ns", 6)
    table = render_plain(sweep_blocks(found))
    (line,) = [line for line in table.splitlines() if line.startswith("excluded.")]
    assert line.split()[1:4] == ["6", "of", "6"]
    assert f"{1e9 * excluded['nearest']:.4g}" in line


def test_draws(tmp_path: Path) -> None:
    """9 strips over 6 points: some fall on each other."""
    path = write(tmp_path, STUDY + "sampling: {latin_hypercube: {number: 9, seed: 1}}\n")
    found = sweep(path, tmp_path / "s.db", processes=1)
    table = render_plain(sweep_blocks(found))
    assert (found["drawn"], found["points"] < 9) == (9, True)
    assert "9 asked for; the others fall on these" in table
    assert "shares of variance need a grid" in table


def test_more_random_points_than_there_are(tmp_path: Path) -> None:
    path = write(tmp_path, STUDY + "sampling: {random: {number: 9, seed: 1}}\n")
    found = sweep(path, tmp_path / "s.db", processes=1)
    assert "6 (9 asked for; there are no more)" in render_plain(sweep_blocks(found))
