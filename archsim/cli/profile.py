"""`archsim profile`: what each projection does to a model's perplexity when a machine computes it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archsim.cli.mapped import mapping_option, said_first, strangers
from archsim.cli.options import (
    CHECKPOINT,
    json_option,
    limit_option,
    machine_option,
    one_argument,
    seeds_option,
    settings_option,
    text_option,
    tokenizer_option,
)
from archsim.cli.progress import progress
from archsim.cli.values import file, whole

_MOST_PROCESSES = 1024


@click.command("profile", epilog=f"MODEL: {CHECKPOINT}.")
@click.argument("model", type=click.Path(path_type=Path))
@one_argument("profile MODEL --machine NAME --text FILE")
@machine_option
@text_option
@tokenizer_option
@limit_option
@click.option("--processes", metavar="N", callback=whole(_MOST_PROCESSES), help="On this machine; one a core.")
@seeds_option(10)
@settings_option
@mapping_option
@click.option("--out", callback=file, metavar="FILE", help="Write all of it as .json, or the projections as .csv.")
@click.option("--plot", callback=file, metavar="FILE", help="Draw blocks by projections: .svg or .png.")
@json_option
def command(
    *,
    model: Path,
    machine: str,
    text: Path,
    tokenizer: Path | None,
    limit: int | None,
    processes: int | None,
    seeds: int,
    settings: tuple[str, ...],
    mapping: Path | None,
    out: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Put one projection of MODEL at a time on a machine, and print what that does to the perplexity, and why."""
    from archsim.machine import load_machine
    from archsim.processes import cores
    from archsim.profile.profile import profile
    from archsim.report.plots import FORMATS
    from archsim.report.profile import check_suffix, plot_profile, profile_blocks, profile_csv
    from archsim.report.tables import write_blocks
    from archsim.result import save
    from archsim.values.tasks import load_task

    for each, name, kinds in ((out, "--out", ("json", "csv")), (plot, "--plot", FORMATS)):
        if each is not None:
            check_suffix(each, name, kinds)
            save.check_file(each)
    with said_first(mapping, machine, settings):
        loaded = load_machine(machine, settings, mapping=mapping)
    strangers(mapping, loaded.name, model.absolute().stem)
    task = load_task(model, text, tokenizer, limit)
    with progress() as report:
        found = profile(loaded, task, seeds, workers=processes or cores(), progress=report)
    if out is not None:
        save.write(out, save.dump(found) if out.suffix == ".json" else profile_csv(found))
    if plot is not None:
        plot_profile(found, plot)
    if as_json:
        sys.stdout.write(save.dump(found))
        return
    write_blocks(profile_blocks(found), sys.stdout)
