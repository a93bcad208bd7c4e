"""What `archsim acam` says of a stored function, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archsim.kernels.acam_cover import Product
    from archsim.kernels.acam_study import Pairs
    from archsim.kernels.acam_table import Table

_SAMPLES = 1 << 16


def of_stored(name: str, stored: Table | Pairs, sizes: tuple[int, ...]) -> dict[str, Any]:
    """A function of one's own, of one variable or two."""
    from archsim.kernels.acam_table import Table

    if isinstance(stored, Table):
        return of_table(stored, sizes)
    return {
        **of_product(name, stored.product),
        "out_bits": stored.product.out_bits,
        "range": list(stored.ends[0]),
        "range_y": list(stored.ends[1]),
        "outputs": [stored.low, stored.high],
    }


def of_table(table: Table, sizes: tuple[int, ...]) -> dict[str, Any]:
    """A function of one variable; sizes: rows of each bit's array."""
    import numpy as np

    fits = all(n <= room for n, room in zip(sorted(table.rows_per_bit), _padded(sizes, table.bits), strict=True))
    points = np.arange(float(1 << table.bits)) if table.coded else np.linspace(table.start, table.stop, _SAMPLES)
    codes = table.search(points)
    error = np.abs(table.truncated(sizes).search(points) - codes)
    return {
        "function": table.name,
        "bits": table.bits,
        "gray_depth": table.depth,
        "input": "codes" if table.coded else "analog",
        "range": [table.start, table.stop],
        "outputs": [table.low, table.high],
        "rows_per_bit": list(table.rows_per_bit),
        "rows": table.rows,
        "columns": max(table.rows_per_bit),
        "cells": table.rows,
        "method": "exact: the runs of each output bit",
        "arrays": list(sizes),
        "fits": fits,
        "truncated": {"share_wrong": float((error > 0).mean()), "rms_codes": float(np.sqrt((error**2).mean()))},
        "ranges": [[[_bound(a), _bound(b)] for a, b in found] for found in table.ranges],
    }


def _padded(sizes: tuple[int, ...], bits: int) -> list[int]:
    """Rooms for bits, smallest first; a bit without an array has none."""
    return sorted([*sorted(sizes, reverse=True)[:bits], *[0] * (bits - len(sizes))])


def _bound(value: float) -> float | None:
    from math import isfinite

    return float(value) if isfinite(value) else None


def of_product(name: str, product: Product) -> dict[str, Any]:
    """A function of two codes."""
    gap = sum(len(cover.rectangles) - cover.bound for cover in product.covers)
    return {
        "function": name,
        "bits": product.bits,
        "gray_depth": product.depth,
        "input": "codes",
        "rows_per_bit": list(product.rows_per_bit),
        "rows": sum(product.rows_per_bit),
        "columns": max(product.rows_per_bit),
        "cells": 2 * sum(product.rows_per_bit),
        "method": "minimum cover by mixed-integer programming, overlap allowed",
        "gap": gap,
        "ranges": [cover.rectangles.tolist() for cover in product.covers],
    }
