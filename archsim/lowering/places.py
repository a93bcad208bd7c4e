"""Which places wait for which: places of an operator matched with those of a source that it needs."""

import numpy as np
from numpy.typing import NDArray

from archsim.graph.job import SEQUENCE, Places
from archsim.graph.windows import Window

Indices = NDArray[np.int64]


def common(wanted: Places, there: Places) -> tuple[Indices, Indices]:
    """Indices into both of the places that are in both; `there` is in order."""
    if wanted is there:  # operators of one stream
        every = np.arange(len(there))
        return every, every
    if not len(there):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    at = np.searchsorted(there, wanted)
    at[at == len(there)] = 0
    found = np.flatnonzero(there[at] == wanted)
    return found, at[found]


def seen_last(window: Window, wanted: Places, there: Places) -> tuple[Indices, Indices]:
    """As `common`, of each wanted place and the last place of the source that it or one before it sees.

    At the lower edge of a map a place sees less than those of the row above; results are made in order all the same.
    """
    return common(_needed(window, wanted, there), there)


def _needed(window: Window, wanted: Places, there: Places) -> Places:
    """A sequence whose length a job says may end before a window does."""
    sequence, row = np.divmod(wanted, SEQUENCE)
    last = np.minimum(window.last(row), _positions(there, sequence) - 1)
    needed: Places = np.maximum.accumulate(sequence * SEQUENCE + last)
    return needed


def _positions(there: Places, sequence: Indices) -> Indices:
    """Positions of each of these sequences that are there."""
    found: Indices = np.bincount(there // SEQUENCE, minlength=int(sequence.max(initial=0)) + 1)[sequence]
    return found


def followed(window: Window | None, wanted: Places, there: Places) -> tuple[Indices, Indices]:
    """As `common`, of each wanted place and the place of the source just before it, if it has one.

    Under a window the first of a sequence has none: it would be itself.
    """
    if window is None:
        return common(wanted - 1, there)
    row = wanted % SEQUENCE
    last = window.last(row)
    return common(np.where(last < row, wanted - row + last, -1), there)


def freed(window: Window | None, wanted: Places, there: Places) -> tuple[Indices, int]:
    """Positions of a source that each place is the last of its operator to need; and the most needed at a time.

    Without a window every position is needed until the last place of its sequence.
    """
    sequence, row = np.divmod(wanted, SEQUENCE)
    whole = _positions(there, sequence)
    ends = np.append(sequence[1:] != sequence[:-1], np.ones(min(1, len(row)), np.bool_))
    if window is None:
        return np.where(ends, whole, 0), int(whole.max(initial=1))
    # what a later place still needs is kept: places see their windows in order, but for maps that grow
    order = np.minimum.accumulate((window.first(row) + sequence * SEQUENCE)[::-1])[::-1]
    begin = order - sequence * SEQUENCE
    starts = np.append(np.ones(min(1, len(row)), np.bool_), ends[:-1])
    until = np.where(ends, whole, np.append(begin[1:], np.zeros(min(1, len(row)), np.int64)))
    needed = int((_needed(window, wanted, there) - sequence * SEQUENCE - begin).max(initial=0)) + 1
    return until - np.where(starts, 0, begin), needed
