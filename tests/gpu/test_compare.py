"""Machines and GPUs side by side, through the command line too."""

import json
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.gpu.compare import compare, jobs
from archsim.gpu.load import load_gpu
from archsim.gpu.ratios import ratios
from archsim.graph import load_model
from archsim.machine import load_machine
from archsim.simulation import simulate
from tests.end_to_end.command import archsim


def test_ratios_are_those_of_the_rows() -> None:
    """Throughput per area: 3 H100s' worth of area takes as many copies of a machine as fit into it."""
    isaac, gpu, bert = load_machine("isaac"), load_gpu("h100"), load_model("bert-base")
    (job,) = jobs(bert, 16, 0, [2])
    rows = compare([isaac], [gpu, load_gpu("t4")], bert, job, precision="fp16")
    alone = simulate(isaac, bert, seq=16, batch=2)
    assert (rows[0].latency_s, rows[0].energy_j) == (alone.latency_s, alone.energy_j)
    assert rows[1].per_s == pytest.approx(32 / rows[1].latency_s)
    assert [row.basis for row in rows] == ["simulated", "fitted on products", "specification"]
    over_h100, over_t4 = ratios(rows, ["isaac"], ["H100 SXM", "T4"], ["H100 SXM", "T4"])
    assert (over_h100.relative_to, over_t4.relative_to) == ("H100 SXM", "T4")
    assert over_h100.speed_up == pytest.approx(rows[1].latency_s / rows[0].latency_s)
    assert over_t4.energy_ratio == pytest.approx(rows[2].energy_j / rows[0].energy_j)
    copies = rows[1].area_mm2 / rows[0].area_mm2
    assert over_h100.at_equal_area == pytest.approx(copies * over_h100.speed_up)
    assert [(job.phase, job.batch) for job in jobs(load_model("gpt2"), 8, 2, [1, 4])] == [
        ("prefill", 1), ("prefill", 4), ("decode", 1), ("decode", 4)
    ]  # fmt: skip


def test_a_model_with_a_length_of_its_own_takes_no_other() -> None:
    assert [job.seq for job in jobs(load_model("lenet-5"), 128, 8, [1])] == [1]


def test_what_cannot_run_says_why() -> None:
    model = load_model("gpt-neox-20b")
    (job, *_) = jobs(model, 8, 1, [1])
    rows = compare([], [load_gpu("t4"), load_gpu("h100")], model, job, precision="fp16")
    assert rows[0].why == "its memory of 17 GB does not hold 41 GB of weights"
    assert ratios(rows, ["T4"], ["H100 SXM"], ["H100 SXM"]) == []
    assert ratios(rows, ["H100 SXM"], ["T4", "H100 SXM"], []) == []
    with pytest.raises(ArchsimError, match="T4: its memory of 17 GB"):
        ratios(rows, ["H100 SXM"], ["T4"], [])
    with pytest.raises(ArchsimError, match="nothing: is not among them"):
        ratios(rows, ["T4"], ["nothing"], [])


def test_the_command_prints_two_tables_a_job_and_draws(tmp_path: Path) -> None:
    words = ("compare", "isaac", "nl_dpe", "--model", "bert-tiny", "--gpu", "a100-80gb", "--seq", "8", "--batch", "1,4")
    done = archsim(*words, "--out", "plots", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("A100 SXM 80 GB") == 4
    assert done.stdout.count("nl_dpe") == 2 * 2
    assert (tmp_path / "plots" / "compare.png").stat().st_size > 10_000
    assert archsim("compare", "isaac", "--model", "bert-tiny", "--gpu", "a1000", folder=tmp_path).returncode == 1


def test_several_references_and_variants(tmp_path: Path) -> None:
    """Three that are compared, each over two that `--against` alone names and the GPU; a variant is one of its own."""
    cheap = "nl_dpe@parts.dac.alternative=isaac_rate"
    words = ("compare", "race_it", "nl_dpe", cheap, "--against", "puma_flex,raella", "--gpu", "h100")
    done = archsim(*words, "--model", "bert-tiny", "--seq", "8", "--json", folder=tmp_path)
    data = json.loads(done.stdout)
    assert [row["name"] for row in data["rows"]] == ["race_it", "nl_dpe", cheap, "puma_flex", "raella", "H100 SXM"]
    over = {(ratio["name"], ratio["relative_to"]): ratio for ratio in data["ratios"]}
    references = ("puma_flex", "raella", "H100 SXM")
    assert list(over) == [(name, to) for name in ("race_it", "nl_dpe", cheap) for to in references]
    energies = {row["name"]: row["energy_j"] for row in data["rows"]}
    assert energies["nl_dpe"] < energies[cheap]
    assert over["race_it", "H100 SXM"]["published_speed_up"] == 453
    assert over["race_it", "puma_flex"]["published_energy_ratio"] == 122
    assert over["race_it", "raella"]["published_speed_up"] == 0
    assert over[cheap, "raella"]["published_speed_up"] == 245
    assert "RACE units" in over["race_it", "H100 SXM"]["hangs_on"]
    wrong = archsim("compare", "isaac", "--against", "pumma", "--model", "bert-tiny", folder=tmp_path)
    assert (wrong.returncode, wrong.stderr.startswith("unknown name 'pumma'")) == (1, True)


def test_a_gpu_run_and_a_fit_from_the_command_line(tmp_path: Path, data_dir: Path) -> None:
    done = archsim("gpu", "v100", "gpt2", "--phase", "generate", "--seq", "16", "--new-tokens", "4", folder=tmp_path)
    assert (done.returncode, "typical: nobody measured" in done.stdout) == (0, True)
    file = str(data_dir / "gpu" / "gemm_measured.csv.gz")
    fitted = archsim("gpu-fit", file, "a40", "--aside", "internlm/internlm-20b", folder=tmp_path)
    assert fitted.stdout.startswith("efficiency: {compute: 0.7")
    assert "# kept aside, internlm/internlm-20b: median error" in fitted.stdout
