"""Results in Python: what they print, their HTML, their frames."""

from dataclasses import replace
from pathlib import Path

import pytest

from archsim import Result, load_machine, load_model, load_result, simulate
from archsim.errors import ArchsimError, UsageError
from archsim.result import save


@pytest.fixture(scope="module")
def result() -> Result:
    return simulate(load_machine("isaac"), load_model("bert-base"), seq=4)


def test_a_result_prints_its_figures(result: Result) -> None:
    rows = dict(line.split("  ", 1) for line in str(result).splitlines())
    assert rows["job"].strip() == "bert-base on isaac, prefill, 4 tokens, batch 1, chips 3"
    assert rows["latency"].strip().endswith("µs")
    assert rows["bottleneck"].strip() == result.bottleneck
    assert "core.adc" in rows["energy by part"]


def test_html_shows_the_same_and_escapes(result: Result) -> None:
    html = replace(result, model="<b>")._repr_html_()
    assert "&lt;b&gt; on isaac" in html
    assert "<b>" not in html
    assert html.count("<table>") == html.count("</table>") == 3


def test_frames_have_a_row_each_and_shares(result: Result) -> None:
    frame = result.frame()
    assert list(frame.columns) == ["energy_j", "share"]
    assert frame.index.name == "part"
    assert frame.loc["core.adc", "energy_j"] == result.energy_by_part_j["core.adc"]
    assert frame["share"].sum() == pytest.approx(1)
    waiting = result.frame("waiting_by_operator_s")
    assert list(waiting.columns) == ["data_s", "server_s", "space_s"]
    assert waiting.loc["qkv", "server_s"] == result.waiting_by_operator_s["qkv"]["server"]
    assert len(result.breakdowns()) == 8


def test_an_unknown_breakdown_is_helped(result: Result) -> None:
    with pytest.raises(UsageError, match=r"found breakdown 'energy_by_prt_j'\. Did you mean 'energy_by_part_j'\?"):
        result.frame("energy_by_prt_j")


def test_a_saved_result_comes_back_whole(result: Result, tmp_path: Path) -> None:
    save.save(result.to_dict(), tmp_path, {})
    assert load_result(tmp_path) == result
    (tmp_path / "result.json").write_text('{"schema": "archsim.result/1"}')
    with pytest.raises(
        ArchsimError, match="has no 'machine'; expected a result of this version of archsim: run it again"
    ):
        load_result(tmp_path)


def test_machines_and_models_print_a_line() -> None:
    assert repr(load_machine("isaac")).startswith("<Machine isaac: ")
    assert repr(load_model("bert-base")) == "<Graph bert-base: 148 operators, 109,482,240 parameters>"
