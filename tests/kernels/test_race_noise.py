"""RACE units whose bounds have errors, against draws of every bound in plain numpy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from archsim.kernels.acam_functions import function
from archsim.kernels.acam_products import four_bit_products
from archsim.kernels.acam_table import Table, compile_table
from archsim.kernels.draws import generator
from archsim.kernels.race_noise import BoundErrors, pair_searches, table_searches
from archsim.kernels.race_steps import RaceArithmetic
from archsim.machine import load_machine
from archsim.steps.arithmetic import Setting, StepCall, span_of
from archsim.steps.functions import FUNCTIONS, Attributes

DRAWS = 4_000


def decoded(bits: Sequence[np.ndarray], depth: int) -> np.ndarray:
    """Of stored bits, the lowest first."""
    gray = np.zeros(bits[0].shape, np.int64)
    for place, bit in enumerate(bits):
        gray |= bit.astype(np.int64) << place
    for _ in range(depth):
        gray = np.bitwise_xor.reduce([gray >> shift for shift in range(len(bits))])
    return gray


def drawn_results(table: Table, code: int, stay: Sequence[np.ndarray], search: float) -> np.ndarray:
    """Of many searches for a code, with new errors for every bound at each."""
    rng, width = np.random.default_rng(code), (1 << table.bits) - 1
    bits = []
    for ranges, errors in zip(table.ranges, stay, strict=True):
        moved = ranges + errors + search * width * rng.normal(size=(DRAWS, *ranges.shape))
        bits.append(((code >= moved[..., 0]) & (code < moved[..., 1])).any(axis=1))
    return decoded(bits, table.depth)


def alike(one: np.ndarray, other: np.ndarray, most: int) -> None:
    """Two samples have every result as often, to five deviations."""
    shares = [np.bincount(sample, minlength=most) / len(sample) for sample in (one, other)]
    deviation = np.sqrt((shares[0] * (1 - shares[0]) + 1 / len(one)) * 2 / len(one))
    assert (np.abs(shares[0] - shares[1]) <= 5 * deviation).all()


@pytest.mark.parametrize(("bounds", "search"), [(0.01, 0.0), (0.0, 0.004), (0.005, 0.003)])
def test_a_function_is_searched_with_errors_of_every_bound(bounds: float, search: float) -> None:
    table = compile_table(function("gelu"), 6, depth=2, coded=True, start=-4, stop=4)
    searches = table_searches(table, BoundErrors(bounds, search), generator(1, "race", "programming"))
    rng = generator(1, "race", "programming")
    stay = [bounds * 63 * rng.standard_normal(ranges.shape) for ranges in table.ranges]
    assert searches.certain == (not search)
    for code in range(0, 64, 3):
        got = searches.read(np.full(DRAWS, code), np.random.default_rng(1000 + code))
        alike(drawn_results(table, code, stay, search), got, 64)


@pytest.mark.parametrize(("bounds", "search"), [(0.05, 0.0), (0.0, 0.05), (0.04, 0.03)])
def test_a_product_is_searched_with_errors_of_every_bound(bounds: float, search: float) -> None:
    four = four_bit_products(2, 64)
    searches = pair_searches(four.rectangles, 4, 2, BoundErrors(bounds, search), generator(1, "race", "programming"))
    rng, draws = generator(1, "race", "programming"), np.random.default_rng(3)
    stay = [bounds * 15 * rng.standard_normal(of_bit.shape) for of_bit in four.rectangles]
    read = searches.pairs(np.random.default_rng(4))
    for x, y in ((0, 0), (3, 5), (15, 15), (8, 7), (12, 1)):
        bits: list[np.ndarray] = []
        for of_bit, errors in zip(four.rectangles, stay, strict=True):
            edges = of_bit + np.array([-0.5, 0.5, -0.5, 0.5])
            moved = edges + errors + search * 15 * draws.normal(size=(DRAWS, *edges.shape))
            moved = np.where(edges < 0, -np.inf, np.where(edges > 15, np.inf, moved))
            inside = (moved[..., 0] <= x) & (x < moved[..., 1]) & (moved[..., 2] <= y) & (y < moved[..., 3])
            bits.append(np.asarray(inside.any(axis=1)))
        alike(decoded(bits, 2), read(np.full(DRAWS, x), np.full(DRAWS, y)), 256)


def by(arithmetic: RaceArithmetic, name: str, *operands: np.ndarray) -> np.ndarray:
    """A step's numbers."""
    spans = [span_of(np.array([-1.0, 1.0])) for _ in operands]
    return np.asarray(arithmetic.compute(StepCall(name, FUNCTIONS[name], list(operands), spans, Attributes())))


@pytest.mark.parametrize("name", ["multiply", "tanh"])
def test_errors_stay_or_come_new_at_each_search(name: str) -> None:
    """Of the same numbers: alike in all searches, or not; the same again with the same seed, others with another."""
    x = np.repeat(np.linspace(-1, 1, 41), 50)
    operands = (x, x[::-1]) if name == "multiply" else (x,)

    def results(bounds: float, search: float, seed: int = 0) -> np.ndarray:
        return by(RaceArithmetic("race", 64, 3, 1, {}, BoundErrors(bounds, search), seed), name, *operands)

    exact, stay, new = results(0, 0), results(0.05, 0), results(0, 0.05)
    assert (np.ptp(stay.reshape(41, 50), axis=1) == 0).all()
    assert (np.ptp(new.reshape(41, 50), axis=1) > 0).any()
    for bounds, search in ((0.05, 0.0), (0.0, 0.05)):
        assert (results(bounds, search) == results(bounds, search)).all()
        assert (results(bounds, search) != results(bounds, search, seed=1)).any()
    distances = [np.abs(results(sigma, 0) - exact).mean() for sigma in (0.01, 0.05, 0.2)]
    assert 0 <= distances[0] < distances[1] < distances[2]


def test_errors_far_below_half_a_code_change_nothing() -> None:
    """A bound lies half a code from the next one: 7 deviations of 0.0002 of 255 are 0.36 codes."""
    codes = np.linspace(-1, 1, 256)
    sound, noisy = (RaceArithmetic("race", 64, 3, 1, {}, BoundErrors(0, search)) for search in (0, 0.0002))
    assert (by(sound, "tanh", codes) == by(noisy, "tanh", codes)).all()
    assert (by(sound, "multiply", codes, codes[::-1]) == by(noisy, "multiply", codes, codes[::-1])).all()


def test_a_machine_file_says_both(tmp_path: Path) -> None:
    text = "extends: race_it\nname: noisy\nparts: {race: {errors: {bounds: 0.01, search: 0.002}}}\n"
    (tmp_path / "noisy.yaml").write_text(text)
    part = load_machine(str(tmp_path / "noisy.yaml")).parts["race"]
    arithmetic = part.arithmetic(Setting("race", 4))
    assert isinstance(arithmetic, RaceArithmetic)
    assert (arithmetic.errors, arithmetic.seed) == (BoundErrors(0.01, 0.002), 4)
