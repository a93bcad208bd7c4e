"""Decoders: prefill, decode and generate do the same work, position by position; keys and values have a place."""

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.machine import Machine, load_machine
from archsim.simulation import simulate
from tests.lowering.machines import meshed, tiny
from tests.lowering.runs import all_times, counts, plus, run


@pytest.fixture(scope="module")
def model() -> Graph:
    return tiny(2, architecture="decoder")


@pytest.mark.parametrize(
    "on", [meshed(), load_machine("isaac"), load_machine("nl_dpe")], ids=["meshed", "isaac", "nl_dpe"]
)
def test_a_decode_step_does_the_work_of_a_prefill_row(on: Machine, model: Graph) -> None:
    """Position 9 after 8 cached ones counts what the ninth row of a causal prefill counts, the head aside."""
    step = counts(run(on, model, 8, phase="decode", new_tokens=1), without_layer="head")
    longer = counts(run(on, model, 9), without_layer="head")
    assert plus(counts(run(on, model, 8), without_layer="head"), step) == plus(longer)


def test_generating_is_prefill_and_decode(model: Graph) -> None:
    """The prompt's last position gives the first new token: 4 tokens are a prefill and 3 steps."""
    whole = counts(run(meshed(), model, 6, phase="generate", new_tokens=4))
    parts = counts(run(meshed(), model, 6)), counts(run(meshed(), model, 6, phase="decode", new_tokens=3))
    assert plus(*parts) == plus(whole)


def test_macs_of_prefill_are_those_of_its_steps() -> None:
    gpt2 = load_model("gpt2")
    head = 768 * 50257
    prefill = make_job(gpt2, "prefill", 5, 0, 1).macs(gpt2) - head
    steps = [make_job(gpt2, "decode", n, 1, 1).macs(gpt2) - head for n in range(1, 5)]
    first = make_job(gpt2, "prefill", 1, 0, 1).macs(gpt2) - head
    assert prefill == first + sum(steps) == 12 * (5 * 7_077_888 + 2 * 768 * (1 + 2 + 3 + 4 + 5))


def test_tokens_come_one_after_another(model: Graph) -> None:
    """Each new position starts after the token before it is made."""
    played = run(meshed(), model, 4, batch=2, phase="generate", new_tokens=3)
    embedded = all_times(played, "embeddings/embedding")[0].reshape(2, 6)
    made = all_times(played, "head/argmax")[1].reshape(2, 3)
    assert (embedded[:, 4:] >= made[:, :-1]).all()
    assert (np.diff(made, axis=1) > 0).all()


def test_decode_latency_is_affine_in_the_cached_length() -> None:
    """GPT-2 on ISAAC: the same for each 64 more cached positions, up to lanes and words (1 % of a step's growth)."""
    machine, gpt2 = load_machine("isaac"), load_model("gpt2")
    spans = [run(machine, gpt2, n, phase="decode", new_tokens=1).makespan for n in (64, 192, 320, 448, 576)]
    growth = np.diff(spans)
    assert growth.min() > 0
    assert np.ptp(growth) <= 0.02 * growth.mean()


def test_decode_latency_is_affine_up_to_passes_of_function_cores() -> None:
    """GPT-2 on NL-DPE: off a line by less than one pass of a core, 15 ns, in each of 12 layers' two products."""
    machine, gpt2 = load_machine("nl_dpe"), load_model("gpt2")
    lengths = np.arange(64, 1024, 96)
    spans = np.array([run(machine, gpt2, int(n), phase="decode", new_tokens=1).makespan for n in lengths])
    line = np.polyval(np.polyfit(lengths, spans, 1), lengths)
    assert np.abs(spans - line).max() < 12 * 2 * 15_000
    assert (np.diff(spans) > 0).all()


def test_keys_and_values_live_in_the_named_memory(model: Graph) -> None:
    """In DRAM: 2 layers read K and V of n positions, 32 x 8 bits each, in words of 256 bits; and write one of both."""
    on = load_machine("nl_dpe", ["kv_cache=[dram]"])
    found = counts(run(on, model, 7, phase="decode", new_tokens=2))
    assert found["board.dram.read"] == 2 * 2 * (8 + 9) * 32 * 8 // 256
    assert found["board.dram.write"] == 2 * 2 * 2 * 32 * 8 // 256
    near = counts(run(load_machine("nl_dpe"), model, 7, phase="decode", new_tokens=2))
    assert "board.dram.read" not in near


def test_what_does_not_fit_says_so() -> None:
    small = load_machine("nl_dpe", ["kv_cache=[memory]", "parts.memory.size=2 KiB"])
    with pytest.raises(
        ArchsimError, match=r"layer 0/qkv: keys and values of 1,000 positions need .* b, tile.memory has"
    ):
        simulate(small, load_model("gpt2"), seq=1000)


def test_sequences_share_the_pipeline(model: Graph) -> None:
    """Eight sequences generate in far less than eight times the time of one, and do eight times the work."""
    one = run(meshed(), model, 4, phase="generate", new_tokens=4)
    eight = run(meshed(), model, 4, 8, phase="generate", new_tokens=4)
    assert eight.makespan < 4 * one.makespan
    assert plus(counts(eight)) == {action: 8 * number for action, number in plus(counts(one)).items()}
