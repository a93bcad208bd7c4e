"""Windows: which positions of a source a position needs, axis by axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """Of one axis: index i needs `taps` indices of the source, from i // grow * stride - pad on, `apart` apart.

    Indices outside the source are padding. Stride 0 gives all indices the same interval.
    """

    taps: int = 1
    stride: int = 1
    pad: int = 0
    apart: int = 1
    grow: int = 1

    @property
    def span(self) -> int:
        """Indices from the first needed to the last."""
        return (self.taps - 1) * self.apart + 1

    def first(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first index that each of these needs; below 0 it is padding."""
        found: NDArray[np.int64] = index // self.grow * self.stride - self.pad
        return found

    def of(self, inner: "Interval") -> "Interval | None":
        """What is needed of a source by one that needs `inner` of what needs this interval of it.

        None where it is no interval of this kind. The result keeps the first and last index, not the gaps, and may be
        wider where a position of the source is seen by several in a row.
        """
        if inner == SAME:
            return self
        whole = inner.stride % self.grow == 0
        if self.grow > 1 and (inner.grow > 1 or not (whole or (inner.stride > 0 and self.grow % inner.stride == 0))):
            return None
        # groups counted from that in which the first index needed lies; where it may be any of its group, the widest
        slack = 0 if whole else self.grow - inner.stride
        low, high = -inner.pad // self.grow, (slack + inner.span - 1 - inner.pad) // self.grow
        stride, grow = (inner.stride // self.grow, inner.grow) if whole else (1, self.grow // inner.stride)
        more = (high - low) * self.stride  # from the first to the last; below 0 where indices run backwards
        pad = self.pad - low * self.stride - min(0, more)
        return Interval(abs(more) + self.span, stride * self.stride, pad, 1, grow)


SAME = Interval()


def everything(size: int) -> Interval:
    """All of so many indices, for each index."""
    return Interval(taps=size, stride=0)


def group(size: int) -> Interval:
    """The group of so many indices that an index is in."""
    return Interval(taps=size, stride=size, grow=size)


def around(indices: Sequence[int], size: int) -> Interval:
    """The narrowest interval in which the index that is picked for each of a row lies, of so many.

    It moves on by one index each time, or as fast as the row is longer or shorter than what is picked of.
    """
    wanted, places = np.array(indices, np.int64), np.arange(len(indices))
    common = gcd(len(indices), size) or 1
    found = everything(size)
    for stride, grow in ((1, 1), (size // common, len(indices) // common)):
        ahead = wanted - places // grow * stride
        taps = int(ahead.max() - ahead.min()) + 1
        if taps < found.taps:
            found = Interval(taps, stride, -int(ahead.min()), 1, grow)
    return found


@dataclass(frozen=True, slots=True)
class Window:
    """A kernel over a map of `size`, whose results are a map of `out`; all are tuples, an entry for each axis.

    kernel: indices from the first needed to the last. grow: each position of the source is seen by so many results in
    a row (as when pixels are shuffled out of channels, or repeated).
    """

    size: tuple[int, ...]
    out: tuple[int, ...]
    kernel: tuple[int, ...] = (1, 1)
    stride: tuple[int, ...] = (1, 1)
    pad: tuple[int, ...] = (0, 0)
    grow: tuple[int, ...] = (1, 1)

    @classmethod
    def of(cls, size: tuple[int, ...], out: tuple[int, ...], intervals: tuple[Interval, ...]) -> "Window":
        """The window that has these intervals."""
        rows = tuple((each.span, each.stride, each.pad, each.grow) for each in intervals)
        kernel, stride, pad, grow = zip(*rows, strict=True)
        return cls(size, out, kernel, stride, pad, grow)

    def last(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The last position of the source that each of these positions sees, counted row by row."""
        return self._at(rows, tuple(kernel - 1 for kernel in self.kernel))

    def first(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first one."""
        return self._at(rows, (0,) * len(self.kernel))

    def _at(self, rows: NDArray[np.int64], offsets: tuple[int, ...]) -> NDArray[np.int64]:
        found = np.zeros_like(rows)
        inner = np.cumprod((1, *reversed(self.out[1:])))[::-1]
        for axis, more in enumerate(offsets):
            at = rows // inner[axis] % self.out[axis] if axis else rows // inner[axis]
            begin = at // self.grow[axis] * self.stride[axis] - self.pad[axis]
            found = found * self.size[axis] + np.clip(begin + more, 0, self.size[axis] - 1)
        return found
