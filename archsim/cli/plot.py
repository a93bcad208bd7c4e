"""`archsim plot`: saved results as figures."""

import sys
from pathlib import Path

import click


@click.command("plot", epilog="RUN is a folder that archsim run saved with --out, or its result.json.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--out", type=click.Path(path_type=Path), default=".", metavar="DIR", show_default=True, help="Where to draw."
)
def command(*, runs: tuple[str, ...], out: Path) -> None:
    """Draw energy, latency with waiting, and area of one or several saved runs: SVG and PNG."""
    from archsim.errors import ArchsimError, Fault
    from archsim.result import save
    from archsim.result.result import load_result

    results, faults = [], list[Fault]()
    for run in runs:
        try:
            results.append(load_result(run).to_dict())
        except ArchsimError as error:
            faults += error.faults
    if faults:
        raise ArchsimError(*faults)
    save.check_folder(out)
    from archsim.report.plots import plot

    for path in plot(results, out):
        sys.stdout.write(f"{path}\n")
