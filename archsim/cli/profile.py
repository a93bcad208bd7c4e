"""`archsim profile`: what each projection does to a model's perplexity when a machine computes it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archsim.cli.progress import progress
from archsim.cli.values import file, whole

_MOST_SEEDS = 1000
_MOST_PROCESSES = 1024
_PATH = click.Path(path_type=Path)


@click.command("profile", epilog="MODEL is a checkpoint of llama2.c, or GPT-2: a safetensors file, or its folder.")
@click.argument("model", type=_PATH)
@click.option("--machine", required=True, metavar="NAME", help="A machine that archsim knows, or a file.")
@click.option("--text", type=_PATH, required=True, metavar="FILE", help="A text, or tokens (.npy).")
@click.option("--tokenizer", type=_PATH, metavar="PATH", help="tokN.bin, or GPT-2's folder; default: beside the model.")
@click.option("--limit", metavar="N", callback=whole(1 << 30), help="Take so many sequences of the text; all.")
@click.option(
    "--seeds", metavar="N", default="10", show_default=True, callback=whole(_MOST_SEEDS), help="Of programming."
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the machine: mapping.clip=3.")
@click.option("--processes", metavar="N", callback=whole(_MOST_PROCESSES), help="On this machine; one a core.")
@click.option("--out", callback=file, metavar="FILE", help="Write all of it as .json, or the projections as .csv.")
@click.option("--plot", callback=file, metavar="FILE", help="Draw blocks by projections: .svg or .png.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(  # noqa: PLR0913 - an argument for each option of the command line
    *,
    model: Path,
    machine: str,
    text: Path,
    tokenizer: Path | None,
    limit: int | None,
    seeds: int,
    settings: tuple[str, ...],
    processes: int | None,
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
            save.check_folder(each.parent)
    loaded = load_machine(machine, settings)
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
