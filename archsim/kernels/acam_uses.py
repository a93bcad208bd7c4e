"""What analog CAMs are put together for: softmax, products by logarithms, products from pairs of four bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.compiling import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

    from archsim.kernels.acam_cover import Product
    from archsim.kernels.acam_gray import Codes
    from archsim.kernels.acam_table import Table

Values = NDArray[np.float64]


def apply(table: Table, x: Values) -> Values:
    """The stored function at inputs, which are held to its range; a coded one takes the nearest code."""
    held = np.clip(x, table.start, table.stop)
    if table.coded:
        held = np.rint((held - table.start) / (table.stop - table.start) * ((1 << table.bits) - 1))
    return table.value(table.search(held))


def softmax(x: Values, exp: Table, log: Table) -> Values:
    """exp(x - m - log(sum of exp(x - m))) along the last axis, m the maximum: exp and log are stored."""
    shifted = x - x.max(axis=-1, keepdims=True)
    total = apply(exp, shifted).sum(axis=-1, keepdims=True)
    return apply(exp, shifted - apply(log, total))


def log_product(a: Values, b: Values, exp: Table, log: Table) -> Values:
    """A b as exp(log |a| + log |b|), signs beside it; a zero gives zero. exp must reach twice the range of log."""
    magnitude = apply(exp, apply(log, np.abs(a)) + apply(log, np.abs(b)))
    return np.sign(a) * np.sign(b) * magnitude


def log_matmul(a: Values, b: Values, exp: Table, log: Table) -> Values:
    """Sums over k of `log_product(a[i, k], b[k, j])`: a stored product for every pair of codes of logarithms."""
    levels = log.value(np.arange(1 << log.bits))
    products = apply(exp, levels[:, None] + levels[None, :])
    out = np.zeros((a.shape[0], b.shape[1]))
    left, right = (log.search(np.clip(np.abs(x), log.start, log.stop)) for x in (a, b.T))
    _add_pairs(left, right, np.sign(a), np.sign(b.T), products, out)
    return out


@compiled()
def _add_pairs(left: Any, right: Any, signs: Any, others: Any, products: Any, out: Any) -> None:  # noqa: ANN401
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = 0.0
            for k in range(left.shape[1]):
                total += signs[i, k] * others[j, k] * products[left[i, k], right[j, k]]
            out[i, j] = total


def wide_product(a: Codes, b: Codes, four: Product) -> Codes:
    """Products of unsigned 8-bit codes from four of 4 bits, shifted and added."""
    low, high = (lambda v: v & 15), (lambda v: v >> 4)
    pairs: list[tuple[Callable[[Codes], Codes], Callable[[Codes], Codes], int]] = [
        (low, low, 0),
        (low, high, 4),
        (high, low, 4),
        (high, high, 8),
    ]
    return np.asarray(sum(four.search(of_a(a), of_b(b)) << shift for of_a, of_b, shift in pairs), np.int64)
