"""The option `--mapping` of commands, and what they say of a mapping that was made for something else."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from archsim.cli.values import file
from archsim.errors import ArchsimError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

mapping_option = click.option(
    "--mapping", metavar="FILE", callback=file, help="Put the choices of a mapping file over the machine's own."
)


def strangers(mapping: Path | None, machine: str, *models: str) -> list[str]:
    """A line where a mapping file names another machine or model than those that are run, said on standard error too.

    They are said before the run, which may fail for what they say; `said_first` is for the loading before.
    """
    if mapping is None:
        return []
    from archsim.machine.mapping_file import read_mapping

    read = read_mapping(mapping)
    lines = list(dict.fromkeys(line for model in models or (None,) for line in read.strangers(machine, model)))
    for line in lines:
        click.echo(line, err=True)
    return lines


@contextmanager
def said_first(mapping: Path | None, machine: str, settings: Sequence[str]) -> Iterator[None]:
    """Where a machine cannot be loaded with a mapping: say first if the mapping was made for another one."""
    try:
        yield
    except UsageError:
        raise
    except ArchsimError:
        if mapping is not None:
            from archsim.gpu.rivals import load_variant

            with suppress(ArchsimError):  # whose own fault is among those that are raised
                strangers(mapping, load_variant(machine, settings).name.partition("@")[0])
        raise
