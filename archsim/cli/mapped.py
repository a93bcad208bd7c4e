"""The option `--mapping` of commands, and what they say of a mapping that was made for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archsim.cli.values import file

if TYPE_CHECKING:
    from pathlib import Path

mapping_option = click.option(
    "--mapping", metavar="FILE", callback=file, help="Put the choices of a mapping file over the machine's own."
)


def strangers(mapping: Path | None, machine: str, *models: str) -> list[str]:
    """A line where a mapping file names another machine or model than those that are run, said on standard error too.

    They are said before the run, which may fail for what they say.
    """
    if mapping is None:
        return []
    from archsim.machine.mapping_file import read_mapping

    read = read_mapping(mapping)
    lines = list(dict.fromkeys(line for model in models or (None,) for line in read.strangers(machine, model)))
    for line in lines:
        click.echo(line, err=True)
    return lines
