"""Which places wait for which, against a brute force over every pixel."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from archsim.graph.job import SEQUENCE
from archsim.graph.windows import Window
from archsim.lowering.places import common, freed, seen_last


@st.composite
def windows(draw: st.DrawFn) -> Window:
    size = (draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    stride = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    pad = tuple(draw(st.integers(0, each - 1)) for each in kernel)
    spans = [n + 2 * p - k for n, p, k in zip(size, pad, kernel, strict=True)]
    out = tuple(max(0, span) // step + 1 for span, step in zip(spans, stride, strict=True))
    return Window(size, (out[0], out[1]), kernel, stride, (pad[0], pad[1]))


def places(sequences: int, number: int) -> np.ndarray:
    return np.concatenate([np.arange(number) + n * SEQUENCE for n in range(sequences)])


def pixels(window: Window, row: int) -> list[int]:
    """Positions of the source under the kernel; where it lies wholly in the padding, the nearest."""
    y, x = divmod(row, window.out[1])
    found = []
    for down in range(window.kernel[0]):
        for across in range(window.kernel[1]):
            at_y = y * window.stride[0] - window.pad[0] + down
            at_x = x * window.stride[1] - window.pad[1] + across
            at_y, at_x = min(max(at_y, 0), window.size[0] - 1), min(max(at_x, 0), window.size[1] - 1)
            found.append(at_y * window.size[1] + at_x)
    return found


@given(window=windows(), sequences=st.integers(1, 3))
def test_a_window_waits_for_all_of_its_pixels_and_frees_each_once(window: Window, sequences: int) -> None:
    """Sources come in order, so the last pixel is enough; nothing is freed that a later place still needs."""
    outs, ins = window.out[0] * window.out[1], window.size[0] * window.size[1]
    wanted, there = places(sequences, outs), places(sequences, ins)
    here, seen = seen_last(window, wanted, there)
    assert here.tolist() == list(range(len(wanted)))
    assert (np.diff(seen) >= 0).all()
    gone, needed = freed(window, wanted, there)
    assert gone.min() >= 0
    for sequence in range(sequences):
        mine = slice(sequence * outs, (sequence + 1) * outs)
        last = seen[mine] - sequence * ins
        held = np.concatenate([[0], np.cumsum(gone[mine])])
        assert held[-1] == ins
        for row in range(outs):
            assert max(pixels(window, row)) <= last[row]
            assert all(min(pixels(window, later)) >= held[row] for later in range(row, outs))
            assert last[row] + 1 - held[row] <= needed


def test_common_places_are_matched_in_the_order_asked() -> None:
    there = np.array([0, 2, 5, SEQUENCE + 1])
    here, at = common(np.array([5, 1, SEQUENCE + 1, SEQUENCE + 9]), there)
    assert (here.tolist(), at.tolist()) == ([0, 2], [2, 3])
    assert [found.tolist() for found in common(np.array([3]), np.empty(0, np.int64))] == [[], []]


def test_without_a_window_all_is_needed_to_the_end() -> None:
    gone, needed = freed(None, places(2, 3), places(2, 7))
    assert (gone.tolist(), needed) == ([0, 0, 7, 0, 0, 7], 7)
