"""Steps by tables that are as large as their arrays, against tables in plain numpy: runs of codes on a fine grid."""

import numpy as np
import pytest

from archsim import load_machine
from archsim.kernels.acam_steps import TableArithmetic, column_sizes
from archsim.steps.arithmetic import ABOVE_ZERO, Setting, StepArithmetic, StepCall, span_of
from archsim.steps.functions import FUNCTIONS, Attributes, Log, logarithm

NL_DPE = (1, 2, 2, 5, 8, 16, 32, 64)
CURVES = ("exp", "reciprocal", "rsqrt", "sigmoid", "tanh", "gelu", "silu", "relu")


def step(name: str, *operands: np.ndarray | Log, seen: object = None, epsilon: float = 0.0) -> StepCall:
    spans = [span_of(x if seen is None else seen) for x in operands]  # type: ignore[arg-type]
    return StepCall(name, FUNCTIONS[name], operands, spans, Attributes(epsilon=epsilon))


def numbers(by: StepArithmetic, call: StepCall) -> np.ndarray:
    result = by.compute(call)
    assert isinstance(result, np.ndarray)
    return result


def runs(bit: np.ndarray) -> list[tuple[int, int]]:
    """First and last place of each run of set bits."""
    places: list[tuple[int, int]] = []
    for at in np.flatnonzero(bit):
        if places and places[-1][1] == at - 1:
            places[-1] = places[-1][0], int(at)
        else:
            places.append((int(at), int(at)))
    return places


def widest(places: list[tuple[int, int]], number: int, edges: np.ndarray) -> list[tuple[int, int]]:
    """So many; a run at an end of the range has no bound there, so it is wide. Of equal ones the first."""

    def width(place: tuple[int, int]) -> float:
        open_end = place[0] == 0 or place[1] == len(edges) - 2
        return np.inf if open_end else round(float((edges[place[1] + 1] - edges[place[0]]) / (edges[-1] - edges[0])), 9)

    return sorted(places, key=lambda place: -width(place))[:number]


def decoded(gray: np.ndarray, bits: int, depth: int) -> np.ndarray:
    """A bit is the sum of all Gray bits from the highest to it, modulo two; as often as it was coded."""
    for _ in range(depth):
        code = np.zeros_like(gray)
        for bit in range(bits):
            code |= (np.array([(one >> bit).bit_count() % 2 for one in gray.tolist()]) << bit).astype(gray.dtype)
        gray = code
    return gray


def crossings(exact: np.ndarray, levels: int) -> np.ndarray:
    """Where codes change between two places, by a straight line between them; half way where they do not."""
    height = (exact - exact.min()) / (exact.max() - exact.min()) * levels + 0.5
    code = np.floor(height)
    edge, rise = np.maximum(code[1:], code[:-1]), np.diff(height)
    along = np.where(code[1:] != code[:-1], (edge - height[:-1]) / np.where(rise == 0, 1, rise), 0.5)
    return np.concatenate([[0], np.arange(len(exact) - 1) + along, [len(exact) - 1]])


def stored(
    codes: np.ndarray, bits: int, depth: int, room: list[int] | int, edges: np.ndarray | None = None
) -> np.ndarray:
    """What is read at each place of codes, where each bit, or all together, has room for so many runs.

    edges: between which a place's code holds (n + 1); None: half way between places.
    """
    gray, bounds = codes.copy(), np.arange(len(codes) + 1.0) if edges is None else edges
    for _ in range(depth):
        gray = gray ^ (gray >> 1)
    every = [runs((gray >> bit) & 1 == 1) for bit in range(bits)]
    if isinstance(room, int):
        flat = widest([place for places in every for place in places], room, bounds)
        fitted = [[place for place in places if place in flat] for places in every]
    else:
        need = sorted(range(bits), key=lambda bit: -len(every[bit]))
        sizes = dict(zip(need, sorted(room, reverse=True), strict=False))
        fitted = [widest(every[bit], sizes.get(bit, 0), bounds) for bit in range(bits)]
    read = np.zeros_like(gray)
    for bit, places in enumerate(fitted):
        for first, end in places:
            read[first : end + 1] |= 1 << bit
    return decoded(read, bits, depth)


def nearest(values: np.ndarray, levels: int) -> np.ndarray:
    return np.asarray(np.floor((values - values.min()) / (values.max() - values.min()) * levels + 0.5).astype(np.int64))


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("arrays", [NL_DPE, (3, 3, 3, 3, 3, 3, 3, 3)])
def test_tables_are_cut_to_their_arrays(name: str, arrays: tuple[int, ...]) -> None:
    """NL-DPE's 130 rows, which GELU and SiLU exceed, and 24, which all do. Codes are equal, everywhere."""
    start, stop = (0.3, 5.0) if name in ABOVE_ZERO else (-4.0, 3.7)
    x = np.linspace(start, stop, 40_001)
    exact = FUNCTIONS[name].compute(x, Attributes())
    assert isinstance(exact, np.ndarray)
    expected = stored(nearest(exact, 255), 8, 1, list(arrays), crossings(exact, 255))
    arithmetic = TableArithmetic(8, 1, column_sizes(arrays, 8), 130)
    got = numbers(arithmetic, step(name, x))
    codes = (got - exact.min()) / (exact.max() - exact.min()) * 255
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-4)
    assert (np.rint(codes) != expected).mean() < 5e-4  # beside a bound the grid may be a step off
    assert bool(arithmetic.remarks()) == (arrays != NL_DPE or name in ("gelu", "silu"))


def test_without_arrays_the_cells_are_shared() -> None:
    x = np.linspace(-4, 3.7, 40_001)
    exact = np.tanh(x)
    expected = stored(nearest(exact, 63), 6, 1, 20, crossings(exact, 63))
    arithmetic = TableArithmetic(6, 1, None, 20)
    got = numbers(arithmetic, step("tanh", x))
    codes = np.rint((got - exact.min()) / (exact.max() - exact.min()) * 63)
    assert (codes != expected).mean() < 1e-3
    remark = "acam: tanh needs 32 rows, 20 of which fit into a column's analog CAM; the narrowest ranges are left out"
    assert arithmetic.remarks() == (remark,)


def test_exponentials_of_logarithms_have_their_sign_apart() -> None:
    x = np.array([[-3.0, 0.0, 0.001, 2.0]])
    arithmetic = TableArithmetic(8, 1, None, 1000)
    got = numbers(arithmetic, step("exp", logarithm(x)))
    low, step_size = 0.001, (3 - 0.001) / 255
    expected = np.sign(x) * (low + step_size * np.rint((np.abs(x) - low) / step_size)) * (x != 0)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_fixed_ranges_go_before_calibrated_ones_and_know_epsilons_apart() -> None:
    arithmetic = TableArithmetic(8, 1, None, 1000, ranges={"rsqrt": (0.5, 2.0)})
    x = np.array([[0.1, 0.5, 1.0, 2.0, 9.0]])
    for epsilon in (0.0, 0.5):
        got = numbers(arithmetic, step("rsqrt", x, epsilon=epsilon))
        np.testing.assert_allclose(got, 1 / np.sqrt(np.clip(x, 0.5, 2) + epsilon), atol=0.004)


def test_numbers_below_0_have_no_reciprocal() -> None:
    arithmetic = load_machine("nl_dpe").parts["acam"].arithmetic(Setting("acam"))
    got = numbers(arithmetic, step("reciprocal", np.array([-3.0, 0.5, 2.0])))
    assert got[0] == got[1] == 2
    assert "reciprocal is stored for numbers above 0, and reads some down to -3" in arithmetic.remarks()[0]


@pytest.mark.parametrize(("machine", "part"), [("nl_dpe", "acam"), ("race_it", "race"), ("puma_flex", "flex")])
def test_what_is_no_number_stays_so(machine: str, part: str) -> None:
    arithmetic = load_machine(machine).parts[part].arithmetic(Setting(part))
    x = np.array([0.5, np.nan, 1.0])
    for name in ("tanh", "exp"):
        np.testing.assert_array_equal(np.isnan(numbers(arithmetic, step(name, x))), [False, True, False])
    logs = arithmetic.compute(step("log", x))
    assert isinstance(logs, Log)
    np.testing.assert_array_equal(np.isnan(logs.magnitude), [False, True, False])
    if part == "race":
        np.testing.assert_array_equal(np.isnan(numbers(arithmetic, step("multiply", x, x))), [False, True, False])


def test_errors_of_bounds_are_drawn_for_each_table() -> None:
    """By the seed, the part, the function and its range: every programmed column has errors of its own."""
    x = np.linspace(-2, 2, 4001)

    def error(sigma: float, part: str = "acam", seed: int = 0, scale: float = 1.0) -> np.ndarray:
        on = load_machine("nl_dpe", [f"parts.acam.errors.bounds={sigma}"]).parts["acam"]
        return numbers(on.arithmetic(Setting(part, seed)), step("tanh", scale * x)) - np.tanh(scale * x)

    np.testing.assert_array_equal(error(0.001), error(0.001))
    assert (error(0.001) != error(0.001, seed=1)).any()
    assert (error(0.001) != error(0.001, part="other")).any()
    wrong = [np.abs(error(0.003, scale=scale)) > 0.05 for scale in (1.0, 1 + 1e-9)]
    assert (wrong[0] != wrong[1]).any()
    sizes = [float(np.sqrt((error(sigma) ** 2).mean())) for sigma in (0, 1e-3, 1e-2)]
    assert sizes == sorted(sizes)
