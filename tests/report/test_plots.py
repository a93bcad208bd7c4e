"""Plots: the same bytes each time, one colour a part, nothing lost from a bar."""

from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.report.colours import colours, hatches
from archsim.report.plots import plot
from tests.report.samples import sample_result

NAMES = ["energy.svg", "energy.png", "latency.svg", "latency.png", "area.svg", "area.png"]


@pytest.mark.parametrize("runs", [1, pytest.param(2, marks=pytest.mark.slow), 3])
def test_figures_are_the_same_bytes_each_time(tmp_path: Path, runs: int) -> None:
    results = [sample_result(operators=5 * n + 1) | {"seq": 64 * n} for n in range(runs)]
    first = plot(results, tmp_path / "a" / "b")
    again = plot(results, tmp_path / "c")
    assert [path.name for path in first] == NAMES
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert one.read_bytes()[:5] == (b"<?xml" if one.suffix == ".svg" else b"\x89PNG\r")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == sorted(NAMES)


def test_what_tells_runs_apart_stands_below_their_bars(tmp_path: Path) -> None:
    results = [sample_result() | {"seq": seq} for seq in (128, 512)] + [sample_result() | {"seq": 512}]
    svg = plot(results, tmp_path)[0].read_text()
    for text in ("seq 128", "seq 512", "(2)", "(3)"):
        assert f"<!-- {text} -->" in svg
    assert "<!-- batch" not in svg


def test_a_part_has_one_colour_everywhere_and_no_other_has_it() -> None:
    some, more = colours(["core.adc", "tile.bus"]), colours(["x.mine", "core.xbar", "tile.adc", "core.adc"])
    assert some["core.adc"] == more["tile.adc"] == more["core.adc"]
    every = colours([f"m.part{number}" for number in range(8)] + ["core.adc", "core.xbar"])
    assert len(set(every.values())) == len(every)


def test_parts_of_one_colour_differ_in_pattern() -> None:
    patterns = hatches(colours(["core.adc", "tile.adc", "chip.adc", "core.dac"]))
    assert len({patterns[name] for name in ("core.adc", "tile.adc", "chip.adc")}) == 3
    assert not patterns["core.dac"]


def test_many_parts_are_folded_into_one_and_nothing_is_lost(tmp_path: Path) -> None:
    """300 parts of 1 mJ: the bar's height is written above it."""
    result = sample_result() | {"energy_by_part_j": {f"m.p{n}": 1e-3 for n in range(300)}}
    svg = plot([result], tmp_path)[0].read_text()
    assert "<!-- 300 -->" in svg
    assert "<!-- other -->" in svg


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchsimError, match="cannot be written"):
        plot([sample_result()], tmp_path / "file" / "below")
