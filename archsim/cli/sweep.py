"""`archsim sweep`: every combination of machine parameters and models, to a table and a frontier."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsim.cli.options import trust_option
from archsim.cli.progress import progress
from archsim.cli.values import file, folder, whole
from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_PROCESSES = 1024


@click.command("sweep", epilog="STUDY is a YAML file; docs/sweeps.md says what stands in it.")
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--out", callback=file, metavar="FILE", help="Keep points in FILE, and go on there; STUDY's name with .db."
)
@click.option("--processes", metavar="N", callback=whole(_MOST_PROCESSES), help="On this machine; one a core.")
@click.option("--cluster", metavar="ADDRESS", help="Run on Dask: tcp://HOST:PORT, or local:N workers here.")
@trust_option
@click.option("--export", "exported", callback=file, metavar="FILE", help="Write all points as .csv or .parquet.")
@click.option("--plot", "plots", callback=folder, metavar="DIR", help="Draw the frontier and sensitivity in DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(
    *,
    study: Path,
    out: Path | None,
    processes: int | None,
    cluster: str | None,
    trust: bool,
    exported: Path | None,
    plots: Path | None,
    as_json: bool,
) -> None:
    """Run all points of STUDY that were not run yet; show the Pareto frontier and what matters."""
    from archsim.explore.export import check_suffix, export
    from archsim.explore.sweep import Where, sweeping
    from archsim.report.sweep_blocks import sweep_blocks
    from archsim.report.tables import write_blocks
    from archsim.result import save

    where = Where(processes, cluster)
    kept = out or Path(f"{study.stem}.db")
    save.check_file(kept)
    if exported is not None:
        check_suffix(exported)
        save.check_file(exported)
    if plots is not None:
        save.check_folder(plots)
    with progress() as report, sweeping(study, kept, where, trust=trust, say=say, tell=report) as swept:
        if exported is not None:
            export(swept.study, swept.bases, swept.store, exported)
        found = swept.summary
    if plots is not None:
        from archsim.report.sweep_plots import plot_sweep

        plot_sweep(found.data, found.clouds, plots)
    if as_json:
        sys.stdout.write(save.dump(found.data))
    else:
        write_blocks(sweep_blocks(found.data), sys.stdout)
    require_success(found.data)


def require_success(data: Mapping[str, Any]) -> None:
    """Raise ArchsimError where no point gave figures, after what is printed of them."""
    if data["failed"] and not data["done"]:
        raise ArchsimError(f"no point succeeded: all {data['failed']:,} failed; the reasons stand above")


def say(line: str) -> None:
    """A line for people, beside the output."""
    click.echo(line, err=True)
