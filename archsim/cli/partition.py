"""`archsim partition`: which projections of a model go to arrays and which to digital units."""

from __future__ import annotations

import sys
from pathlib import Path

import click

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
from archsim.cli.values import file, folder, share, whole, word, words

_STRATEGIES = ("first-last", "sensitivity", "macs", "analytical")
_GRANULARITIES = ("layer", "projection", "channel")
_OBJECTIVES = ("energy", "latency", "macs")
_USUAL = ("first-last", "sensitivity", "analytical")


@click.command("partition", epilog=f"MODEL: {CHECKPOINT}. MACHINE needs digital units for projections.")
@click.argument("model", type=click.Path(path_type=Path))
@one_argument("partition MODEL --machine NAME --text FILE")
@machine_option
@text_option
@tokenizer_option
@limit_option
@click.option("--profile", "known", callback=file, metavar="FILE", help="What `archsim profile --out` wrote, as .json.")
@click.option(
    "--seq", metavar="N", default="64", show_default=True, callback=whole(1 << 20), help="Tokens of the prompt."
)
@click.option(
    "--strategy",
    "tried",
    multiple=True,
    metavar="|".join(_STRATEGIES),
    callback=words(*_STRATEGIES),
    help="Several may be given; all but macs, which measures once for each projection.",
)
@click.option(
    "--granularity",
    default="projection",
    show_default=True,
    metavar="|".join(_GRANULARITIES),
    callback=word(*_GRANULARITIES),
    help="What is placed together.",
)
@click.option(
    "--objective",
    default="energy",
    show_default=True,
    metavar="|".join(_OBJECTIVES),
    callback=word(*_OBJECTIVES),
    help="What the analytical strategy makes least.",
)
@click.option(
    "--accuracy-drop",
    "drop",
    metavar="SHARE",
    default="1%",
    show_default=True,
    callback=share,
    help="Allowed, of macs.",
)
@seeds_option(3)
@settings_option
@click.option("--out", callback=folder, metavar="DIR", help="Write mapping files, a table and a plot.")
@json_option
def command(  # noqa: PLR0913 - an argument for each option of the command line
    *,
    model: Path,
    machine: str,
    text: Path,
    tokenizer: Path | None,
    limit: int | None,
    known: Path | None,
    seq: int,
    tried: tuple[str, ...],
    granularity: str,
    objective: str,
    drop: float,
    seeds: int,
    settings: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Choose what of MODEL is digital on a machine, measure each choice, and print what it costs and saves."""
    from archsim.graph.job import make_job
    from archsim.machine import load_machine
    from archsim.partition.frontier import STRATEGIES, Wanted, partition
    from archsim.partition.known import require_profile
    from archsim.partition.placing import require_units
    from archsim.report.partition import mapping_files, partition_blocks, plot_partition
    from archsim.report.tables import write_blocks
    from archsim.result import save
    from archsim.values.tasks import load_task

    if out is not None:
        save.check_folder(out)
    described = load_machine(machine, settings)
    require_units(described)
    task = load_task(model, text, tokenizer, limit)
    graph = task.model.graph
    given = None if known is None else save.load(known, "archsim.profile/1")
    if given is not None:
        require_profile(given, described, graph)
    wanted = Wanted(
        tried=tuple(each for each in STRATEGIES if each in (tried or _USUAL)),
        granularity=granularity,  # type: ignore[arg-type]  # one of the words
        objective=objective,  # type: ignore[arg-type]  # likewise
        threshold=drop,
        seeds=seeds,
    )
    with progress() as report:
        if given is None:
            from archsim.processes import cores
            from archsim.profile.profile import profile

            given = profile(described, task, seeds, workers=cores(), progress=report)
        found = partition(described, graph, make_job(graph, "prefill", seq, 0, 1), task, given, wanted, report)
    if out is not None:
        for name, content in {"frontier.json": save.dump(found), **mapping_files(found, settings)}.items():
            save.write(out / name, content)
        plot_partition(found, out / "frontier.svg")
    if as_json:
        sys.stdout.write(save.dump(found))
        return
    write_blocks(partition_blocks(found), sys.stdout)
