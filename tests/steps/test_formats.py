"""Number formats against numpy's own, bit arithmetic, and lists of all numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.parts.number_format import NAMES
from archsim.steps.arithmetic import StepCall, span_of
from archsim.steps.formats import FORMATS, Floating, InFormat, Whole
from archsim.steps.functions import FUNCTIONS, Attributes, Log

NUMBERS = st.lists(st.floats(width=64, allow_nan=False), min_size=1, max_size=50)


def floating(name: str) -> Floating:
    found = FORMATS[name]
    assert isinstance(found, Floating)
    return found


def call(name: str, *operands: np.ndarray | Log, attributes: Attributes | None = None) -> StepCall:
    function = FUNCTIONS[name]
    return StepCall(name, function, operands, [span_of(x) for x in operands], attributes or Attributes())


def test_a_file_may_name_all_formats() -> None:
    assert tuple(FORMATS) == NAMES


@given(NUMBERS)
def test_numpys_own_formats(numbers: list[float]) -> None:
    x = np.array(numbers)
    with np.errstate(over="ignore"):
        for name, kind in (("fp32", np.float32), ("fp16", np.float16)):
            np.testing.assert_array_equal(floating(name).rounded(x), x.astype(kind).astype(np.float64))


@given(NUMBERS)
def test_bf16_by_bits(numbers: list[float]) -> None:
    """A float32 that bf16 has no number for is rounded by adding half of the last place, to even at ties."""
    with np.errstate(over="ignore"):
        x = np.array(numbers, np.float32)
    bits = x.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    expected = rounded.astype(np.uint32).view(np.float32)
    np.testing.assert_array_equal(floating("bf16").rounded(x.astype(np.float64)), expected.astype(np.float64))


def eight_bit(exponent: int, mantissa: int, last: int) -> np.ndarray:
    """All finite numbers of 8 bits that are not negative, up to the code `last`."""
    codes = np.arange(last + 1)
    power, fraction = codes >> mantissa, (codes & ((1 << mantissa) - 1)) / (1 << mantissa)
    bias = (1 << (exponent - 1)) - 1
    return np.asarray(np.where(power > 0, (1 + fraction) * 2.0 ** (power - bias), fraction * 2.0 ** (1 - bias)))


@pytest.mark.parametrize(("name", "every"), [("fp8_e5m2", eight_bit(5, 2, 123)), ("fp8_e4m3", eight_bit(4, 3, 126))])
def test_eight_bits_by_a_list_of_all(name: str, every: np.ndarray) -> None:
    """Half way between two numbers the one with an even last bit; 448 is e4m3's largest, and it has no infinity."""
    form = floating(name)
    np.testing.assert_array_equal(form.rounded(every), every)
    np.testing.assert_array_equal(form.rounded(-every), -every)
    middles = (every[1:] + every[:-1]) / 2
    even = np.where(np.arange(len(middles)) % 2 == 0, every[:-1], every[1:])
    np.testing.assert_array_equal(form.rounded(middles), even)
    np.testing.assert_array_equal(form.rounded(np.nextafter(middles, 0)), every[:-1])
    np.testing.assert_array_equal(form.rounded(np.nextafter(middles, np.inf)), every[1:])
    beyond = form.rounded(np.array([2 * every[-1], np.inf, -np.inf]))
    largest = 448.0 if name == "fp8_e4m3" else np.inf
    np.testing.assert_array_equal(beyond, [largest, largest, -largest])


def test_whole_numbers_have_a_symmetric_range() -> None:
    x = np.array([-1.0, -0.5, 0.004, 0.006, 1.0])
    np.testing.assert_array_equal(Whole(8).codes(x, span_of(x)), [-127, -64, 1, 1, 127])
    assert Whole(8).unit(span_of(np.zeros(3))) == 1


def test_sums_are_exact_and_rounded_once() -> None:
    """Ones among numbers of 2^24: a float32 that is added to one by one would stay; a bf16 of the sum is 2^25."""
    x = np.concatenate([[2.0**24], np.ones(2**16), [2.0**24]])[None]
    total = 2.0**25 + 2**16
    assert InFormat(FORMATS["fp32"], FORMATS["fp32"]).compute(call("sum", x))[0, 0] == total  # type: ignore[index]
    assert InFormat(FORMATS["bf16"], FORMATS["bf16"]).compute(call("sum", x))[0, 0] == 2.0**25  # type: ignore[index]
    step = InFormat(FORMATS["bf16"], FORMATS["fp32"]).compute(call("sum", np.array([[1 + 2.0**-9, 1.0]])))
    assert step[0, 0] == 2  # type: ignore[index]  # what comes in has the bits of bf16


def test_sums_of_whole_numbers_saturate() -> None:
    """A 12-bit accumulator holds codes up to 2,047: of products of 8-bit codes, one of 127 x 16 alone."""
    x, y = np.full((1, 4), 1.0), np.full((1, 4), 1.0)
    made = InFormat(FORMATS["int8"], FORMATS["int12"]).compute(call("multiply_accumulate", x, y))
    assert made[0, 0] == pytest.approx(2047 / 127**2)  # type: ignore[index]
    made = InFormat(FORMATS["int8"], FORMATS["int32"]).compute(call("multiply_accumulate", x, y))
    assert made[0, 0] == pytest.approx(4)  # type: ignore[index]


def test_a_mean_of_whole_numbers_saturates_as_its_sum_does() -> None:
    """64 codes of 127 are 8,128; an accumulator of 12 bits stops at 2,047. Two that a mask lets be seen are fewer."""
    x = np.full((2, 64), 1.0)
    unit = InFormat(FORMATS["int8"], FORMATS["int12"])
    made = unit.compute(call("mean", x))
    np.testing.assert_allclose(made, np.full((2, 1), 2047 / 127 / 64))  # type: ignore[arg-type]
    visible = np.zeros((2, 64), np.bool_)
    visible[0, :2] = visible[1] = True
    made = unit.compute(call("mean", x, attributes=Attributes(visible=visible)))
    np.testing.assert_allclose(made, [[1], [2047 / 127 / 64]])  # type: ignore[arg-type]


def test_logarithms_are_rounded_in_their_magnitudes() -> None:
    x = Log(np.array([1.0, -1.0, 0.0]), np.array([1.001, 2.002, 0.0]))
    made = InFormat(FORMATS["bf16"], FORMATS["fp32"]).compute(call("add", x, x))
    assert isinstance(made, Log)
    np.testing.assert_array_equal(made.sign, [1, 1, 0])
    np.testing.assert_array_equal(made.magnitude, [2.0, 4.0, 0.0])
