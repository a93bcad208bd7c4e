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


def warn_of_strangers(mapping: Path, machine: str, model: str | None = None) -> None:
    """A line on standard error where a mapping file names another machine or model than the one that is run."""
    from archsim.machine.mapping_file import read_mapping

    for line in read_mapping(mapping).strangers(machine, model):
        click.echo(line, err=True)
