"""Ideal arrays: the packed path has the oracle's bits, and both the integer product's where the ADC suffices."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import ArchsimError
from archsim.kernels import exact, reference
from archsim.kernels.conversion import clipped_range
from archsim.kernels.crossbar import program
from archsim.kernels.encode import encode
from archsim.kernels.spec import Adc, ArraySpec


@st.composite
def cases(draw: st.DrawFn) -> tuple[ArraySpec, np.ndarray, np.ndarray]:
    signs = draw(st.sampled_from(["differential", "offset", "sign_magnitude"]))
    slices = draw(st.sampled_from(["analog", "digital"]))
    rows = draw(st.integers(1, 150))
    spec = ArraySpec(
        rows=rows,
        cols=draw(st.integers(1, 40)),
        cell_bits=draw(st.integers(1, 8)),
        weight_bits=draw(st.integers(2, 9)),
        signs=signs,  # type: ignore[arg-type]
        flipped=signs == "offset" and slices == "digital" and draw(st.booleans()),
        input_bits=draw(st.integers(2, 9)),
        read_bits=draw(st.integers(1, 8)),
        signed_inputs=draw(st.booleans()),
        active_rows=draw(st.one_of(st.none(), st.integers(1, rows))),
        bits=draw(st.sampled_from(["analog", "digital"])),
        slices=slices,  # type: ignore[arg-type]
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, 200)), draw(st.integers(1, 20))
    half = 1 << (spec.weight_bits - 1)
    weights = rng.integers(-half + (signs != "offset"), half, shape)
    top = 1 << (spec.input_bits - spec.signed_inputs)
    inputs = rng.integers(-top if spec.signed_inputs else 0, top, (draw(st.integers(1, 20)), shape[0]))
    if signs == "differential" and slices == "analog" and draw(st.booleans()):
        spec = replace(spec, slicing="analog")
    return spec, weights, inputs


def both(spec: ArraySpec, weights: np.ndarray, inputs: np.ndarray) -> list[tuple[Any, int]]:
    cells, span = encode(spec, weights), clipped_range(spec)
    return [
        reference.multiply(spec, cells, span, inputs),
        exact.multiply(spec, exact.pack(spec, cells), span, inputs),
    ]


def with_adc(spec: ArraySpec, adc: Adc) -> ArraySpec:
    return replace(spec, adc=adc)


@given(cases())
@settings(max_examples=150, deadline=None)
def test_with_enough_bits_it_is_the_integer_product(case: tuple[ArraySpec, np.ndarray, np.ndarray]) -> None:
    spec, weights, inputs = case
    for adc in (Adc(), Adc(bits=24)):
        for found, saturated in both(with_adc(spec, adc), weights, inputs):
            span = clipped_range(with_adc(spec, adc))
            if (span.step == 1).all():
                assert (found == inputs @ weights).all()
            assert saturated == 0


@given(cases(), st.integers(1, 8), st.floats(0.01, 1))
@settings(max_examples=150, deadline=None)
def test_with_too_few_it_has_the_oracles_bits_and_saturations(
    case: tuple[ArraySpec, np.ndarray, np.ndarray], bits: int, share: float
) -> None:
    spec, weights, inputs = case
    slow, fast = both(with_adc(spec, Adc(bits=bits, range="clipped", share=share)), weights, inputs)
    assert slow[0].tobytes() == fast[0].tobytes()
    assert slow[1] == fast[1]


def test_one_column_by_hand() -> None:
    """Weights 3, -2 and inputs 5, 6 (3 bits), one bit a read, 1-bit cells, differential: 15 - 12.

    bit 0 of the inputs: 1, 0; bit 1: 0, 1; bit 2: 1, 1. Slice 0 of the weights: 1, 0; slice 1: 1, -1.
    Slice 0 sums 1, 0, 1; slice 1 sums 1, -1, 0. 1 + 4 + 2 (1 - 2) = 3.
    A converter of 1 bit over -2..2 has codes -2 and 2 alone, and halves go up: slice 0: 2, 2, 2; slice 1: 2, -2, 2.
    (2 + 4 + 8) + 2 (2 - 4 + 8) = 26.
    """
    spec = ArraySpec(rows=2, cols=1, cell_bits=1, weight_bits=3, input_bits=3)
    weights, inputs = np.array([[3], [-2]]), np.array([[5, 6]])
    assert program(spec, weights).multiply(inputs)[0].item() == 3
    assert program(with_adc(spec, Adc(bits=1)), weights).multiply(inputs)[0].item() == 26


def test_saturations_are_counted() -> None:
    """64 rows of 1 with inputs of 1: the only sum that is not 0 is 64, and the range goes to 32."""
    spec = ArraySpec(rows=64, cols=3, cell_bits=1, weight_bits=2, input_bits=1, adc=Adc(6, "clipped", 0.5))
    found, saturated = program(spec, np.ones((64, 3), np.int64)).multiply(np.ones((2, 64), np.int64))
    assert found.tolist() == [[32.0] * 3] * 2
    assert saturated == 6


def test_flipped_columns_save_a_bit() -> None:
    """ISAAC: biased 16-bit weights in 2-bit cells, 128 rows. 9 bits hold sums to 384; flipped, 8 hold those to 192."""
    rng = np.random.default_rng(1)
    weights, inputs = rng.integers(-(2**15), 2**15, (128, 16)), rng.integers(-(2**15), 2**15, (8, 128))
    common = {"rows": 128, "cols": 128, "weight_bits": 16, "input_bits": 16, "signed_inputs": True, "signs": "offset"}
    for bits, flipped, right in ((9, False, True), (8, False, False), (8, True, True)):
        spec = ArraySpec(**common, flipped=flipped, adc=Adc(bits=bits))  # type: ignore[arg-type]
        assert (program(spec, weights).multiply(inputs)[0] == inputs @ weights).all() == right


def test_a_calibrated_range_is_that_of_the_samples() -> None:
    """Sums of rare large inputs are left out; on the samples' own kind it errs less than with the full range."""
    rng = np.random.default_rng(2)
    weights, inputs = rng.integers(-127, 128, (256, 32)), rng.integers(0, 256, (64, 256))
    errors = {}
    for kind, share in (("full", 1.0), ("calibrated", 0.9999)):
        spec = ArraySpec(adc=Adc(6, kind, share))  # type: ignore[arg-type]
        found, _ = program(spec, weights, samples=inputs[:16]).multiply(inputs[16:])
        errors[kind] = np.abs(found - inputs[16:] @ weights).mean()
    assert errors["calibrated"] < errors["full"] / 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cell_bits": 9}, "array: found cell_bits 9; expected 1 to 8"),
        ({"active_rows": 500}, "array: found active_rows 500; expected 1 to 256, its rows"),
        ({"flipped": True}, "array: flipped columns need 'offset' signs and slices that are put together digitally"),
        ({"slicing": "analog"}, "array: analog slices need 'differential' signs, and to be put together analog"),
        ({"adc": Adc(bits=30)}, "array: found an ADC of 30 bits; expected 1 to 24"),
    ],
)
def test_what_no_array_can_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchsimError, match=message):
        ArraySpec(**changes)


def test_numbers_that_do_not_fit() -> None:
    array = program(ArraySpec(), np.ones((4, 2), np.int64))
    with pytest.raises(ArchsimError, match="found weights from 1 to 200; 8 bits hold -127 to 127"):
        program(ArraySpec(), np.array([[1], [200]]))
    with pytest.raises(ArchsimError, match="found inputs from -1 to 3; 8 unsigned bits hold 0 to 255"):
        array.multiply(np.array([[-1, 2, 3, 0]]))
    with pytest.raises(ArchsimError, match=r"found inputs \(1, 3\); expected \(any, 4\)"):
        array.multiply(np.array([[1, 2, 3]]))
