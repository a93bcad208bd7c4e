"""`archsim describe`: a machine's tree of parts, before any run."""

import sys
from dataclasses import replace
from pathlib import Path

import click

from archsim.cli.mapped import mapping_option, strangers
from archsim.cli.options import json_option, settings_option


@click.command("describe", epilog="MACHINE is a name that archsim knows, or a file.")
@click.argument("machine")
@settings_option
@mapping_option
@click.option("--sources", "origins", is_flag=True, help="Show every figure with its status, source and place instead.")
@json_option
def command(*, machine: str, settings: tuple[str, ...], mapping: Path | None, origins: bool, as_json: bool) -> None:
    """Show what MACHINE is made of: counts, areas, peak power and speed, with their sources."""
    from archsim.description import describe
    from archsim.machine import load_machine
    from archsim.report.description import description_dict
    from archsim.report.figures import figure_blocks, figures
    from archsim.report.tables import write_blocks, write_description
    from archsim.result.save import dump

    loaded = load_machine(machine, settings, mapping=mapping)
    strange = strangers(mapping, loaded.name)
    if origins:
        shown = {"schema": "archsim.figures/1", "machine": loaded.name, "figures": figures(loaded)}
        write_blocks(figure_blocks(loaded), sys.stdout) if not as_json else sys.stdout.write(dump(shown))
        return
    description = describe(loaded)
    description = replace(description, notes=(*description.notes, *strange))
    if as_json:
        sys.stdout.write(dump(description_dict(description)))
    else:
        write_description(description, sys.stdout)
