"""Steps by RACE units, against plain numpy: rectangles and runs of codes, cut to the columns that an array has."""

import json

import numpy as np
import pytest

from archsim import load_machine, resources
from archsim.errors import ArchsimError
from archsim.kernels.acam_cover import compile_product
from archsim.kernels.race_steps import RaceArithmetic
from archsim.steps.arithmetic import StepCall, span_of
from archsim.steps.functions import FUNCTIONS, Attributes
from tests.kernels.test_table_steps import CURVES, decoded, nearest, numbers, step, stored

ROWS = (
    (64, 64, 56, 46, 43, 21, 10, 6),
    (64, 56, 50, 45, 23, 13, 7, 6),
    (64, 54, 51, 49, 35, 18, 10, 6),
    (50, 49, 51, 48, 29, 15, 7, 6),
    (50, 53, 49, 47, 43, 21, 10, 6),
    (50, 56, 43, 48, 23, 13, 7, 6),
)
"""Of each bit of a 4-bit product, Gray-coded 0 to 5 times: minimum covers, by another program."""
Rectangle = tuple[int, int, int, int]


def rectangles(depth: int) -> list[list[Rectangle]]:
    file = resources.find("hw_configs/tables") / "products_4b.json"
    return [[tuple(one) for one in bit] for bit in json.loads(file.read_text(encoding="utf-8"))[str(depth)]]


def cells(rectangle: Rectangle) -> set[tuple[int, int]]:
    left, right, low, high = rectangle
    return {(x, y) for x in range(left, right + 1) for y in range(low, high + 1)}


def cut(cover: list[Rectangle], columns: int) -> list[Rectangle]:
    """Without those that alone cover the fewest pairs, one after the other."""
    while len(cover) > columns:
        alone = [len(cells(one) - set().union(*(cells(other) for other in cover if other is not one))) for one in cover]
        cover = [one for at, one in enumerate(cover) if at != alone.index(min(alone))]
    return cover


def four_bit_table(depth: int, columns: int) -> np.ndarray:
    gray = np.zeros((16, 16), np.int64)
    for bit, cover in enumerate(rectangles(depth)):
        for one in cut(cover, columns):
            for x, y in cells(one):
                gray[x, y] |= 1 << bit
    return decoded(gray.ravel(), 8, depth).reshape(16, 16)


@pytest.mark.parametrize("depth", range(6))
def test_stored_rectangles_are_minimum_covers(depth: int) -> None:
    """Each covers what is set in its bit of the product's Gray code, and no more."""
    covers = rectangles(depth)
    assert tuple(map(len, covers)) == ROWS[depth]
    pairs = [(x, y) for x in range(16) for y in range(16)]
    gray = {(x, y): x * y for x, y in pairs}
    for _ in range(depth):
        gray = {pair: code ^ (code >> 1) for pair, code in gray.items()}
    for bit, cover in enumerate(covers):
        assert set().union(*map(cells, cover)) == {pair for pair in pairs if gray[pair] >> bit & 1}


def test_stored_rectangles_are_as_few_as_when_compiled_anew() -> None:
    """One depth of the script's, whose solver proves each minimum."""
    again = compile_product(lambda x, y: x * y, 4, depth=3)
    assert again.rows_per_bit == ROWS[3]
    assert all(cover.exact for cover in again.covers)


@pytest.mark.parametrize(("columns", "rounds"), [(64, 0), (50, 3), (40, 3), (20, 1)])
def test_products_are_four_look_ups(columns: int, rounds: int) -> None:
    """All pairs of codes: signs apart, halves of 4 bits, shifted and added; wrong where columns are too few."""
    table = four_bit_table(rounds, columns)
    codes = np.arange(-127, 128)
    got = numbers(RaceArithmetic("race", columns, rounds), step("multiply", codes[:, None] * 0.5, codes * 0.25))
    size = np.abs(codes)
    expected = np.zeros((255, 255), np.int64)
    for one, other, shift in ((0, 0, 0), (0, 4, 4), (4, 0, 4), (4, 4, 8)):
        expected += table[(size >> one & 15)[:, None], (size >> other & 15)[None]] << shift
    np.testing.assert_array_equal(got, np.sign(codes)[:, None] * np.sign(codes) * expected * 0.125)
    if columns == 64:
        np.testing.assert_array_equal(got, codes[:, None] * codes * 0.125)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize(("columns", "rounds", "arrays"), [(50, 3, 2), (50, 3, 1), (16, 2, 1)])
def test_functions_are_coded_as_loses_least(name: str, columns: int, rounds: int, arrays: int) -> None:
    """Of 256 codes of the operand the nearest of 256 results, in the Gray code with the least squared error."""
    span = np.array([0.2, 4.0]) if name in ("reciprocal", "rsqrt") else np.array([-4.0, 3.0])
    points = np.linspace(span[0], span[1], 256)
    exact = FUNCTIONS[name].compute(points, Attributes())
    assert isinstance(exact, np.ndarray)
    codes, best, least = nearest(exact, 255), exact, np.inf
    for depth in range(rounds + 1):
        read = stored(codes, 8, depth, [columns * arrays] * 8)
        results = exact.min() + (exact.max() - exact.min()) * read / 255
        error = float(((results - exact) ** 2).sum())
        if error < least:
            best, least = results, error
    x = np.concatenate([points, points + 0.4 * (points[1] - points[0]), [span[0] - 5, span[1] + 5]])
    arithmetic = RaceArithmetic("race", columns, rounds, arrays)
    got = numbers(arithmetic, StepCall(name, FUNCTIONS[name], [x], [span_of(span)], Attributes()))
    np.testing.assert_array_equal(got, np.concatenate([best, best, best[[0, -1]]]))
    whole = exact.min() + (exact.max() - exact.min()) * codes / 255
    wrong = int((np.abs(best - whole) > 1e-9).sum())
    said = f"race: {name} does not fit into {columns * arrays} columns: {wrong} of 256 codes are wrong"
    assert arithmetic.remarks() == ((said,) if wrong else ())


def test_an_array_has_a_row_for_each_bit() -> None:
    with pytest.raises(ArchsimError, match="race: found 4 'rows'; expected 8 at least, one for each bit of a result"):
        load_machine("race_it", ["parts.race.rows=4"])
