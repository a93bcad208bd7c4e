"""Kept activations give what a whole run gives."""

from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.kernels.spec import ArraySpec, NonIdeal, Programming
from archsim.profile.causes import Analog
from archsim.profile.replay import Replay, Switchboard, batched
from archsim.values.arithmetic import FloatArithmetic, Product, Values
from archsim.values.opened import open_model
from archsim.values.tasks import Task
from tests.profile.models import VOCABULARY, saved_gpt2

SPEC = ArraySpec(16, 16, 8, 9, non_ideal=NonIdeal(Programming("additive", 0.05)), signed_inputs=True, read_bits=8)
ANALOG = Analog(SPEC, 8, 2.0)


@pytest.fixture
def task(tmp_path: Path) -> Task:
    sequences = np.random.default_rng(1).integers(0, VOCABULARY, (5, 9)).tolist()
    return Task(open_model(saved_gpt2(tmp_path)), tuple(map(tuple, sequences)))


class Plain(FloatArithmetic):
    """The oracle: every sequence alone, from its first block, one product on the machine."""

    def __init__(self, key: str) -> None:
        self.key = key

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        if key == self.key:
            return ANALOG.product("all", 3, key, weight, bias)
        return super().linear(key, weight, bias)


@pytest.mark.parametrize("key", ["layer 0/qkv", "layer 1/attention output", "layer 1/ffn down", "head/logits"])
def test_a_run_from_the_projections_block_is_a_whole_run(key: str, task: Task) -> None:
    replay = Replay(task)
    found = replay.run({key: ANALOG.product("all", 3, key, *replay.matrices[key])})
    assert np.abs(found - task.run(Plain(key)).losses).max() < 2e-5
    assert np.abs(found - replay.losses).max() > 1e-3
    assert np.abs(replay.losses - task.run(FloatArithmetic()).losses).max() < 2e-5
    assert replay.run({}).tobytes() == replay.losses.tobytes()


def test_replaced_products_do_not_stay() -> None:
    board = Switchboard()
    double = board.linear("a", np.eye(2, dtype=np.float32) * 2, None)
    x = np.ones((1, 2), np.float32)
    board.instead = {"a": lambda given: given * 5}
    assert double(x).tolist() == [[5.0, 5.0]]
    board.instead = {}
    assert double(x).tolist() == [[2.0, 2.0]]


def test_sequences_of_equal_length_are_run_together() -> None:
    """Three of length 3, one of length 2; one token alone predicts nothing."""
    found = batched([[1, 2, 3], [4, 5], [6, 7, 8], [9], [0, 1, 2]])
    assert [each.tolist() for each in found] == [[[1, 2, 3], [6, 7, 8], [0, 1, 2]], [[4, 5]]]
    assert [len(each) for each in batched([[1] * 600] * 3)] == [1, 1, 1]  # more than 1,024 positions are too many
    with pytest.raises(ArchsimError, match="found no text to predict"):
        batched([[1]])
