"""Bounds of analog CAMs that are off: as converters and as tables, against plain numpy and against the normal law."""

from dataclasses import replace
from math import erf, sqrt
from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.kernels import reference
from archsim.kernels.acam_functions import function
from archsim.kernels.acam_gray import from_gray
from archsim.kernels.acam_noise import TableSearches
from archsim.kernels.acam_table import compile_table
from archsim.kernels.crossbar import program
from archsim.kernels.draws import generator, key, normals
from archsim.kernels.encode import encode
from archsim.kernels.spec import Adc, ArraySpec, Signs
from archsim.machine import load_machine
from archsim.values.arrays import array_spec

RNG = np.random.default_rng(5)
ONE_ROW = ArraySpec(rows=1, cell_bits=4, weight_bits=5, input_bits=4, read_bits=4)
"""Sums from -225 to 225, in one conversion."""


def normal(deviations: float) -> float:
    """Share of normal numbers that are below."""
    return 0.5 * (1 + erf(deviations / sqrt(2)))


@pytest.mark.parametrize("signs", ["differential", "offset", "sign_magnitude"])
@pytest.mark.parametrize(("bounds", "search"), [(0.02, 0.0), (0.0, 0.02), (0.01, 0.01)])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_converters_are_those_of_plain_numpy_to_the_bit(
    signs: Signs, bounds: float, search: float, share: float
) -> None:
    """Plain numpy draws for every bound; the kernel for those alone that can be on the other side. With a share of 0.1
    not all codes are programmed."""
    adc = Adc(5, "clipped", share, bounds=bounds, search=search)
    spec = ArraySpec(rows=16, cell_bits=3, weight_bits=4, input_bits=2, signs=signs, adc=adc)
    weights, inputs = RNG.integers(-7, 8, (30, 3)), RNG.integers(0, 4, (4, 30))
    array = program(spec, weights, seed=3, part="p")
    n_rows, n_sums, halves = len(reference.cam_ranges(5)), len(array.span.low), 1 + (signs == "sign_magnitude")
    lanes = np.uint64(1 << 32) * np.arange(n_rows, dtype=np.uint64)

    def by_definition(steps: np.ndarray, block: int, half: int, number: int) -> np.ndarray:
        width = float((array.span.high[number] - array.span.low[number]) * (1.0 / array.span.step[number]))
        stay = generator(3, f"p/{block}/{half}", "bounds").standard_normal((3, n_rows, 2), np.float32)
        codes = np.zeros(steps.shape, np.int64)
        for n, col in np.ndindex(*steps.shape):
            stream = np.uint64((7 + n) * 2**20 + col), np.uint64((block * halves + half) * n_sums + number)
            word = np.uint64(key(3, "p", "search"))
            new = np.array([normals(stream[0], stream[1] + lane, word) for lane in lanes])
            errors = bounds * width * stay[col].astype(np.float64), search * width * new
            codes[n, col] = reference.cam_search(float(steps[n, col]), 5, int(width + 0.5), *errors)
        return codes

    found, lost = array.multiply(inputs, first=7)
    expected, outside = reference.multiply(spec, encode(spec, weights), array.span, inputs, by_definition)
    assert np.abs(found - expected).max() < 1e-9  # equal codes: steps are added up in another order
    assert lost == outside
    ideal, _ = reference.multiply(spec, encode(spec, weights), array.span, inputs)
    assert share < 0.6 or (found != ideal).any()  # ranges of six steps have errors of a tenth of one


@pytest.mark.parametrize("use", ["bounds", "search"])
def test_a_single_bound_is_crossed_as_often_as_the_normal_law_says(use: str) -> None:
    """One bit: a bound at 0, in the middle of 450. Of columns, and of searches of a column, normal(sum / 9) read 1."""
    spec = replace(ONE_ROW, adc=Adc(1, bounds=0.02) if use == "bounds" else Adc(1, search=0.02))
    weights = np.tile(np.arange(-15, 16), (1, 400))
    inputs = np.full((20, 1), 1)
    found = program(spec, weights, seed=1).multiply(inputs)[0].reshape(20, 400, 31)
    assert set(np.unique(found)) == {-225, 225}
    read = (found > 0).mean(axis=1)
    for at, total in enumerate(range(-15, 16)):
        share = normal(total / 9)
        draws = 400 if use == "bounds" else 8000
        assert read[:, at].mean() == pytest.approx(share, abs=4.5 * sqrt(share * (1 - share) / draws) + 1e-9)
    again = (found[0] == found).all()
    assert again == (use == "bounds")


@pytest.mark.parametrize(("bounds", "search"), [(0.003, 0.002), (0.0, 0.01), (0.05, 0.05)])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_tables_are_searched_as_by_plain_numpy(bounds: float, search: float, depth: int) -> None:
    table = compile_table(function("gelu"), 5, depth=depth)
    x = np.linspace(-4, 4, 61).reshape(1, 61)
    found = TableSearches(table, bounds, search, 2, "core").codes(x, 100)
    rows = [(bit, *ends) for bit, ranges in enumerate(table.ranges) for ends in ranges]
    stay = generator(2, "core", "programming").standard_normal((len(rows), 2))
    for n, value in enumerate(x[0]):
        stored = 0
        for row, (bit, begin, end) in enumerate(rows):
            word = np.uint64(key(2, "core", "search"))
            one, other = normals(np.uint64(100 + n), np.uint64(row << 32), word)
            begins, ends = (at + bounds * 8 * off for at, off in zip((begin, end), stay[row], strict=True))
            stored |= (begins + search * 8 * one <= value < ends + search * 8 * other) << bit
        assert found[0, n] == from_gray(np.array(stored), 5, depth)


def test_without_errors_of_a_search_tables_are_as_programmed() -> None:
    table = compile_table(function("silu"), 8, depth=1)
    x = np.linspace(-4, 4, 5001)
    assert (TableSearches(table, 0.01, 0.0, 4, "core").codes(x, 0) == table.disturbed(0.01, 4, "core").search(x)).all()
    assert (TableSearches(table, 0.0, 1e-12, 4, "core").codes(x[1:-1], 0) == table.search(x[1:-1])).all()


def test_searches_in_a_table_follow_the_normal_law() -> None:
    """The lowest bit of the identity over 8 bits has its bounds two steps apart, those of the highest one lie alone."""
    table = compile_table(function("identity"), 3, depth=1)
    searches = TableSearches(table, 0.0, 0.02, 0, "core")
    middle, sigma = 0.0, 0.02 * 2  # a range of -1 to 1; the highest bit begins in the middle
    for off in (-1.0, 0.0, 0.5, 2.0):
        codes = searches.codes(np.full(20_000, middle + off * sigma), 0)
        assert (codes >= 4).mean() == pytest.approx(normal(off), abs=0.015)


def test_a_machine_file_says_both_and_each_column_is_on_its_own(tmp_path: Path) -> None:
    text = "extends: nl_dpe\nname: noisy\nparts: {acam: {errors: {bounds: 0.01, search: 0.002}}}\n"
    (tmp_path / "noisy.yaml").write_text(text)
    machine = load_machine(str(tmp_path / "noisy.yaml"))
    spec = array_spec(machine)
    assert (spec.adc.bounds, spec.adc.search) == (0.01, 0.002)
    weights = np.tile(RNG.integers(-127, 128, (spec.rows, 1)), (1, 50))
    inputs = RNG.integers(-127, 128, (3, spec.rows))
    found = program(replace(spec, adc=replace(spec.adc, search=0.0)), weights, samples=inputs).multiply(inputs)[0]
    assert (np.ptp(found, axis=1) > 0).all()
    with pytest.raises(ArchsimError, match=r"found an analog CAM of 13 bits; expected 1 to 12"):
        replace(spec, adc=replace(spec.adc, bits=13))


def test_errors_grow_with_the_deviation_of_bounds() -> None:
    spec = replace(ONE_ROW, rows=64, adc=Adc(8))
    weights, inputs = RNG.integers(-15, 16, (64, 200)), RNG.integers(0, 16, (20, 64))
    errors = []
    for sigma in (0.0, 0.002, 0.005, 0.01, 0.02):
        pair = []
        for adc in (Adc(8, bounds=sigma), Adc(8, search=sigma)):
            array = program(replace(spec, adc=adc), weights)
            pair.append(np.std(array.multiply(inputs)[0] - inputs @ weights))
        assert pair[0] == pytest.approx(pair[1], rel=0.1)  # one draw for a table, or one for a search: the same size
        errors.append(pair[0])
    assert errors == sorted(errors)
