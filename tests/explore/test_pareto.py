import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.explore.pareto import frontier, hypervolume, knee


def brute(values: list[list[int]]) -> set[int]:
    def beats(a: list[int], b: list[int]) -> bool:
        return all(x <= y for x, y in zip(a, b, strict=True)) and a != b

    return {n for n, mine in enumerate(values) if not any(beats(other, mine) for other in values)}


def lists(objectives: int, most: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(st.integers(0, 5), min_size=objectives, max_size=objectives), min_size=1, max_size=most)


@given(st.integers(1, 4).flatmap(lambda objectives: lists(objectives, 40)))
def test_the_frontier_is_that_of_all_pairs(values: list[list[int]]) -> None:
    assert set(frontier(np.array(values, float)).tolist()) == brute(values)


def test_a_frontier_by_hand() -> None:
    """(2, 2) beats (3, 2) and (2, 3); equal points stay together."""
    values = np.array([[3.0, 2.0], [1.0, 4.0], [2.0, 2.0], [2.0, 3.0], [4.0, 1.0], [2.0, 2.0]])
    assert frontier(values).tolist() == [1, 2, 5, 4]


def test_the_knee_is_nearest_to_the_best_of_all() -> None:
    """Scaled: (0, 1), (0.2, 0.2), (1, 0); the middle one is 0.28 from (0, 0)."""
    assert knee(np.array([[10.0, 1.0], [12.0, 0.2], [20.0, 0.0]])) == 1
    assert knee(np.array([[5.0, 5.0]])) == 0


def test_areas_and_volumes_by_hand() -> None:
    """(1, 2), (2, 1) under (3, 3): 2 x 1 + 1 x 1, and three times that with a height of 3."""
    assert hypervolume(np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([3.0, 3.0])) == 3.0
    three = np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0]])
    assert hypervolume(three, np.array([3.0, 3.0, 3.0])) == 9.0
    assert hypervolume(np.array([[4.0, 1.0]]), np.array([3.0, 3.0])) == 0.0
    assert hypervolume(np.array([[1.0], [2.0]]), np.array([5.0])) == 4.0
    with pytest.raises(ValueError, match="at most 3"):
        hypervolume(np.zeros((1, 4)), np.ones(4))


def test_a_point_on_the_reference_has_no_volume() -> None:
    """Each of the two points has the worst value of an objective: nothing lies between them and the reference."""
    for objectives in (1, 2, 3):
        worst = np.ones(objectives)
        assert hypervolume(np.array([worst, worst]), worst) == 0.0
    assert hypervolume(np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]), np.ones(3)) == 0.0


@given(st.integers(1, 3).flatmap(lambda objectives: lists(objectives, 8)), st.integers(1, 6))
def test_volumes_are_those_of_unit_cubes(values: list[list[int]], worst: int) -> None:
    """A cube of whole corners is dominated if a point lies at or below its lowest corner.

    Points repeat, and lie on the reference or beyond it.
    """
    points = np.array(values + values[:2], float)
    k = points.shape[1]
    cubes = np.stack(np.meshgrid(*[np.arange(float(worst))] * k, indexing="ij"), -1).reshape(-1, k)
    counted = sum(bool(np.any(np.all(points <= cube, axis=1))) for cube in cubes)
    assert hypervolume(points, np.full(k, float(worst))) == counted
