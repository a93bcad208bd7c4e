"""`archsim describe`: a machine's tree of parts, before any run."""

import sys
from pathlib import Path

import click

from archsim.cli.mapped import mapping_option, warn_of_strangers


@click.command("describe", epilog="MACHINE is a name that archsim knows, or a file.")
@click.argument("machine")
@mapping_option
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the machine: parts.xbar.rows=64.")
@click.option("--sources", "origins", is_flag=True, help="Show every figure with its status, source and place instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(*, machine: str, mapping: Path | None, settings: tuple[str, ...], origins: bool, as_json: bool) -> None:
    """Show what MACHINE is made of: counts, areas, peak power and speed, with their sources."""
    from archsim.description import describe
    from archsim.machine import load_machine
    from archsim.report.description import description_dict
    from archsim.report.figures import figure_blocks, figures
    from archsim.report.tables import write_blocks, write_description
    from archsim.result.save import dump

    loaded = load_machine(machine, settings, mapping=mapping)
    if mapping is not None:
        warn_of_strangers(mapping, loaded.name)
    if origins:
        shown = {"schema": "archsim.figures/1", "machine": loaded.name, "figures": figures(loaded)}
        write_blocks(figure_blocks(loaded), sys.stdout) if not as_json else sys.stdout.write(dump(shown))
        return
    description = describe(loaded)
    if as_json:
        sys.stdout.write(dump(description_dict(description)))
    else:
        write_description(description, sys.stdout)
