"""Weights that do not fit are written into the crossbars in turn."""

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.job import Job
from archsim.machine import Machine, load_machine
from archsim.mapping.placement import place
from archsim.program import Run
from tests.lowering.machines import tiny
from tests.lowering.runs import all_times, counts, run

DRAM = "{latency: 100 ns, interval: 1 ns, energy: 2 pJ}"
MODEL = tiny(6, architecture="decoder", hidden=256, ffn=512)
PROJECTIONS = {"qkv": 256 * 768, "attention output": 256 * 256, "ffn up": 256 * 512, "ffn down": 512 * 256}


def isaac(tiles: int, *more: str) -> Machine:
    """ISAAC of so many tiles on one chip, whose crossbars can be written from a DRAM of 256 b each ns."""
    settings = (
        "parts.xbar.class=rewritable_crossbar",
        "parts.xbar.write={interval: 10 ns, energy: 2 pJ}",
        "parts.xbar.endurance=1000000",
        f"parts.dram={{class: dram, size: 16 GiB, width: 256 b, read: {DRAM}, write: {DRAM}}}",
        "modules.node.parts.dram=1",
        f"modules.chip.parts.tile={tiles}",
        "chips.count=1",
        *more,
    )
    return load_machine("isaac", settings)


def on(played: Run, kind: str) -> tuple[np.ndarray, np.ndarray]:
    return all_times(played, kind)


def test_a_prompt_goes_through_all_rounds_and_each_weight_is_written_once() -> None:
    """Of 12 tiles 3 layers of 4 fill a chip: rounds of 3 layers, 3 layers, and the head.

    16-bit weights: a fetch of w weights reads w x 16 / 256 words; each weight is 8 cells.
    """
    machine = isaac(12, "chips.reprogram=dram")
    mapping = place(machine, MODEL, Job(seq=4))
    rounds = {layer: mapping.round_of(layer) for layer in MODEL.layers}
    assert list(rounds.values()) == sorted(rounds.values())
    assert max(rounds.values()) >= 1
    later = [linear for linear in MODEL.linears if rounds[linear.layer] > 0]
    played = run(machine, MODEL, 4)
    found, whole = counts(played), counts(run(load_machine("isaac"), MODEL, 4))
    assert found["core.xbar.write"] == sum(linear.weights for linear in MODEL.linears) * 8
    fetched = sum(-(-linear.weights * 16 // 256) for linear in MODEL.linears)
    assert max(rounds.values()) == rounds["head"] == 2
    # 256 values are 16 words: 4 positions leave round 0, read by a norm and a residual sum; the head reads the last one
    assert (found["node.dram.write"], found["node.dram.read"] - fetched) == (2 * 4 * 16, 2 * 4 * 16 + 16)
    assert found["core.xbar.read"] == whole["core.xbar.read"]
    for linear in later:
        _, written = on(played, f"{linear.key} reprogram")
        begins, _ = on(played, linear.key)
        assert len(written) == 1
        assert begins.min() >= written.max()
    for before in (linear for linear in MODEL.linears if rounds[linear.layer] == 0):
        after = [on(played, f"{linear.key} fetch")[0].min() for linear in later if rounds[linear.layer] == 1]
        assert on(played, before.key)[1].max() <= min(after)


def test_each_token_writes_all_rounds_again() -> None:
    """A prompt and 2 tokens after it: all weights three times, as whatever was run before left the last round's."""
    found = counts(run(isaac(12, "chips.reprogram=dram"), MODEL, 4, phase="generate", new_tokens=3))
    assert found["core.xbar.write"] == 3 * sum(linear.weights for linear in MODEL.linears) * 8


def test_rows_are_written_one_after_the_other() -> None:
    """256 rows lie on 2 arrays of 128 rows: 128 x 10 ns, for each of the three passes."""
    played = run(isaac(12, "chips.reprogram=dram"), MODEL, 4, phase="decode", new_tokens=3)
    begin, end = on(played, "layer 0/qkv reprogram")
    assert (end - begin).tolist() == [1_280_000] * 3


def test_what_fits_is_never_written_and_takes_the_same_time() -> None:
    fits, plain = (run(isaac(168, *more), MODEL, 4) for more in (("chips.reprogram=dram",), ()))
    assert "core.xbar.write" not in counts(fits)
    assert fits.makespan == plain.makespan


@pytest.mark.parametrize("batch", [1, 3])
def test_a_whole_model_runs_on_one_small_chip(batch: int) -> None:
    machine = isaac(24, "chips.reprogram=dram")
    assert run(machine, load_model("bert-tiny"), 8, batch=batch).makespan > 0
    assert run(machine, MODEL, 4, batch=batch, phase="generate", new_tokens=2, grain="core").makespan > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("chips.reprogram=sram",), "chips.reprogram: found 'sram'; expected a memory"),
        (("chips.reprogram=dram", "chips.split=projections"), "chips.reprogram: goes with split: layers alone"),
        (("chips.reprogram=dram", "parts.xbar.class=crossbar"), "parts.xbar"),
    ],
)
def test_what_cannot_be_reprogrammed(settings: tuple[str, ...], message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        isaac(12, *settings)
    assert message in str(caught.value)


def test_a_fixed_crossbar_is_refused_and_so_is_a_layer_larger_than_a_chip() -> None:
    plain = (
        f"parts.dram={{class: dram, size: 16 GiB, width: 256 b, read: {DRAM}, write: {DRAM}}}",
        "modules.node.parts.dram=1",
        "chips.reprogram=dram",
    )
    with pytest.raises(ArchsimError, match="the crossbars cannot be written; expected class rewritable_crossbar"):
        load_machine("isaac", plain)
    with pytest.raises(ArchsimError, match="needs more than the 8 tiles of a chip, and cannot be written in one round"):
        place(isaac(8, "chips.reprogram=dram"), load_model("bert-base"), Job(seq=4))
