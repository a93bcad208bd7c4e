"""Staircases and axes of a sweep's plots."""

import pytest

from archsim.report.sweep_plots import _kind, _stairs

X, Y = [1.0, 2.0, 3.0, 2.0, 3.0], [5.0, 3.0, 4.0, 6.0, 1.0]


@pytest.mark.parametrize(
    ("signs", "best"),
    [
        ((1, 1), [(1.0, 5.0), (2.0, 3.0), (3.0, 1.0)]),  # left and below
        ((1, -1), [(1.0, 5.0), (2.0, 6.0)]),  # left and above
        ((-1, 1), [(3.0, 1.0)]),  # right and below
        ((-1, -1), [(2.0, 6.0), (3.0, 4.0)]),  # right and above
    ],
)
def test_the_best_of_two_objectives(signs: tuple[int, int], best: list[tuple[float, float]]) -> None:
    assert _stairs((X, Y), signs) == best


def test_values_over_more_than_a_decade_have_a_logarithmic_axis() -> None:
    assert [_kind([1.0, 11.0]), _kind([1.0, 9.0]), _kind([0.0, 9.0])] == ["log", "linear", "linear"]
