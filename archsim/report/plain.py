"""Blocks as plain rows: aligned columns, nothing wrapped, no colour, fit for grep and awk."""

from collections.abc import Sequence

from archsim.report.blocks import Block

_GAP = "  "


def render_plain(blocks: Sequence[Block]) -> str:
    """All blocks as text that ends in a newline, an empty line between two blocks.

    Keys and headers hold no spaces, empty headers are units, so every row of a block with headers
    splits into columns at white space as its header does, as long as its cells hold none.
    """
    return "\n".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    prefix = f"{block.key}." if block.keyed else ""
    rows = [(_word(prefix + row[0]), *row[1:]) for row in block.rows]
    if block.headers:
        rows.insert(0, tuple(_word(header) or "unit" for header in block.headers))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(_row(row, block.columns, widths) for row in rows)


def _word(text: str) -> str:
    return "_".join(text.split())


def _row(row: Sequence[str], columns: str, widths: Sequence[int]) -> str:
    cells = (
        text.rjust(width) if column == ">" else text.ljust(width)
        for text, column, width in zip(row, columns, widths, strict=True)
    )
    return _GAP.join(cells).rstrip() + "\n"
