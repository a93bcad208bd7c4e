"""Products of signed 8-bit codes from products of pairs of 4 bits that analog CAMs store as rectangles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.acam_cover import Cover, Product, Rectangles
from archsim.resources import find

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Codes = NDArray[np.int64]

_BITS = 4
_LOW = (1 << _BITS) - 1
DEEPEST = 5
"""How often results are Gray-coded at most: of each depth the rectangles are stored."""


@dataclass(frozen=True, eq=False)
class FourBitProducts:
    """What an array gives for each pair of codes of 4 bits.

    Parameters
    ----------
    rectangles
        Of each bit of a result, the lowest first; as `Cover` has them.
    table
        Results, int64 (16, 16).
    columns
        That a result's bit needs at most.
    depth
        How often results are Gray-coded.
    wrong
        Pairs whose result is not their product, as rectangles did not fit.
    """

    rectangles: tuple[Rectangles, ...]
    table: Codes
    columns: int
    depth: int
    wrong: int

    def read(self, x: Codes, y: Codes) -> Codes:
        """Results for codes."""
        return np.asarray(self.table[x, y])


@cache
def four_bit_products(depth: int, columns: int) -> FourBitProducts:
    """The products of 4-bit codes as stored in an array.

    Parameters
    ----------
    depth
        How often results are Gray-coded, up to `DEEPEST`.
    columns
        Rectangles that there is room for in each bit's row. Where more are needed, those are left out that cover the
        fewest pairs that no other covers.
    """
    stored = json.loads((find("hw_configs/tables") / "products_4b.json").read_text(encoding="utf-8"))[str(depth)]
    covers = [np.array(rectangles, np.int64).reshape(-1, 4) for rectangles in stored]
    fitted = tuple(Cover(_fitted(rectangles, columns), columns) for rectangles in covers)
    x, y = np.meshgrid(np.arange(1 << _BITS), np.arange(1 << _BITS), indexing="ij")
    table = Product(_BITS, 2 * _BITS, depth, fitted).search(x, y)
    rectangles = tuple(of_bit.rectangles for of_bit in fitted)
    return FourBitProducts(rectangles, table, max(map(len, covers)), depth, int((table != x * y).sum()))


def _fitted(rectangles: Rectangles, columns: int) -> Rectangles:
    """So many of them."""
    x, y = np.arange(1 << _BITS)[:, None], np.arange(1 << _BITS)
    while len(rectangles) > columns:
        inside = np.stack([(x >= a) & (x <= b) & (y >= c) & (y <= d) for a, b, c, d in rectangles])
        alone = (inside & (inside.sum(axis=0) == 1)).sum(axis=(1, 2))
        rectangles = np.delete(rectangles, int(alone.argmin()), axis=0)
    return rectangles


def wide_product(a: Codes, b: Codes, pairs: Sequence[Callable[[Codes, Codes], Codes]]) -> Codes:
    """Products of codes from -255 to 255: signs apart, four products of 4 bits, shifted and added.

    Parameters
    ----------
    a, b
        Codes, of shapes that go together.
    pairs
        What the four arrays give for codes of 4 bits: for both low halves, the low one of a and the high one of b, the
        high one of a and the low one of b, and both high ones.
    """
    magnitudes = np.abs(a), np.abs(b)
    low, high = ([x & _LOW for x in magnitudes], [x >> _BITS for x in magnitudes])
    total = pairs[0](low[0], low[1]) + ((pairs[1](low[0], high[1]) + pairs[2](high[0], low[1])) << _BITS)
    total += pairs[3](high[0], high[1]) << 2 * _BITS
    return np.asarray(np.sign(a) * np.sign(b) * total)


def product_table(top: int, pairs: Sequence[Callable[[Codes, Codes], Codes]]) -> NDArray[np.int32]:
    """Of every pair of codes from -top to top the product, (2 top + 1, 2 top + 1): quicker to read than to compute."""
    first, second = np.meshgrid(*2 * [np.arange(-top, top + 1)], indexing="ij")
    return wide_product(first, second, pairs).astype(np.int32)
