"""The tables that commands print: rich on a terminal, plain rows anywhere else."""

from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from archsim.description import Description
from archsim.report.blocks import Block
from archsim.report.description import description_blocks
from archsim.report.plain import render_plain
from archsim.report.result_blocks import result_blocks


def write_result(result: Mapping[str, Any], stream: TextIO) -> None:
    """Write the tables of a result, as `Result.to_dict` or `load` gives it."""
    terminal = stream.isatty()
    _write(result_blocks(result, terminal=terminal), stream, terminal=terminal)


def write_description(description: Description, stream: TextIO) -> None:
    """Write the tables of a described machine."""
    terminal = stream.isatty()
    _write(description_blocks(description, terminal=terminal), stream, terminal=terminal)


def write_blocks(blocks: Sequence[Block], stream: TextIO) -> None:
    """Write any blocks."""
    _write(blocks, stream, terminal=stream.isatty())


def _write(blocks: Sequence[Block], stream: TextIO, *, terminal: bool) -> None:
    if terminal:
        from archsim.report.terminal import print_terminal

        print_terminal(blocks, stream)
    else:
        stream.write(render_plain(blocks))
