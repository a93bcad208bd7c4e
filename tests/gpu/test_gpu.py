"""GPUs by their specifications, against measurements."""

import csv
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from archsim.errors import ArchsimError, UsageError
from archsim.gpu.fit import errors, fit, read_measured
from archsim.gpu.gpu import Efficiency, Gpu
from archsim.gpu.kernels import moving, product
from archsim.gpu.load import load_gpu
from archsim.gpu.model import run
from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.graph.load import build
from archsim.machine.source import parse

PERFECT = Efficiency(compute=1.0, memory=1.0, launch=1e-6, edge=0.0, overlap=100.0)
PLAIN = Gpu("plain", (), 100, {"fp16": 100e12}, 1e12, 1e10, 300.0, 30.0, 800.0, {}, PERFECT, measured=False)


def test_a_product_takes_its_waves() -> None:
    """100 units of 1 TFLOP/s. 1280 x 1280 are 100 tiles of 128 x 128, a wave of 134 us.

    One row more are 110 tiles, and a second wave; smaller tiles, 64 x 64, need 5 waves of a fifth and a bit.
    """
    wave = 2 * 128 * 128 * 4096 / 1e12
    assert float(product(PLAIN, 1280, 1280, 4096, "fp16")) == pytest.approx(1e-6 + wave, rel=1e-3)
    one_more = float(product(PLAIN, 1281, 1280, 4096, "fp16"))
    assert 1.05 * wave < one_more < 1.25 * wave


def test_a_thin_product_takes_its_weights_from_memory() -> None:
    """One row of 4096 x 4096: 33.6 MB at 1 TB/s; many values to move take as long."""
    moved = 2 * (4096 + 4096 * 4096 + 4096) / 1e12
    assert float(product(PLAIN, 1, 4096, 4096, "fp16")) == pytest.approx(1e-6 + moved, rel=0.02)
    assert moving(PLAIN, 1e6, "fp16") == pytest.approx(1e-6 + 2e-6)


def test_a_gpu_that_lacks_power_runs_slower() -> None:
    """At a quarter of the power that its peak needs, half the clock."""
    weak = replace(PLAIN, energy={"fp16": 4 * 270 / 100e12})
    assert weak.rate("fp16") == pytest.approx(50e12)


@pytest.mark.parametrize(("name", "rows"), [("a100-80gb", "a100"), ("h100", "h100"), ("a40", "a40")])
def test_products_that_were_not_fitted_on_are_predicted(data_dir: Path, name: str, rows: str) -> None:
    """Fitted on four of five models, judged on the fifth: median within 7 %, 90 % within 20 %."""
    pytest.importorskip("scipy")
    gpu = load_gpu(name)
    measured = read_measured(data_dir / "gpu" / "gemm_measured.csv.gz", rows)
    found = fit(gpu, measured, ["meta-llama/Llama-2-7b-hf"])
    assert found.held_out[0] < 0.07
    assert found.held_out[1] < 0.20
    # what stands in the file was fitted on all of them
    wrong = errors(gpu, measured)
    assert median(wrong) < 0.07
    assert sorted(wrong)[int(0.9 * len(wrong))] < 0.20


def gpt(layers: int, hidden: int, heads: int) -> Graph:
    sizes = f"layers: {layers}\nhidden: {hidden}\nheads: {heads}\nffn: {4 * hidden}\n"
    head = "schema: archsim.model/1\nname: gpt\narchitecture: decoder\nvocabulary: 51200\npositions: 2048\n"
    return build(parse(head + sizes, "gpt.yaml"))


def test_whole_models_are_near_fastertransformer(data_dir: Path) -> None:
    """BERT and GPT on A100, V100 and T4, none of which were fitted on: median error within 15 %.

    The rows of GPT draw tokens from a sorted vocabulary (top-p), which is not modelled: the small one's take longer.
    """
    models = {
        "bert-base (12L,768)": load_model("bert-base"),
        "gpt-6.7b": gpt(32, 4096, 32),
        "gpt-350m": gpt(24, 1024, 16),
    }
    gpus = {"A100": "a100-40gb", "A100-80GB": "a100-80gb", "V100": "v100", "T4": "t4"}
    wrong: dict[str, list[float]] = {"bert": [], "gpt": []}
    with (data_dir / "gpu" / "end_to_end_latency.csv").open() as stream:
        for row in csv.DictReader(stream):
            precision = row["precision"].lower()
            gpu = load_gpu(gpus[row["gpu"]]) if row["gpu"] in gpus else None
            known = row["framework"] in ("TensorFlow:FT", "PyTorch:FT", "FasterTransformer")
            if gpu is None or not known or precision not in gpu.peak:
                continue
            tokens = int(float(row["seq_out"])) if row["seq_out"] else 0
            phase = "generate" if tokens else "prefill"
            job = make_job(models[row["model"]], phase, int(row["seq_in"]), tokens, int(row["batch"]))
            found = run(gpu, models[row["model"]], job, precision, fused=precision == "fp16").latency * 1e3
            wrong[row["model"][:4].strip("-")].append(abs(found / float(row["latency_ms"]) - 1))
    assert len(wrong["bert"]) == 117
    assert len(wrong["gpt"]) == 28
    assert median(wrong["bert"]) < 0.10
    assert median(wrong["bert"] + wrong["gpt"]) < 0.15


def test_the_same_graph_runs_and_energy_lies_between_idle_and_full_power() -> None:
    gpu = load_gpu("h100")
    for name in ("bert-base", "llama-3.2-1b", "resnet-50", "t5-small", "mixtral-8x7b"):
        graph = load_model(name)
        job = make_job(graph, "prefill", None, 0, 2)
        found = run(gpu, graph, job, "fp16", fused=True)
        assert gpu.idle * found.latency < found.energy < gpu.power * found.latency
        assert sum(found.by_operator.values()) < found.latency
    gpt2 = load_model("gpt2")
    short, long = (run(gpu, gpt2, make_job(gpt2, "generate", 64, n, 1), "fp16", fused=True).latency for n in (1, 9))
    assert long > 8 * short


def test_what_is_wrong_with_a_gpu_or_measurements(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    good = (
        "schema: archsim.gpu/1\nname: mine\nspecification:\n  units: 10\n  peak: {fp16: 10 TFLOP/s}\n"
        "  bandwidth: 100 GB/s\n  memory: 8 GiB\n  power: 50 W\n  idle: 5 W\n  area: 100 mm2\n"
    )
    path.write_text(good)
    assert load_gpu(path).efficiency == load_gpu("a100-80gb").efficiency
    for old, new, message in (
        ("10 TFLOP/s", "10 TB", "specification.peak.fp16: found '10 TB'"),
        ("fp16:", "fp17:", "specification.peak.fp17: no such precision. Did you mean 'fp16'?"),
        ("  idle: 5 W\n", "", "specification.idle: is missing"),
    ):
        path.write_text(good.replace(old, new))
        with pytest.raises(ArchsimError) as caught:
            load_gpu(path)
        assert message in str(caught.value)
    table = tmp_path / "rows.csv"
    table.write_text("gpu,model,M,K,N\n")
    with pytest.raises(ArchsimError, match="has no column 'median_ms'"):
        read_measured(table, "a100")
    table.write_text("gpu,model,M,K,N,median_ms\na100,m,1,2,3,x\n")
    with pytest.raises(ArchsimError, match=r"rows.csv:2: found .* expected numbers"):
        read_measured(table, "a100")
    table.write_text("gpu,model,M,K,N,median_ms\na100,m,1,2,3,0.1\n")
    with pytest.raises(ArchsimError, match="has no rows of gpu 'h100'"):
        read_measured(table, "h100")
    with pytest.raises(UsageError, match="no products of the model 'n'"):
        fit(load_gpu("a40"), read_measured(table, "a100"), ["n"])


def test_a_recurrent_layer_is_a_product_for_each_position() -> None:
    """Ten positions of two sequences: ten thin products of 16 x 32, two rows each; the update goes with them."""
    text = "schema: archsim.network/1\nname: s\ninput: 8\npositions: 10\nlayers: [lstm: {out: 8}]"
    graph = build(parse(text, "s.yaml"))
    found = run(PLAIN, graph, make_job(graph, "prefill", 10, 0, 2), "fp16", fused=True)
    assert found.kernels == 10
    assert found.latency == pytest.approx(10 * float(product(PLAIN, 2, 32, 16, "fp16")))
