"""State-space layers: a position's state waits for that of the one before it in its own sequence, and for no other."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from archsim.graph import Graph
from archsim.graph.load import build
from archsim.machine.machine import Machine
from archsim.machine.source import parse
from tests.lowering.machines import HERE, machine, meshed
from tests.lowering.runs import all_times, run

P = 1_000_000
"""A product on the machine with equal stages, ps; all else takes 2 ps."""
STAGES = ("in projection", "conv", "x projection", "dt projection", "out projection")


def stages() -> Machine:
    """What has no recipe is done by the vector unit, too."""
    return machine((HERE / "equal_stages.yaml").read_text() + "digital: vector\n")


def mesh() -> Machine:
    """The same of the machine with a mesh."""
    return replace(meshed(), recipes={**stages().recipes, **meshed().recipes})


def mamba(layers: int = 1) -> Graph:
    text = f"schema: archsim.model/1\nname: t\narchitecture: decoder\nlayers: {layers}\nhidden: 8\nffn: 0\n"
    text += "vocabulary: 20\npositions: 64\nnorm: rmsnorm\nstate_space: {state: 4, rank: 3}"
    return build(parse(text, "t.yaml"))


@pytest.mark.parametrize("batch", [1, 2])
def test_products_of_neighbouring_positions_are_done_at_the_same_time(batch: int) -> None:
    """Five products a position, one after the other; a new position enters each P, of the next sequence too.

    The head's product follows the last. The state's own work is a few ps, so that the recurrence holds nothing up.
    """
    seq = 6
    played = run(stages(), mamba(), seq=seq, batch=batch)
    for stage, name in enumerate(STAGES):
        starts, _ = all_times(played, f"layer 0/{name}")
        assert starts == pytest.approx(P * (stage + np.arange(batch * seq)), abs=200)
    assert played.makespan == pytest.approx((batch * seq + len(STAGES)) * P, abs=200)


@pytest.mark.parametrize("make", [stages, mesh])
def test_a_state_waits_for_the_one_before_of_its_sequence(make: Callable[[], Machine]) -> None:
    played = run(make(), mamba(2), seq=5, batch=2)
    for layer in ("layer 0", "layer 1"):
        update, _ = (times.reshape(2, 5) for times in all_times(played, f"{layer}/decayed"))
        _, state = (times.reshape(2, 5) for times in all_times(played, f"{layer}/state"))
        assert (update[:, 1:] >= state[:, :-1]).all()
        conv, _ = (times.reshape(2, 5) for times in all_times(played, f"{layer}/conv"))
        _, given = (times.reshape(2, 5) for times in all_times(played, f"{layer}/in projection"))
        assert (conv >= given).all()
        assert (conv[:, 0] < given[:, -1]).all()


def test_a_new_token_goes_through_all_products_before_the_next() -> None:
    """Five and the head's, each P."""
    played = run(stages(), mamba(), seq=4, phase="generate", new_tokens=3)
    assert np.diff(all_times(played, "head/argmax")[1]) == pytest.approx([6 * P] * 2, abs=200)
