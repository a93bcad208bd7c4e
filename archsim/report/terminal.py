"""Blocks as rich tables, for a terminal."""

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from archsim.report.blocks import Block


def print_terminal(blocks: Sequence[Block], stream: TextIO) -> None:
    """Print all blocks at the terminal's width; with NO_COLOR set, without any style."""
    # No markup: a name such as `[bold]` in a user's file stays as written.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    console = Console(file=stream, highlight=False, markup=False, emoji=False, color_system=colours)
    for number, block in enumerate(blocks):
        if number:
            console.print()
        if block.title:
            console.print(Text(block.title, style="bold"))
        console.print(_table(block))


def _table(block: Block) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=bool(block.headers))
    headers = _spaced(block.headers or ("",) * len(block.columns), block.columns)
    for header, column in zip(headers, block.columns, strict=True):
        table.add_column(
            Text(header, style="dim"),
            justify="right" if column == ">" else "left",
            no_wrap=column != "w",
            overflow="fold",
        )
    for row in block.rows:
        table.add_row(*_spaced(row, block.columns))
    return table


def _spaced(row: Sequence[str], columns: str) -> list[str]:
    """Cells with a space more between columns, except between a number and its unit.

    It goes to the side from which rich does not strip it: the left of a cell that is set to the right.
    """
    cells = list(row)
    for index, pair in enumerate(pairwise(columns)):
        if pair[1] == ">":
            cells[index + 1] = " " + cells[index + 1]
        elif pair[0] != ">":
            cells[index] += " "
    return cells
