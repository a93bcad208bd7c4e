"""Machines and GPUs side by side, through the command line too."""

import json
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.gpu.compare import compare, jobs
from archsim.gpu.load import load_gpu
from archsim.graph import load_model
from archsim.machine import load_machine
from archsim.simulation import simulate
from tests.end_to_end.command import archsim


def test_ratios_are_those_of_the_rows() -> None:
    isaac, gpu, bert = load_machine("isaac"), load_gpu("h100"), load_model("bert-base")
    (job,) = jobs(bert, 16, 0, [2])
    rows = compare([isaac], [gpu, load_gpu("t4")], bert, job, precision="fp16", against="H100 SXM")
    alone = simulate(isaac, bert, seq=16, batch=2)
    assert (rows[0].latency_s, rows[0].energy_j) == (alone.latency_s, alone.energy_j)
    assert rows[0].speed_up == pytest.approx(rows[1].latency_s / rows[0].latency_s)
    assert rows[0].energy_ratio == pytest.approx(rows[1].energy_j / rows[0].energy_j)
    assert (rows[1].speed_up, rows[1].energy_ratio, rows[1].relative_to) == (1.0, 1.0, "H100 SXM")
    assert rows[1].per_s == pytest.approx(32 / rows[1].latency_s)
    assert [row.basis for row in rows] == ["simulated", "fitted on products", "specification"]
    assert [(job.phase, job.batch) for job in jobs(load_model("gpt2"), 8, 2, [1, 4])] == [
        ("prefill", 1), ("prefill", 4), ("decode", 1), ("decode", 4)
    ]  # fmt: skip


def test_what_cannot_run_says_why() -> None:
    model = load_model("gpt-neox-20b")
    (job, *_) = jobs(model, 8, 1, [1])
    rows = compare([], [load_gpu("t4"), load_gpu("h100")], model, job, precision="fp16", against="H100 SXM")
    assert rows[0].why == "its memory of 17 GB does not hold 41 GB of weights"
    with pytest.raises(ArchsimError, match="T4: its memory of 17 GB"):
        compare([], [load_gpu("t4")], model, job, precision="fp16", against="T4")
    with pytest.raises(ArchsimError, match="nothing: is not among them"):
        compare([], [load_gpu("t4")], model, job, precision="fp16", against="nothing")


def test_the_command_prints_one_table_a_job_and_draws(tmp_path: Path) -> None:
    words = ("compare", "isaac", "nl_dpe", "--model", "bert-tiny", "--gpu", "a100-80gb", "--seq", "8", "--batch", "1,4")
    done = archsim(*words, "--out", "plots", folder=tmp_path)
    assert done.returncode == 0
    assert "relative to A100 SXM 80 GB" in done.stdout
    assert done.stdout.count("nl_dpe") == 2
    assert (tmp_path / "plots" / "compare.png").stat().st_size > 10_000
    data = json.loads(archsim(*words, "--against", "isaac", "--json", folder=tmp_path).stdout)
    assert {row["relative_to"] for row in data["rows"]} == {"isaac"}
    assert archsim("compare", "isaac", "--model", "bert-tiny", "--gpu", "a1000", folder=tmp_path).returncode == 1


def test_a_gpu_run_and_a_fit_from_the_command_line(tmp_path: Path, data_dir: Path) -> None:
    done = archsim("gpu", "v100", "gpt2", "--phase", "generate", "--seq", "16", "--new-tokens", "4", folder=tmp_path)
    assert (done.returncode, "typical: nobody measured" in done.stdout) == (0, True)
    file = str(data_dir / "gpu" / "gemm_measured.csv.gz")
    fitted = archsim("gpu-fit", file, "a40", "--aside", "internlm/internlm-20b", folder=tmp_path)
    assert fitted.stdout.startswith("efficiency: {compute: 0.7")
    assert "# kept aside, internlm/internlm-20b: median error" in fitted.stdout
