"""Small graphs that were counted or timed wrongly before, with figures by hand, and windows of windows."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.graph.job import make_job
from archsim.graph.nodes import Mask
from archsim.graph.windows import Interval
from tests.graph.attention_steps import Attend, Squares
from tests.graph.graph_checks import Made, check_counts, check_values, check_waits
from tests.graph.random_graphs import Program
from tests.graph.steps import Act, Gate, Linear, Mix, Norm, Step
from tests.graph.view_steps import Cut, Join, Merge, Repeated, Slice, Split
from tests.graph.window_steps import Conv, Moved

CAUSAL = Mask(causal=True)


def attend(axis: str, heads: int, kept: int, size: int, mask: Mask | None = None, past: int = 0) -> Attend:
    return Attend(axis, heads, kept, size, mask, past)


@pytest.mark.parametrize(
    ("start", "steps", "macs"),
    [
        # queries see 1, 2 and 3 keys, in scores and context: 2 x 6 pairs of 2 values, beside projections of 3 x 2 x 8
        pytest.param({"p": 3, "e": 2}, [attend("p", 1, 1, 2, CAUSAL)], 48 + 24, id="causal"),
        # of the last two: 1, 2 and 2
        pytest.param({"p": 3, "e": 2}, [attend("p", 1, 1, 2, Mask(causal=True, span=2))], 48 + 20, id="sliding"),
        # 2 keys of the past: 3, 4 and 5
        pytest.param({"p": 3, "e": 2}, [attend("p", 1, 1, 2, Mask(causal=True, past=2), 2)], 48 + 48, id="past"),
        # one query with 3 keys of the past, 2 heads of 2 that share keys: projections 2 x (4 + 2 + 2 + 4), 2 x 4 x 4
        pytest.param({"p": 1, "e": 2}, [attend("p", 2, 1, 2, Mask(causal=True, past=3), 3)], 24 + 32, id="one query"),
        # heads of a single value: 2 x 2 heads x (3 + 4) keys, projections 2 x 2 x 8
        pytest.param({"p": 2, "e": 2}, [attend("p", 2, 2, 1, Mask(causal=True, past=2), 2)], 32 + 28, id="one value"),
        # a batch of 2 after the sequence: twice as much
        pytest.param({"p": 3, "n": 2, "e": 2}, [attend("p", 1, 1, 2, CAUSAL)], 2 * 72, id="batch last"),
        # 2 rows of 2 pixels as one sequence of 4: 1 + 2 + 3 + 4 keys
        pytest.param({"p": 2, "q": 2, "e": 1}, [Merge("p", "q"), attend("q", 1, 1, 1, CAUSAL)], 16 + 20, id="raster"),
        # 2 x 2 pixels side by side are one place of 8 values: 4 places of 4 x 4, then of 16 x 3
        pytest.param(
            {"p": 4, "q": 4, "e": 1},
            [Linear(2), Split("p", 2), Split("q", 2), Merge("q", "e"), Merge("p", "e"), Linear(3)],
            32 + 4 * 8 * 3,
            id="patches merged",
        ),
        # 4 places as 2 x 2, of which the outer are mixed: 2 places of 2 x 3
        pytest.param({"p": 4, "e": 1}, [Split("p", 2), Mix("q", 3)], 12, id="digit mixed"),
        # 4 values as 2 places of 2 values, of which each has a group
        pytest.param({"n": 1, "e": 4}, [Cut((2, 2)), Conv((Moved("n"),), 2, 2)], 4, id="digits of one axis"),
        # attention in squares of 2 x 2 pixels: 16 x 4 projections, 2 x 16 x 4 pairs
        pytest.param({"p": 4, "q": 4, "e": 1}, [Squares("p", "q", 2, attend("q", 1, 1, 1))], 64 + 128, id="squares"),
    ],
)
def test_multiplications(start: dict[str, int], steps: list[Step], macs: int) -> None:
    made = Made.of(Program(tuple(start.items()), tuple(steps)))
    assert make_job(made.graph, "prefill", None, 0, 1).macs(made.graph) == macs
    check_counts(made)
    check_values(made, 2)
    check_waits(made, exact=False)


@pytest.mark.parametrize(
    ("start", "steps", "reader", "last"),
    [
        # before those of another map, which has the last two places
        pytest.param(
            {"p": 2, "n": 2, "e": 1},
            [Linear(1), Act("relu"), Join("p", 1), Norm("rmsnorm")],
            "step 4/norm",
            [0, 1, 1, 1, 2, 3, 3, 3],
        ),
        pytest.param(
            {"p": 4, "e": 1},
            [Linear(1), Slice("p", 3, 4, -1), Conv((Moved("p", 2),), 1)],
            "step 3/product",
            [3, 2, 1],
        ),
        pytest.param(
            {"p": 3, "e": 1},
            [Linear(1), Repeated("p", 2), Conv((Moved("p", 2),), 1)],
            "step 3/product",
            [1, 1, 2, 2, 2],
        ),
        # the mean of the first two of four
        pytest.param({"p": 4, "e": 1}, [Linear(1), Slice("p", 0, 2), Gate("p")], "step 3/reduced", [1]),
    ],
    ids=["joined", "backwards", "repeated", "part"],
)
def test_waits(start: dict[str, int], steps: list[Step], reader: str, last: list[int]) -> None:
    """For places of the first product."""
    made = Made.of(Program(tuple(start.items()), tuple(steps)))
    check_waits(made, exact=False)
    (edge,) = (edge for edge in made.graph.by_key[reader].inputs if edge.source == "step 1/product")
    assert edge.window is not None
    assert edge.window.last(np.arange(len(last))).tolist() == last


def test_keys_that_a_mask_hides_are_not_waited_for() -> None:
    check_waits(Made.of(Program((("n", 2), ("p", 4), ("e", 2)), (attend("p", 2, 1, 2, CAUSAL),))), exact=True)


INTERVALS = st.builds(
    Interval,
    st.integers(1, 3),
    st.sampled_from([-2, -1, 0, 1, 2, 3, 4]),
    st.integers(-2, 3),
    st.integers(1, 2),
    st.integers(1, 4),
)


@given(INTERVALS, INTERVALS)
def test_a_window_of_a_window_has_all_indices_of_both(outer: Interval, inner: Interval) -> None:
    def indices(interval: Interval, index: int) -> list[int]:
        begin = index // interval.grow * interval.stride - interval.pad
        return [begin + tap * interval.apart for tap in range(interval.taps)]

    both = outer.of(inner)
    if both is not None:
        for at, middle in product(range(12), range(inner.taps)):
            needed = indices(outer, indices(inner, at)[middle])
            assert min(indices(both, at)) <= min(needed)
            assert max(needed) <= max(indices(both, at))
