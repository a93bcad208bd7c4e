"""Whole sweeps: the same store whoever computes it, resumed, exported."""

import csv
import json
from pathlib import Path

import pytest

import archsim
from archsim.explore import frame
from archsim.explore import sweep as sweep_here
from tests.explore.small import STUDY, figures, rows, sweep, write


def test_a_study_by_hand(tmp_path: Path) -> None:
    """Each point is what `simulate` says of the same machine; 16 converters are fastest, 4 smallest."""
    write(tmp_path)
    done = sweep(tmp_path, "--processes", "1", "--json")
    assert done.stderr.splitlines()[0] == "6 points: 0 done before, 6 to run"
    assert done.stderr.splitlines()[1].startswith("about ")
    found = json.loads(done.stdout)
    assert (found["points"], found["done"], found["failed"]) == (6, 6, 0)
    (work,) = found["workloads"]
    assert work["workload"] == {"model": "mlp-mnist", "phase": "prefill", "seq": 1, "new_tokens": 0, "batch": 1}
    assert [row["values"]["modules.core.parts.adc"] for row in work["frontier"]] == ["16", "16", "8", "8", "4", "4"]
    assert sum(row["knee"] for row in work["frontier"]) == 1
    assert 0 < work["hypervolume"]["share"] < 1
    assert found["unchanging"] == ["parts.adc.bits"]
    share = {each["axis"]: each["share"] for each in work["sensitivity"]}
    assert share["modules.core.parts.adc"]["latency"] == pytest.approx(1)
    assert share["parts.adc.bits"]["latency"] == pytest.approx(0, abs=1e-12)
    model = archsim.load_model("mlp-mnist")
    kept = figures(tmp_path / "study.db")
    assert len(kept) == 6
    for each in kept:
        number = each["modules.core.parts.adc"]
        settings = [f"modules.core.parts.adc={number}", f"parts.adc.bits={each['parts.adc.bits']}"]
        machine = archsim.load_machine(tmp_path / "tiny.yaml", settings)
        result = archsim.simulate(machine, model)
        assert each["latency_s"] == result.latency_s
        assert each["area_m2"] == result.area_m2
        assert each["machine_digest"] == machine.digest
        assert each["bottleneck"] == result.bottleneck


def test_one_process_two_and_a_cluster_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path)
    ways = (("--processes", "1"), ("--processes", "2"), ("--cluster", "local:2"))
    tables = []
    for number, way in enumerate(ways):
        done = sweep(tmp_path, *way, "--out", f"{number}.db", "--export", f"{number}.csv")
        assert done.returncode == 0, done.stderr
        tables.append((done.stdout, (tmp_path / f"{number}.csv").read_bytes(), rows(tmp_path / f"{number}.db")))
    assert tables[0] == tables[1] == tables[2]


def test_going_on_runs_only_what_is_new(tmp_path: Path) -> None:
    path = write(tmp_path)
    sweep(tmp_path)
    before = rows(tmp_path / "study.db")
    again = sweep(tmp_path)
    assert again.stderr.splitlines() == ["6 points: 6 done before, 0 to run"]
    assert rows(tmp_path / "study.db") == before
    path.write_text(STUDY.replace("to: 16", "to: 32").replace("6 b, ", ""))
    more = sweep(tmp_path)
    assert more.stderr.splitlines()[0] == "4 points: 3 done before, 1 to run"
    after = rows(tmp_path / "study.db")
    assert len(after) == 7
    assert {key: after[key] for key in before} == before


def test_a_changed_machine_is_another_one(tmp_path: Path) -> None:
    write(tmp_path)
    sweep(tmp_path)
    file = tmp_path / "tiny.yaml"
    file.write_text(file.read_text().replace("rate: 1 GHz}, power: 2 mW", "rate: 1 GHz}, power: 3 mW"))
    assert sweep(tmp_path).stderr.splitlines()[0] == "6 points: 0 done before, 6 to run"


def test_words_that_mean_the_same_job_are_one_point(tmp_path: Path) -> None:
    """128 positions are usual: saying so changes no key."""
    study = "schema: archsim.study/1\nmachine: tiny.yaml\nmodel: bert-tiny\n"
    path = write(tmp_path, study)
    sweep(tmp_path)
    path.write_text(f"{study}axes: {{seq: [128, 16], phase: prefill}}\n")
    assert sweep(tmp_path).stderr.splitlines()[0] == "2 points: 1 done before, 1 to run"


def test_points_that_cannot_be_have_their_reasons(tmp_path: Path) -> None:
    write(tmp_path, STUDY.replace("{from: 4, to: 16, times: 2}", "[3, 4]") + "constraints: [latency < 1 us]\n")
    done = sweep(tmp_path, "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert (found["points"], found["done"], found["failed"], found["within_constraints"]) == (4, 2, 2, 2)
    assert "'xbar' gives 256 lanes, 'adc' takes 3" in found["failures"][0]["reason"]
    write(tmp_path, STUDY + "constraints: [latency < 1 ns]\n")
    none = json.loads(sweep(tmp_path, "--json").stdout)
    (work,) = none["workloads"]
    assert (none["within_constraints"], work["frontier"], work["hypervolume"]) == (0, [], None)


def test_several_machines_models_and_jobs(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "schema: archsim.study/1\nmachine: [tiny.yaml, isaac]\nmodel: [bert-tiny, mlp-mnist]\n"
        "axes: {batch: [1, 2]}\nsampling: {random: {number: 5, seed: 1}}\nobjectives: [throughput, energy]\n",
    )
    found = sweep_here(path, tmp_path / "s.db", processes=1)
    assert (found["points"], found["done"], found["failed"]) == (5, 5, 0)
    assert all(each["share"]["energy"] is None for work in found["workloads"] for each in work["sensitivity"])
    table = frame(tmp_path / "s.db")
    assert list(table["state"]) == ["done"] * 5
    assert set(table["machine"]) == {"tiny.yaml", "isaac"}


def test_exports(tmp_path: Path) -> None:
    write(tmp_path)
    sweep(tmp_path, "--export", "points.csv", "--plot", "plots")
    with (tmp_path / "points.csv").open() as stream:
        found = list(csv.DictReader(stream))
    assert [row["modules.core.parts.adc"] for row in found] == ["4", "8", "16"] * 2
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {
        f"{name}.{kind}" for name in ("pareto", "sensitivity") for kind in ("svg", "png")
    }
    sweep(tmp_path, "--export", "points.parquet")
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    table = pandas.read_parquet(tmp_path / "points.parquet")
    assert list(table["latency_s"]) == [float(row["latency_s"]) for row in found]
    assert list(frame(tmp_path / "study.db")["latency_s"]) == list(table["latency_s"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--export", "points.txt"), "expected a name that ends in .csv or .parquet"),
        (("--cluster", "here"), "expected tcp://HOST:PORT, or local:N"),
        (("--cluster", "localhost:8786"), "Try tcp://localhost:8786"),
        (("--cluster", "local:0"), "N from 1"),
        (("--cluster", "local:2", "--processes", "2"), "not both"),
        (("--processes", "0"), "expected a whole number from 1"),
    ],
)
def test_misused_options(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    write(tmp_path)
    done = sweep(tmp_path, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / "study.db").exists()
