"""`archsim describe`: a machine's tree of parts, before any run."""

import sys

import click


@click.command("describe", epilog="MACHINE is a name that archsim knows, or a file.")
@click.argument("machine")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the machine: parts.xbar.rows=64.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(*, machine: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Show what MACHINE is made of: counts, areas, peak power and speed, with their sources."""
    from archsim.description import describe
    from archsim.machine import load_machine
    from archsim.report.description import description_dict
    from archsim.report.tables import write_description
    from archsim.result.save import dump

    description = describe(load_machine(machine, settings))
    if as_json:
        sys.stdout.write(dump(description_dict(description)))
    else:
        write_description(description, sys.stdout)
