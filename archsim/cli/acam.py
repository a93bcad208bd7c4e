"""`archsim acam`: the table that programs an analog CAM for a function, and its size."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from archsim.cli.acam_data import of_product, of_stored, of_table
from archsim.cli.values import file, whole, word
from archsim.errors import UsageError, quoted

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BITS = 12
_AXES = {"range": "", "range_y": "y"}
_NL_DPE = "1,2,2,5,8,16,32,64"


@click.command("acam", epilog="FUNCTION is one of one variable (gelu, exp, log, ...), or 'multiply', of two codes.")
@click.argument("function", required=False)
@click.option("--expression", metavar="TEXT", help="A function of x, or of x and y, such as 'x*sigmoid(x)'.")
@click.option("--points", metavar="FILE", callback=file, help="A function by lines of x,result or x,y,result.")
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
@click.option("--range-y", "span_y", type=(float, float), metavar="LOW HIGH", help="Of y; default: that of x.")
@click.option("--out-bits", metavar="N", callback=whole(_MOST_BITS), help="Of a function of x and y; default: twice N.")
@click.option("--out-range", "out", type=(float, float), metavar="LOW HIGH", help="Of its results; default: its own.")
@click.option(
    "--arrays",
    metavar="N,N,...",
    default=_NL_DPE,
    show_default=True,
    help="Rows of each bit's array; default: NL-DPE's.",
)
@click.option("--table", "whole_table", is_flag=True, help="Print every range, not only how many.")
@click.option("--plot", metavar="FILE", callback=file, help="Draw a function of one's own: .svg or .png.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(
    *,
    function: str | None,
    bits: int,
    gray: bool,
    depth: int | None,
    kind: str,
    span: tuple[float, float] | None,
    arrays: str,
    whole_table: bool,
    plot: Path | None,
    as_json: bool,
    **own: Any,  # noqa: ANN401 - options of a function of one's own, each with its type
) -> None:
    """Compile FUNCTION into ranges of an analog CAM: the fewest for each output bit, and what they need.

    A function of one's own (--expression, --points) is tried with other bits and with noise of its bounds too. Codes of
    x and y are spread evenly over their ranges, codes of results over theirs, which may begin below 0.
    """
    sizes = _sizes(arrays)
    if own["expression"] is None and own["points"] is None:
        data = _named(function, bits, depth if depth is not None else int(gray), kind, span, sizes)
        for option, value in {
            "--range-y": own["span_y"],
            "--out-bits": own["out_bits"],
            "--out-range": own["out"],
            "--plot": plot,
        }.items():
            if value is not None:
                raise UsageError(f"found {option}, which goes with --expression and --points")
    else:
        if function is not None:
            raise UsageError(f"found {quoted(function)} and a function of one's own; expected one of them")
        data = _own(bits, depth if depth is not None else int(gray), kind, span, sizes, plot, own)
    if as_json:
        from archsim.result.save import dump

        sys.stdout.write(dump({"schema": "archsim.acam/1", **data}))
        return
    _write(data, whole_table=whole_table)


def _named(
    function: str | None, bits: int, levels: int, kind: str, span: tuple[float, float] | None, sizes: tuple[int, ...]
) -> dict[str, Any]:
    """A function that archsim knows."""
    from archsim.kernels.acam_functions import PRODUCTS
    from archsim.kernels.acam_functions import function as named
    from archsim.kernels.acam_table import compile_table

    if function is None:
        raise UsageError("found no function; expected FUNCTION, --expression or --points")
    if function in PRODUCTS:
        from archsim.kernels.acam_cover import compile_product

        return of_product(function, compile_product(PRODUCTS[function], bits, depth=levels))
    start, stop = span or (None, None)
    table = compile_table(named(function), bits, depth=levels, coded=kind == "codes", start=start, stop=stop)
    return of_table(table, sizes)


def _own(
    bits: int,
    levels: int,
    kind: str,
    span: tuple[float, float] | None,
    sizes: tuple[int, ...],
    plot: Path | None,
    given: dict[str, Any],
) -> dict[str, Any]:
    """A function of one's own, with its errors."""
    from archsim.cli.acam_own import Wanted, study

    if plot is not None:
        from archsim.report.plots import FORMATS
        from archsim.report.profile import check_suffix

        check_suffix(plot, "--plot", FORMATS)
    found = study(Wanted(bits=bits, depth=levels, coded=kind == "codes", span=span, **given))
    data = (of_stored(found.own.text, found.stored, sizes)) | found.data()
    if plot is not None:
        from archsim.report.acam import plot_acam

        plot_acam(found.own.text, found.curves(), data, plot)
    return data


def _sizes(text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.isascii() and word.isdigit() and len(word) < 6 for word in words):  # noqa: PLR2004
        raise UsageError(f"--arrays: found '{text}'; expected whole numbers such as {_NL_DPE}")
    return tuple(int(word) for word in words)


def _write(data: dict[str, Any], *, whole_table: bool) -> None:
    from archsim.report.blocks import Block
    from archsim.report.tables import write_blocks

    rows = [
        ("function", f"{data['function']}, {data['bits']} bits, Gray-coded {data['gray_depth']} times"),
        (
            "input",
            ", ".join([data["input"], *(_span(data[name], axis) for name, axis in _AXES.items() if name in data)]),
        ),
        *((("results", _span(data["outputs"], f"{data['out_bits']} bits,")),) if "out_bits" in data else ()),
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
    if "error" in data:
        rows.append(("error", f"{data['error']['rms']:.3g} rms, {data['error']['largest']:.3g} at most"))
    blocks = [Block("", "", "<w", tuple(rows), keyed=False)]
    if "error" in data:
        from archsim.report.acam import error_blocks

        blocks += error_blocks(data)
    if whole_table:
        found = enumerate(data["ranges"])
        lines = tuple((f"bit {bit}", *(_text(at) for at in row)) for bit, ranges in found for row in ranges)
        blocks.append(Block("range", "Ranges", "<" * len(lines[0]), lines) if lines else blocks.pop())
    write_blocks(blocks, sys.stdout)


def _span(ends: list[float], name: str) -> str:
    return f"{name} {ends[0]:g} to {ends[1]:g}".strip()


def _text(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:.6g}"
