"""Packing rectangles into arrays."""

from hypothesis import given
from hypothesis import strategies as st

from archsim.mapping.packing import pack


def test_by_hand() -> None:
    """4 x 4 fills a bin; 4 x 2 and two of 2 x 2 another."""
    assert pack([(2, 2), (4, 4), (4, 2), (2, 2)], (4, 4)) == [1, 0, 1, 1]


@given(st.lists(st.tuples(st.integers(1, 16), st.integers(1, 16)), max_size=30))
def test_no_bin_holds_more_than_it_can(sizes: list[tuple[int, int]]) -> None:
    """Areas fit, and no more bins are used than there are rectangles; the same input gives the same bins."""
    bins = pack(sizes, (16, 16))
    for number in set(bins):
        held = [rows * cols for (rows, cols), at in zip(sizes, bins, strict=True) if at == number]
        assert sum(held) <= 256
    assert sorted(set(bins)) == list(range(len(set(bins))))
    assert bins == pack(sizes, (16, 16))


def test_rectangles_that_tile_a_bin_take_one() -> None:
    """64 of 2 x 2."""
    assert set(pack([(2, 2)] * 64, (16, 16))) == {0}
