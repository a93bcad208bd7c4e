"""`archsim explore`: an optimiser chooses which points of a study are run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archsim.cli.options import trust_option
from archsim.cli.progress import progress
from archsim.cli.sweep import require_success
from archsim.cli.values import file, folder, whole, word

_MOST_PROCESSES = 1024
_MOST_TRIALS = 1_000_000
_MOST_SEED = (1 << 32) - 1
_SAMPLERS = ("nsga2", "tpe", "random")


@click.command("explore", epilog="STUDY is a YAML file, as for sweep; docs/sweeps.md says what stands in it.")
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--objectives", metavar="NAME[,NAME...]", help="In place of the study's: latency,energy,tops max.")
@click.option("--trials", metavar="N", default="100", show_default=True, callback=whole(_MOST_TRIALS), help="Points.")
@click.option("--sampler", metavar="|".join(_SAMPLERS), default="nsga2", show_default=True, callback=word(*_SAMPLERS))
@click.option("--seed", metavar="N", default="1", show_default=True, callback=whole(_MOST_SEED), help="Of the sampler.")
@click.option("--out", callback=file, metavar="FILE", help="Keep points in FILE, as sweep; STUDY's name with .db.")
@click.option("--processes", metavar="N", callback=whole(_MOST_PROCESSES), help="On this machine; one a core.")
@click.option("--cluster", metavar="ADDRESS", help="Run on Dask: tcp://HOST:PORT, or local:N workers here.")
@trust_option
@click.option("--plot", "plots", callback=folder, metavar="DIR", help="Draw the frontier in DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(
    *,
    study: Path,
    objectives: str | None,
    trials: int,
    sampler: str,
    seed: int,
    out: Path | None,
    processes: int | None,
    cluster: str | None,
    trust: bool,
    plots: Path | None,
    as_json: bool,
) -> None:
    """Search the points of STUDY for the best; those run before cost nothing."""
    from archsim.errors import UsageError
    from archsim.explore.figures import WantError, objective
    from archsim.explore.search import searching
    from archsim.explore.sweep import Where
    from archsim.report.sweep_blocks import sweep_blocks
    from archsim.report.tables import write_blocks
    from archsim.result import save

    try:
        wanted = [objective(each) for each in objectives.split(",")] if objectives is not None else []
    except WantError as error:
        raise UsageError(f"--objectives: {error}") from None
    kept = out or Path(f"{study.stem}.db")
    save.check_file(kept)
    if plots is not None:
        save.check_folder(plots)
    with (
        progress() as report,
        searching(
            study,
            kept,
            Where(processes, cluster),
            trials=trials,
            sampler=sampler,
            seed=seed,
            objectives=wanted,
            trust=trust,
            say=lambda line: click.echo(line, err=True),
            tell=report,
        ) as swept,
    ):
        found = swept.summary
    if plots is not None:
        from archsim.report.sweep_plots import plot_sweep

        plot_sweep(found.data, found.clouds, plots)
    if as_json:
        sys.stdout.write(save.dump(found.data))
    else:
        write_blocks(sweep_blocks(found.data), sys.stdout)
    require_success(found.data)
