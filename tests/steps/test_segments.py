"""Line segments: where they meet, how high, and what a unit makes of them."""

import numpy as np
import pytest

from archsim.steps.arithmetic import StepCall, span_of
from archsim.steps.formats import FORMATS, Floating, InFormat
from archsim.steps.functions import FUNCTIONS, Attributes
from archsim.steps.segments import SegmentArithmetic, breakpoints, heights

FP32 = InFormat(FORMATS["fp32"], FORMATS["fp32"])
SMOOTH = ("gelu", "tanh", "exp", "silu", "sigmoid")


def curve(name: str, x: np.ndarray) -> np.ndarray:
    result = FUNCTIONS[name].compute(x, Attributes())
    assert isinstance(result, np.ndarray)
    return result


def call(name: str, x: np.ndarray, seen: np.ndarray | None = None) -> StepCall:
    return StepCall(name, FUNCTIONS[name], [x], [span_of(x if seen is None else seen)], Attributes())


def ends_of(name: str, low: float, high: float, segments: int) -> np.ndarray:
    points = np.linspace(low, high, 4096)
    return breakpoints(curve(name, points), points, segments)


def fitted_by_lstsq(name: str, ends: np.ndarray) -> np.ndarray:
    """A dense least-squares problem: 32 points a segment, each weighted with its width; a column is a line's share."""
    widths = np.diff(ends)
    points = (ends[:-1, None] + widths[:, None] * (np.arange(32) + 0.5) / 32).ravel()
    shares = np.stack([np.interp(points, ends, one) for one in np.eye(len(ends))], axis=1)
    weights = np.sqrt(np.repeat(widths, 32))
    return np.asarray(np.linalg.lstsq(shares * weights[:, None], curve(name, points) * weights, rcond=None)[0])


@pytest.mark.parametrize("name", [*SMOOTH, "relu", "hardswish"])
@pytest.mark.parametrize("segments", [1, 8, 32])
def test_heights_are_those_of_least_squares(name: str, segments: int) -> None:
    ends = ends_of(name, -4, 4.5, segments)
    assert (len(ends), ends[0], ends[-1]) == (segments + 1, -4, 4.5)
    assert (np.diff(ends) > 0).all()
    fitted = heights(lambda x: curve(name, x), ends)
    np.testing.assert_allclose(fitted, fitted_by_lstsq(name, ends), atol=1e-9 * np.abs(fitted).max())
    x = np.linspace(-4, 4.5, 1001)
    made = SegmentArithmetic(segments, FP32).compute(call(name, x))
    assert isinstance(made, np.ndarray)
    np.testing.assert_allclose(made, np.interp(x, ends, fitted), atol=3e-6 * np.abs(fitted).max())


@pytest.mark.parametrize("name", SMOOTH)
def test_errors_are_far_below_those_of_even_segments(name: str) -> None:
    """Flex-SFU: 22.3 times less squared error than earlier units, on average. With h = 1 / segments it goes as h^4."""
    x = np.linspace(-8, 8, 8001)

    def error(made: object) -> float:
        return float(np.mean((np.asarray(made) - curve(name, x)) ** 2))

    even = np.linspace(-8, 8, 17)
    sixteen, double = (error(SegmentArithmetic(number, FP32).compute(call(name, x))) for number in (16, 32))
    assert sixteen < error(np.interp(x, even, curve(name, even))) / 22
    assert 8 < sixteen / double < 32


def test_a_kink_lies_at_a_breakpoint() -> None:
    x = np.linspace(-4, 4.3, 997)
    made = SegmentArithmetic(8, FP32).compute(call("relu", x))
    np.testing.assert_allclose(made, np.maximum(x, 0), atol=1e-5)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["fp16", "bf16", "fp8_e4m3"])
def test_a_format_holds_breakpoints_slopes_and_results(form: str) -> None:
    """Slope times operand plus offset is exact, and rounded once."""
    floating = FORMATS[form]
    assert isinstance(floating, Floating)
    x = floating.rounded(np.linspace(-4, 4, 501))
    made = SegmentArithmetic(16, InFormat(floating, FORMATS["fp32"])).compute(call("gelu", x))
    ends = np.unique(floating.rounded(ends_of("gelu", -4, 4, 16)))
    at = fitted_by_lstsq("gelu", ends)
    slopes = floating.rounded(np.diff(at) / np.diff(ends))
    offsets = floating.rounded(at[:-1] - slopes * ends[:-1])
    segment = (x[:, None] >= ends[1:-1]).sum(axis=1)
    np.testing.assert_array_equal(made, floating.rounded(slopes[segment] * x + offsets[segment]))


def test_the_outermost_lines_go_on() -> None:
    x = np.linspace(-4, 4, 1001)
    arithmetic = SegmentArithmetic(16, FP32)
    arithmetic.compute(call("gelu", x))
    beyond = arithmetic.compute(call("gelu", np.array([-8.0, 6.0, 8.0]), seen=x))
    assert isinstance(beyond, np.ndarray)
    assert beyond[0] == pytest.approx(0, abs=0.03)
    assert beyond[1:] == pytest.approx([6, 8], abs=0.03)


def test_an_operand_of_one_value_has_no_segments() -> None:
    made = SegmentArithmetic(16, FP32).compute(call("tanh", np.full(3, 0.25)))
    np.testing.assert_array_equal(made, np.full(3, np.float64(np.float32(np.tanh(0.25)))))


def test_what_is_stored_above_0_alone_is_said() -> None:
    arithmetic = SegmentArithmetic(16, FP32)
    arithmetic.compute(call("reciprocal", np.array([0.5, 2.0])))
    assert not arithmetic.remarks()
    arithmetic.compute(call("reciprocal", np.array([-0.5, 0.5, 2.0])))
    assert arithmetic.remarks() == (
        "flex_sfu: reciprocal is stored for numbers above 0, and reads some down to -0.5 as the least of them",
    )
