"""GPUs by their specifications, against measurements."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError, UsageError
from archsim.gpu.fit import fit, read_measured
from archsim.gpu.gpu import Efficiency, Gpu
from archsim.gpu.kernels import _waves, moving, product
from archsim.gpu.load import load_gpu
from archsim.gpu.model import Kernel, _energy, run
from archsim.graph import load_model
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


def test_the_last_wave_and_the_writing_of_results() -> None:
    """110 tiles on 100 units are 2 waves; where half of the last one's idle 90 units are used, 1.55. 40 tiles: one.

    One inner value: 1 MB of results takes 2 x 1024 x 512 / 1e12 s to move, and as long again where nothing hides it.
    """
    assert float(_waves(np.array([0.4, 1.1]), 0.5)[0]) == 1.0
    assert float(_waves(np.array([0.4, 1.1]), 0.5)[1]) == pytest.approx(1.55)
    late = replace(PLAIN, efficiency=replace(PERFECT, write=1.0))
    moved = 2 * 1024 * 512 / 1e12
    assert float(product(late, 1024, 512, 1, "fp16")) == pytest.approx(
        float(product(PLAIN, 1024, 512, 1, "fp16")) + moved, rel=1e-3
    )


def test_no_product_is_faster_than_the_power_allows_for_long() -> None:
    """Half of 100 TFLOP/s: 2 x 1280 x 1280 x 4096 operations take 268 us, and those of vector units 134."""
    hot = replace(PLAIN, peak={"fp16": 100e12, "fp32": 100e12}, efficiency=replace(PERFECT, compute=0.5))
    assert float(product(hot, 1280, 1280, 4096, "fp16")) == pytest.approx(268.4e-6, rel=1e-3)
    assert float(product(hot, 1280, 1280, 4096, "fp32")) == pytest.approx(135.2e-6, rel=1e-3)


def test_energy_by_hand() -> None:
    """300 W, 30 W at rest. A kernel of 10 us that moves for 4 us and computes for 2: 2.5 + 2 + 1.5 = 6 us of 270 W.

    One that does both all the time would take 15 us of them: it takes all the power, no more.
    """
    busy = Kernel("k", 10e-6, 2e-6 * 100e12, 4e-6 * 1e12 / 2)
    assert _energy(PLAIN, busy, "fp16") == pytest.approx(10e-6 * 30 + 6e-6 * 270)
    full = Kernel("k", 10e-6, 10e-6 * 100e12, 10e-6 * 1e12 / 2)
    assert _energy(PLAIN, full, "fp16") == pytest.approx(10e-6 * 300)


def test_a_thin_product_takes_its_weights_from_memory() -> None:
    """One row of 4096 x 4096: 33.6 MB at 1 TB/s; many values to move take as long."""
    moved = 2 * (4096 + 4096 * 4096 + 4096) / 1e12
    assert float(product(PLAIN, 1, 4096, 4096, "fp16")) == pytest.approx(1e-6 + moved, rel=0.02)
    assert moving(PLAIN, 1e6, "fp16") == pytest.approx(1e-6 + 2e-6)


def test_a_gpu_that_lacks_power_runs_slower() -> None:
    """At a quarter of the power that its peak needs, half the clock."""
    weak = replace(PLAIN, energy={"fp16": 4 * 270 / 100e12})
    assert weak.rate("fp16") == pytest.approx(50e12)


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


def test_a_scan_is_one_kernel_that_moves_what_comes_in_and_its_result() -> None:
    """16 channels of 4 numbers; x, steps, B and C come of a convolution, a softplus and a projection of 16, 16, 11.

    Of 10 positions of 2 sequences, with the state once each way, A and D. Apart, the two operators that update the
    state are a kernel for each of 10 positions.
    """
    text = "schema: archsim.model/1\nname: t\narchitecture: decoder\nlayers: 1\nhidden: 8\nffn: 0\nvocabulary: 20\n"
    graph = build(parse(f"{text}positions: 64\nnorm: rmsnorm\nstate_space: {{state: 4, rank: 3}}", "t.yaml"))
    job = make_job(graph, "prefill", 10, 0, 2)
    together, apart = (run(PLAIN, graph, job, "fp16", fused=fused) for fused in (True, False))
    moved = 20 * (16 + 16 + 11 + 16) + 2 * 2 * 64 + 64 + 16
    assert together.by_operator["scanned"] == pytest.approx(moving(PLAIN, moved, "fp16"))
    assert apart.kernels - together.kernels == 10 - 1 + 2 * (10 - 1)
    assert apart.by_operator["state"] == pytest.approx(10 * moving(PLAIN, 2 * 3 * 64, "fp16"))
