"""Published figures: none may move by more than its stated tolerance, and the page says what the command says."""

import json
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.report.validation import as_markdown
from archsim.validation import summary, validate
from tests.end_to_end.command import archsim

PAGE = Path(__file__).resolve().parents[1] / "docs" / "validation" / "validation.md"


def test_figures_stay_within_their_tolerance_and_the_page_is_up_to_date() -> None:
    """All that is checked of the whole list in one test: making the list runs every machine.

    ISAAC's best design: 12 x 168 cores of 16,384 multiply-accumulates in 1.6 us, 41.3 TOP/s on 85.4 mm2 and 65.8 W.
    """
    rows = validate()
    missed = [f"{row.machine}: {row.figure}" for row in rows if row.status == "miss"]
    assert missed == ["pulp_aimc: crossbars with blocks packed"]
    for row in rows:
        if row.status == "pass":
            assert row.relative_error is not None
            assert row.tolerance is not None
            assert abs(row.relative_error) <= row.tolerance
        else:
            assert row.remark
    counted = summary(rows)
    assert counted["pass"] == sum(row.status == "pass" and row.basis == "predicted" for row in rows) >= 100
    assert counted["calibrated_or_identity"] == sum(row.basis != "predicted" for row in rows)
    found = {row.figure: row for row in rows if row.machine == "isaac"}
    assert found["peak rate for each area"].simulated == pytest.approx(2016 * 2 * 16384 / 1.6e-6 / 85.42, rel=1e-3)
    assert found["peak rate for each watt"].simulated == pytest.approx(2016 * 2 * 16384 / 1.6e-6 / 65.81, rel=1e-3)
    assert PAGE.read_text(encoding="utf-8") == as_markdown(rows, counted)


HEAD = "schema: archsim.validation/1\nmachine: isaac\nsource: a paper of mine\nmethod: guess\nfigures:\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "{figure: f, group: layers, published: 1 W, measure: power cor, tolerance: 0.1}",
            "no such part or module: 'cor'",
        ),
        (
            "{figure: f, group: layers, published: 1 W, measure: pwer core, tolerance: 0.1}",
            "measure: found 'pwer core'.",
        ),
        ("{figure: f, group: layers, published: much, measure: power core, tolerance: 0.1}", "published: found 'much'"),
        ("{figure: f, group: layers, published: 1 W, measure: power core}", "needs a 'measure' and a 'tolerance'"),
        ("{figure: f, group: layer, published: 1 W}", "group: found 'layer'; expected"),
    ],
)
def test_a_wrong_file_has_its_place(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"{HEAD}  - {line}\n")
    with pytest.raises(ArchsimError) as caught:
        validate(path)
    assert str(caught.value).startswith(f"{path}:6:")
    assert message in str(caught.value)


def test_a_file_of_one_s_own_and_json(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        f"{HEAD}  - {{figure: f, group: layers, published: 1 W, measure: power chip, tolerance: 0.1}}\n"
    )
    done = archsim("validate", "mine.yaml", "--json", folder=tmp_path)
    (row,) = json.loads(done.stdout)
    assert (row["status"], row["published"], round(row["simulated"], 1)) == ("miss", 1.0, 65.8)
    keys = {"figure", "group", "source", "method", "basis", "published", "simulated", "relative_error", "tolerance"}
    assert keys < set(row)
    printed = archsim("validate", "mine.yaml", "--out", "page", folder=tmp_path)
    assert "summary.pass" in printed.stdout
    assert (tmp_path / "page" / "validation.md").is_file()


def test_a_figure_of_a_run(tmp_path: Path) -> None:
    """The same figures as `archsim run`; the interval is what one input more takes."""
    run = "run: {model: bert-tiny, seq: 8, batch: 2}"
    (tmp_path / "mine.yaml").write_text(
        HEAD
        + "".join(
            f"  - {{figure: {name}, group: end to end, published: {of}, measure: {name}, {run}, tolerance: 0.9}}\n"
            for name, of in {
                "latency": "1 us",
                "interval": "1 us",
                "energy": "1 uJ",
                "rate": "1 GOP/s",
                "time of layer 0/qkv": "1 us",
                "energy of layer 0/qkv": "1 nJ",
            }.items()
        )
    )
    done = archsim("validate", "mine.yaml", "--json", folder=tmp_path)
    got = {row["figure"]: row["simulated"] for row in json.loads(done.stdout)}
    ran = {
        batch: json.loads(archsim("run", "isaac", "bert-tiny", "--seq", "8", "--batch", batch, "--json").stdout)
        for batch in ("2", "4")
    }
    assert got["latency"] == ran["2"]["latency_s"]
    assert got["interval"] == pytest.approx((ran["4"]["latency_s"] - ran["2"]["latency_s"]) / 2)
    (query,) = (row for row in ran["2"]["operators"] if row["operator"] == "layer 0/qkv")
    assert got["time of layer 0/qkv"] == pytest.approx(query["end_s"] - query["start_s"])
    assert 2 * sum(row["macs"] for row in ran["2"]["operators"]) == ran["2"]["ops"]
    static = ran["2"]["energy_by_part_j"]["static"]
    assert sum(row["energy_j"] for row in ran["2"]["operators"]) + static == pytest.approx(ran["2"]["energy_j"])
