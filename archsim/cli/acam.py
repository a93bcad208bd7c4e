"""`archsim acam`: the table that programs an analog CAM for a function, and its size."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from archsim.cli.values import whole, word
from archsim.errors import UsageError

if TYPE_CHECKING:
    from archsim.kernels.acam_cover import Product
    from archsim.kernels.acam_table import Table

_MOST_BITS = 12
_NL_DPE = "1,2,2,5,8,16,32,64"
_SAMPLES = 1 << 16


@click.command("acam", epilog="FUNCTION is one of one variable (gelu, exp, log, ...), or 'multiply', of two codes.")
@click.argument("function")
@click.option("--bits", metavar="N", default="8", show_default=True, callback=whole(_MOST_BITS), help="Of the output.")
@click.option("--gray", is_flag=True, help="Gray-code the output once.")
@click.option("--depth", metavar="N", callback=whole(_MOST_BITS), help="Gray-code the output N times.")
@click.option(
    "--input",
    "kind",
    metavar="analog|codes",
    default="analog",
    show_default=True,
    callback=word("analog", "codes"),
    help="What is searched for: a voltage, or a code.",
)
@click.option("--range", "span", type=(float, float), metavar="LOW HIGH", help="Of the input, in the function's units.")
@click.option(
    "--arrays",
    metavar="N,N,...",
    default=_NL_DPE,
    show_default=True,
    help="Rows of each bit's array; default: NL-DPE's.",
)
@click.option("--table", "whole_table", is_flag=True, help="Print every range, not only how many.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(
    *,
    function: str,
    bits: int,
    gray: bool,
    depth: int | None,
    kind: str,
    span: tuple[float, float] | None,
    arrays: str,
    whole_table: bool,
    as_json: bool,
) -> None:
    """Compile FUNCTION into ranges of an analog CAM: the fewest for each output bit, and what they need."""
    from archsim.kernels.acam_functions import PRODUCTS
    from archsim.kernels.acam_functions import function as named
    from archsim.kernels.acam_table import compile_table

    levels = depth if depth is not None else int(gray)
    if function in PRODUCTS:
        from archsim.kernels.acam_cover import compile_product

        data = _of_product(function, compile_product(PRODUCTS[function], bits, depth=levels))
    else:
        start, stop = span or (None, None)
        table = compile_table(named(function), bits, depth=levels, coded=kind == "codes", start=start, stop=stop)
        data = _of_table(table, _sizes(arrays))
    if as_json:
        from archsim.result.save import dump

        sys.stdout.write(dump({"schema": "archsim.acam/1", **data}))
        return
    _write(data, whole_table=whole_table)


def _sizes(text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.isascii() and word.isdigit() and len(word) < 6 for word in words):  # noqa: PLR2004
        raise UsageError(f"--arrays: found '{text}'; expected whole numbers such as {_NL_DPE}")
    return tuple(int(word) for word in words)


def _of_table(table: Table, sizes: tuple[int, ...]) -> dict[str, Any]:
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


def _of_product(name: str, product: Product) -> dict[str, Any]:
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


def _write(data: dict[str, Any], *, whole_table: bool) -> None:
    from archsim.report.blocks import Block
    from archsim.report.tables import write_blocks

    rows = [
        ("function", f"{data['function']}, {data['bits']} bits, Gray-coded {data['gray_depth']} times"),
        ("input", data["input"] + (f" {data['range'][0]:g} to {data['range'][1]:g}" if "range" in data else "")),
        ("rows per bit", " ".join(map(str, reversed(data["rows_per_bit"]))) + "  (highest bit first)"),
        ("rows", str(data["rows"])),
        ("columns", str(data["columns"])),
        ("cells", str(data["cells"])),
        ("method", data["method"] + (f"; at most {data['gap']} too many" if data.get("gap") else "")),
    ]
    if "fits" in data:
        arrays, error = ",".join(map(str, data["arrays"])), data["truncated"]
        lost = f"does not fit: without its narrowest ranges {error['share_wrong']:.2%} of inputs are wrong"
        text = "fits" if data["fits"] else f"{lost}, {error['rms_codes']:.3g} codes rms"
        rows.append((f"arrays of {arrays}", text))
    blocks = [Block("", "", "<w", tuple(rows), keyed=False)]
    if whole_table:
        found = enumerate(data["ranges"])
        lines = tuple((f"bit {bit}", *(_text(at) for at in row)) for bit, ranges in found for row in ranges)
        blocks.append(Block("range", "Ranges", "<" * len(lines[0]), lines) if lines else blocks.pop())
    write_blocks(blocks, sys.stdout)


def _text(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:.6g}"
