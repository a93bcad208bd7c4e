"""Inputs that are never negative need no bit for a sign: twice as many codes for them."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from archsim.machine import load_machine
from archsim.machine.load import change
from archsim.values.machine_arithmetic import MachineArithmetic
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.ranges import InputRange, weight_codes

if TYPE_CHECKING:
    from archsim.values.arithmetic import Values


@pytest.mark.parametrize(
    ("signed", "found"),
    [(True, [-1.5, -1.5, 0.0, 0.0, 1.5, 1.5]), (False, [0.0, 0.0, 0.0, 0.5, 1.0, 1.5])],
)
def test_codes_by_hand(*, signed: bool, found: list[float]) -> None:
    """Two bits up to 1.5: signed codes are -1, 0 and 1, of 1.5 each; codes from 0 to 3 are of 0.5 each."""
    arithmetic = QuantisedArithmetic(input_bits=2, ranges={"a": InputRange(1.5, signed)})
    x = np.array([[-9.0], [-0.8], [0.0], [0.6], [0.9], [9.0]], np.float32)
    out = arithmetic.linear("a", np.ones((1, 1), np.float32), None)(x)
    assert out[:, 0].tolist() == pytest.approx(found)


def test_a_pass_tells_whether_inputs_are_negative() -> None:
    """Of two that come one after the other either is enough; a range of zeros alone counts as 1 wide."""
    probe = QuantisedArithmetic(calibrating=True)
    for key, inputs in (("both", (-2.0, 3.0)), ("above", (0.0, 3.0)), ("none", (0.0, 0.0))):
        product = probe.linear(key, np.ones((1, 1), np.float32), None)
        for x in inputs:
            product(np.full((1, 1), x, np.float32))
    both, above, none = (probe.ranges[key] for key in ("both", "above", "none"))
    assert (both, above) == (InputRange(3.0), InputRange(3.0, signed=False))
    out = QuantisedArithmetic(ranges={"none": none}).linear("none", np.ones((1, 1), np.float32), None)(
        np.ones((1, 1), np.float32)
    )
    assert np.isfinite(out).all()


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("name", ["isaac", "lrmp_chip"])
def test_arrays_take_codes_with_and_without_a_sign(name: str, *, signed: bool) -> None:
    """Their converters lose nothing here: products are those of exact integers."""
    machine = change(load_machine(name), ("precision.weights=8 b", "precision.inputs=8 b"))
    ranges = {"a": InputRange(2.0, signed)}
    rng = np.random.default_rng(0)
    weight: Values = rng.normal(size=(7, 300)).astype(np.float32)
    x: Values = rng.normal(size=(6, 300)).astype(np.float32)
    exact = QuantisedArithmetic(ranges=ranges).linear("a", weight, None)(x)
    found = MachineArithmetic(machine, ranges=ranges).linear("a", weight, None)(x)
    assert np.allclose(found, exact, atol=1e-5)
    assert not np.allclose(exact, x @ weight.T, atol=1e-2)


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_that_have_codes_keep_them(bits: int) -> None:
    """Those of an output whose largest code is not the largest that the bits have, too; the lowest of all is cut."""
    draw, most = np.random.default_rng(4), (1 << (bits - 1)) - 1
    codes = draw.integers(-most, most + 1, (6, 40))
    codes[0] = draw.integers(-3, 4, 40)
    codes[1, 0] = -most - 1
    steps = draw.uniform(0.001, 0.1, 6).astype(np.float32)
    found, worth = weight_codes((codes * steps[:, None]).astype(np.float32), bits, fitted=True)
    np.testing.assert_array_equal(found, np.maximum(codes, -most))
    np.testing.assert_allclose(worth, steps, rtol=1e-5)
