import numpy as np
import pytest

from archsim.explore.sensitivity import first_order, one_at_a_time


def test_shares_of_a_sum_add_up_to_one() -> None:
    """y = a + 3 b on a, b in {0, 1}: variances 1/4 and 9/4, so shares 0.1 and 0.9."""
    a, b = [0, 0, 1, 1], [0, 1, 0, 1]
    y = np.array([0.0, 3.0, 1.0, 4.0])
    assert first_order(a, y) == pytest.approx(0.1)
    assert first_order(b, y) == pytest.approx(0.9)


def test_a_product_has_a_joint_share() -> None:
    """y = a b on {-1, 1}: no axis alone explains anything."""
    assert first_order([0, 0, 1, 1], np.array([1.0, -1.0, -1.0, 1.0])) == 0.0


def test_unequal_groups_are_weighed() -> None:
    """Levels 0, 0, 1 with y = 0, 3, 6: means 1.5 and 6 about 3, so (2 x 2.25 + 9) / 3 over 6: 0.75."""
    assert first_order([0, 0, 1], np.array([0.0, 3.0, 6.0])) == pytest.approx(0.75)


def test_nothing_varies() -> None:
    assert first_order([0, 1], np.array([2.0, 2.0])) is None


def test_one_axis_alone() -> None:
    """Around (1, 0), worth 4: the first axis gives 2 and 6, the second has no other point."""
    values: dict[tuple[int, ...], float] = {(0, 0): 2.0, (1, 0): 4.0, (2, 0): 6.0, (0, 1): 100.0}
    assert one_at_a_time(values, (1, 0), 0, 3) == (-0.5, 0.5)
    assert one_at_a_time(values, (1, 0), 1, 2) is None
