"""Weights, times and energies of models' layers, for validation."""

import pytest

from archsim.errors import ArchsimError
from archsim.machine import load_machine
from archsim.validation.models import models, printed, steady, weights


def test_weights_of_models_and_of_their_layers() -> None:
    """LeNet-5: 25 x 6 and 150 x 16 of convolutions, then 400 x 120, 120 x 84, 84 x 10."""
    assert weights("lenet-5/1 conv") == 150
    assert weights("lenet-5/1 conv, 2 conv + lenet-5/5 linear") == 150 + 2400 + 840
    (graph,) = models("lenet-5/2 conv")
    assert not graph.linears[0].inputs


def test_a_printed_time_and_power_give_operations_a_joule() -> None:
    """300 operations in 3 us at 2 W, 6 uJ."""
    assert printed("lenet-5/1 conv in 3 us at 2 W") == pytest.approx(300 / 6e-6)


def test_a_chip_in_the_steady_state() -> None:
    """A frame of the second LSTM: 2.1 us, 16 tiles; and 0.5054 W, and 9,216 values of the digital unit at 5.1 pJ.

    Its update takes 3 ns for three sigmoids, and 1 ns for each of six others.
    """
    found = steady(load_machine("ibm_speech"), "rnn-t-encoder/2 lstm")
    assert found.time == pytest.approx(2.109e-6, rel=1e-4)
    assert found.operations == 2 * 2048 * 4096
    assert found.energy == pytest.approx(16 * 52.43e-9 + 0.5054 * found.time + 9216 * 5.1e-12, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lenet-5/conv in 3 us at 1 W", "measure: lenet-5 has no layer 'conv'."),
        ("lenet-5 in 3 us", "measure: found 'lenet-5 in 3 us'; expected MODELS in TIME at POWER"),
        ("lenet-5 in 3 W at 3 us", "measure: "),
    ],
)
def test_what_cannot_be_measured_is_said(text: str, message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        printed(text)
    assert str(caught.value).startswith(message)


def test_two_models_do_not_run_at_once() -> None:
    with pytest.raises(ArchsimError, match="found 2 models; expected one"):
        steady(load_machine("isaac"), "lenet-5 + mlp-mnist")
