"""Intervals between edges, by a binary search of numpy's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.steps.intervals import Intervals

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def around(edges: np.ndarray) -> np.ndarray:
    """The edges, their neighbours among numbers, and what lies far beyond."""
    lower, upper = np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf)
    return np.concatenate([edges, lower, upper, (edges[1:] + edges[:-1]) / 2, [-np.inf, np.inf, 0.0]])


@given(st.lists(FINITE, max_size=60, unique=True), st.lists(FINITE, max_size=60))
def test_any_edges(edges: list[float], numbers: list[float]) -> None:
    with np.errstate(all="ignore"):
        ordered = np.unique(np.array(edges, np.float64))
        x = np.concatenate([around(ordered), numbers])
        below = Intervals(ordered).find(x)
    np.testing.assert_array_equal(below, np.searchsorted(ordered, x, side="right"))


@pytest.mark.parametrize("number", [1, 2, 255, 65_535])
@pytest.mark.parametrize("spread", ["even", "logarithmic", "random"])
def test_many_edges(number: int, spread: str) -> None:
    draw = np.random.default_rng(number)
    edges = {
        "even": np.linspace(-3, 5, number),
        "logarithmic": np.geomspace(1e-3, 7, number),
        "random": np.sort(draw.normal(size=number)),
    }[spread]
    x = np.concatenate([around(edges), draw.normal(scale=3, size=100_000)])
    intervals = Intervals(edges)
    np.testing.assert_array_equal(intervals.find(x), np.searchsorted(edges, x, side="right"))
    square = x[:400].reshape(20, 20) if len(x) >= 400 else x
    assert intervals.find(square).shape == square.shape
