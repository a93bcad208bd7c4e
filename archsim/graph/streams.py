"""Streams: the positions at which operators run, and the windows through which one is seen from another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Stream:
    """Positions in order: tokens of a sequence, pixels of a feature map.

    length: fixed by the model; None: by the job. causal: each sees only those before it. grows: new tokens join it.
    prompt: positions that are known before any is made, where the model says so and not the job. every: one position
    for so many of the job's, the last of which may have fewer.
    """

    name: str
    length: int | None = None
    causal: bool = False
    grows: bool = False
    prompt: int | None = None
    every: int = 1


TOKENS = Stream("tokens")
"""Of an encoder: all are known, and each sees all."""


@dataclass(frozen=True, slots=True)
class Window:
    """A kernel over a map of `size` (height, width), whose results are a map of `out`.

    kernel, stride and pad (before the first) are of (height, width); grow: each position of the source is seen by so
    many results in a row, both ways (as when pixels are shuffled out of channels, or repeated).
    """

    size: tuple[int, int]
    out: tuple[int, int]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    grow: tuple[int, int] = (1, 1)

    def last(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The last position of the source that each of these positions sees, counted row by row."""
        return self._at(rows, (self.kernel[0] - 1, self.kernel[1] - 1))

    def first(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first one."""
        return self._at(rows, (0, 0))

    def _at(self, rows: NDArray[np.int64], offset: tuple[int, int]) -> NDArray[np.int64]:
        y, x = np.divmod(rows, self.out[1])
        down, across = (
            np.clip(at // grow * stride - pad + more, 0, size - 1)
            for at, grow, stride, pad, more, size in zip(
                (y, x), self.grow, self.stride, self.pad, offset, self.size, strict=True
            )
        )
        found: NDArray[np.int64] = down * self.size[1] + across
        return found
