"""Ratios that papers print, and the page that puts archsim's beside them."""

from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.gpu.published import load as load_printed
from archsim.gpu.published import printed, published
from archsim.gpu.rivals import rivals
from archsim.resources import find
from archsim.validation import validate
from scripts import papers_ratios


def test_printed_ratios_fit_machine_reference_model_and_inputs() -> None:
    def speed_up(machine: str, over: str, model: str, batch: int = 1, *, gpu: bool = True) -> float | None:
        found = printed(machine, over, model, batch, gpu=gpu)
        return None if found is None or found[1].speed_up is None else float(found[1].speed_up)

    assert speed_up("race_it_v1", "T4", "bert-base") == 10.7
    assert speed_up("race_it_v1", "isaac", "bert-base", gpu=False) == 5.9
    assert speed_up("nl_dpe", "H100 SXM", "bert-base") == 112
    assert speed_up("nl_dpe", "H100 SXM", "bert-base", batch=8) == 249
    assert speed_up("nl_dpe", "H100 SXM", "gpt2", batch=8) is None
    assert speed_up("isaac", "H100 SXM", "bert-base") is None


def test_a_wrong_file_of_ratios_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    head = "schema: archsim.ratios/1\nmachine: isaac\nsource: {}\nratios:\n  - {{over: {}, of: all, hangs_on: all}}\n"
    path.write_text(head.format("shafiee2016isaac", "gpus"))
    with pytest.raises(ArchsimError, match=r"mine.yaml:5:12  ratios\[0\].over: found 'gpus'; expected"):
        load_printed(path)
    path.write_text(head.format("shafiee2061isaac", "gpu"))
    with pytest.raises(ArchsimError, match=r"mine.yaml:3:9  source 'shafiee2061isaac' is not in the bibliography"):
        load_printed(path)


def test_validation_lists_the_same_figures_of_race_it_as_not_derivable() -> None:
    listed = {
        (row.machine, row.published)
        for row in validate(find("hw_configs") / "validation" / "race_it.yaml")
        if row.status == "not_derivable"
    }
    files = [file for file in published() if file.machine.startswith("race_it")]
    kept = {
        (file.machine, float(value))
        for file in files
        for each in file.ratios
        for value in (each.speed_up, each.energy)
        if value is not None
    }
    assert kept == listed
    assert len(kept) == 8


def test_the_page_s_comparison_is_what_runs_give() -> None:
    """One cell without a GPU: speed-up, energy ratio and the ratio at equal area of `race_it` over `isaac`."""
    page = papers_ratios.PAGE.read_text(encoding="utf-8").split("<!-- comparison: begin -->")[1]
    head, *rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    row = next(row for row in rows if row[:2] == ["| race_it", "bert-base, prefill"])
    found = papers_ratios.related(rivals(["race_it"], [], ["isaac"], ()), "bert-base", ["prefill"])
    assert row[head.index("isaac")] == papers_ratios.row(found, ["isaac"])
