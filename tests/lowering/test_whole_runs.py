"""Whole jobs on small machines: barriers, waiting, scaling, bounds."""

import numpy as np
import pytest

from archsim.graph import load_model
from archsim.graph.job import make_job
from archsim.machine import load_machine
from archsim.program import Run
from tests.lowering.machines import equal_stages, meshed, tiny
from tests.lowering.runs import all_times, run

T = 1_000_000
"""Interval of every projection of the machine with equal stages, ps."""


def times(played: Run, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Starts and finishes of the tasks of a kind, in order of position."""
    chosen = played.program.kind == played.program.kinds.index(kind)
    return played.start[chosen], played.finish[chosen]


def test_an_encoder_waits_at_every_layer() -> None:
    """Twelve layers of S positions, four projections a layer, each T; all else takes a few ps.

    The first layer's qkv takes S T. Then each layer begins when the qkv of all positions is done: position i
    leaves its three other projections and the next layer's qkv at (i + 4) T, the last one at (S + 3) T; in the
    last layer there is no next qkv: (S + 2) T. Total: S + 11 (S + 3) + S + 2 = 13 S + 35.
    """
    seq = 128
    played = run(equal_stages(), tiny(12), seq=seq)
    assert played.makespan == pytest.approx((13 * seq + 35) * T, rel=1e-3)


def test_causal_positions_do_not_wait() -> None:
    """The same sizes, causal: position i enters when i - 1 has; 48 projections deep: (S + 47) T."""
    seq = 128
    played = run(equal_stages(), tiny(12, causal=True), seq=seq)
    assert played.makespan == pytest.approx((seq + 47) * T, rel=1e-3)


def test_two_sequences_overlap() -> None:
    """A second sequence fills the barriers' gaps: far less than twice the time of one; each has its own barrier."""
    one = run(equal_stages(), tiny(4), seq=32).makespan
    two = run(equal_stages(), tiny(4), seq=32, batch=2).makespan
    assert one < two < 1.4 * one


@pytest.mark.parametrize("causal", [False, True])
def test_softmax_waits_for_its_last_score_and_norm_for_its_vector(causal: bool) -> None:  # noqa: FBT001
    played = run(meshed(), tiny(causal=causal), seq=12)
    kinds = [kind for kind in played.program.kinds if kind.startswith("layer 1/")]
    assert "layer 1/scores" in kinds
    for before, after in (("scores", "softmax"), ("softmax", "context"), ("ffn add", "ffn norm")):
        finish = all_times(played, f"layer 1/{before}")[1]
        start = all_times(played, f"layer 1/{after}")[0]
        assert (start >= finish).all()
    keys_ready = times(played, "layer 1/qkv > layer 1 digital channel")[1]
    scores = all_times(played, "layer 1/scores")[0]
    if causal:
        assert (scores >= np.maximum.accumulate(keys_ready)).all()
    else:
        assert scores.min() >= keys_ready.max()


@pytest.mark.parametrize("causal", [False, True])
def test_doubling_every_rate_halves_every_time(causal: bool) -> None:  # noqa: FBT001
    slow, fast = (run(meshed(unit), tiny(causal=causal), seq=10, batch=2) for unit in (4, 2))
    for name in ("ready", "offered", "start", "finish"):
        assert (getattr(slow, name) == 2 * getattr(fast, name)).all()


@pytest.mark.parametrize(("seq", "batch"), [(16, 1), (5, 3)])
def test_no_run_is_faster_than_its_bounds(seq: int, batch: int) -> None:
    played = run(load_machine("isaac"), load_model("bert-base"), seq, batch)
    assert played.makespan >= played.critical_path_length()
    program = played.program
    busy = np.zeros(len(program.stations), np.int64)
    served = program.station >= 0
    paced = program.tasks_per_kind() * np.minimum(program.interval, program.latency)
    np.add.at(busy, program.station[served], paced[served])
    servers = np.array([station.servers for station in program.stations])
    assert played.makespan >= (busy / servers).max()


def test_products_of_attention_are_counted_exactly() -> None:
    """BERT-base, 128 positions: 2 x 12 layers x 128 x 128 x 768 = 301,989,888 multiply-accumulates on the MACs."""
    played = run(load_machine("isaac"), load_model("bert-base"), seq=128)
    counts = dict(zip(played.program.actions, played.counts().sum(axis=0).tolist(), strict=True))
    assert counts["digital.mac.mac"] == 301_989_888
    weights = 12 * (4 * 768 * 768 + 2 * 768 * 3072)
    # 8 slices of 2 bits, 16 reads of 1 bit, a converted column per 128 rows; and the pooler, on one position
    assert counts["core.adc.convert"] == (128 * weights + 768 * 768) * 8 * 16 // 128


def test_a_repeated_run_gives_the_same_times() -> None:
    first, second = (run(meshed(), tiny(3), seq=9, batch=2) for _ in range(2))
    for name in ("ready", "offered", "start", "finish"):
        assert (getattr(first, name) == getattr(second, name)).all()


def test_a_job_that_no_model_can_do() -> None:
    from archsim.errors import UsageError

    with pytest.raises(UsageError, match=r"tiny generates nothing\. Try --phase prefill\."):
        make_job(tiny(), "decode", 8, 1, 1)
    with pytest.raises(UsageError, match=r"tiny has 4096 positions, the job needs 5000\. Try --seq 4096 or less\."):
        make_job(tiny(), "prefill", 5000, 0, 1)


def test_a_large_batch_takes_the_time_of_the_busiest_stage_for_each_of_its_sequences() -> None:
    """Sequences follow each other: 16 more of them take 16 times what the busiest station works for one."""
    model, machine = tiny(4), load_machine("isaac")
    small, large = (run(machine, model, 16, batch=batch) for batch in (16, 32))
    work, servers = large.work()
    busiest = (work / servers).max() / 32
    assert (large.makespan - small.makespan) / 16 == pytest.approx(busiest, rel=0.01)
    assert large.makespan < 1.2 * 32 * busiest
