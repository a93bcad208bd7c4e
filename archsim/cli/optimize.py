"""`archsim optimize`: how many copies of its weights each projection should have, and how many bits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from archsim.cli.options import json_option, settings_option, trust_option
from archsim.cli.values import file, share, whole, word

if TYPE_CHECKING:
    from archsim.bits.find import FoundBits
    from archsim.graph.graph import Graph
    from archsim.graph.job import Job
    from archsim.machine import Machine
    from archsim.optimize import Goal, Optimized

_GOALS = ("latency", "throughput", "energy")
_OF_A_SEARCH = ("accuracy_drop", "search", "evaluations", "seed")
_SEARCHERS = ("greedy", "annealing", "tpe", "random", "rl")


@click.command("optimize", epilog="MACHINE and MODEL are names that archsim knows, or files.")
@click.argument("machine")
@click.argument("model")
@click.option(
    "--weights", metavar="FILE", callback=file, help="Search bits for each projection, with these (.safetensors)."
)
@click.option("--images", metavar="FILE", callback=file, help="Pictures and labels (.npz) to measure accuracy on.")
@click.option("--seq", metavar="N", callback=whole(1 << 20), help="Tokens of the prompt.")
@click.option("--batch", metavar="N", default="1", show_default=True, callback=whole(1 << 16), help="Inputs together.")
@click.option(
    "--objective",
    "goal",
    metavar="|".join(_GOALS),
    default="latency",
    show_default=True,
    callback=word(*_GOALS),
    help="The sum of all projections' times, the longest of them, or what they spend, whatever their copies.",
)
@click.option(
    "--tiles", metavar="N", callback=whole(1 << 30), help="To use; all of the chips, in a search those of 8 bits."
)
@click.option("--bits", metavar="wNaM", help="Bits of all weights and inputs, such as w6a6; those of the machine.")
@click.option(
    "--accuracy-drop", metavar="SHARE", default="1%", show_default=True, callback=share, help="Allowed, of a search."
)
@click.option(
    "--search",
    metavar="|".join(_SEARCHERS),
    default="greedy",
    show_default=True,
    callback=word(*_SEARCHERS),
    help="How bits are searched.",
)
@click.option(
    "--evaluations", metavar="N", default="150", show_default=True, callback=whole(1 << 20), help="Of a search."
)
@click.option("--baseline", is_flag=True, help="Print gains over the machine's own bits without copies.")
@trust_option
@click.option("--seed", metavar="N", default="1", show_default=True, callback=whole(1 << 30), help="Of a search.")
@settings_option
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it as a mapping file.")
@json_option
@click.pass_context
def command(  # noqa: PLR0913 (an option each)
    context: click.Context,
    *,
    machine: str,
    model: str,
    weights: Path | None,
    images: Path | None,
    seq: int | None,
    batch: int,
    goal: Goal,
    tiles: int | None,
    bits: str | None,
    accuracy_drop: float,
    search: str,
    evaluations: int,
    baseline: bool,
    trust: bool,
    seed: int,
    settings: tuple[str, ...],
    out: Path | None,
    as_json: bool,
) -> None:
    """Find how many copies of its weights each projection of MODEL should have on MACHINE, and play it.

    With --weights and --images also bits of each projection: searched on one half of the pictures, judged on the other.
    Gains are printed of a run as the machine makes it, of one with operators one after another (what the latency
    objective is about), and, for throughput, of an input in the long run.
    """
    from archsim.graph import load_model
    from archsim.graph.job import make_job
    from archsim.machine import load_machine
    from archsim.result import save

    if (weights is None) != (images is None):
        raise click.UsageError("--weights and --images go together: accuracy is measured with both")
    if weights is not None and bits is not None:
        raise click.UsageError("--bits says what --weights and --images would search. Try one of them")
    _require_use(context, searched=weights is not None)
    if out is not None:
        save.check_file(out)
    described, graph = load_machine(machine, settings), load_model(model, trust=trust)
    job = make_job(graph, "prefill", seq, 0, batch)
    if weights is None or images is None:
        copies = _copies(described, graph, job, goal, tiles, bits, baseline=baseline)
        _say_copies(copies, settings, out, as_json=as_json)
        return
    from archsim.bits.find import find_bits
    from archsim.values.pictures import load_pictures

    found = find_bits(
        described,
        graph,
        job,
        load_pictures(weights, images, graph),
        goal,
        allowed=accuracy_drop,
        searcher=search,
        evaluations=evaluations,
        seed=seed,
        tiles=tiles,
    )
    _say_bits(found, settings, out, as_json=as_json)


def _require_use(context: click.Context, *, searched: bool) -> None:
    """Raise click.UsageError for options that were given and change nothing."""
    if searched and context.get_parameter_source("baseline") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--baseline is what a search compares with anyway. Try without it")
    for name in () if searched else _OF_A_SEARCH:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} is of a search of bits. Add --weights and --images")


def _copies(
    machine: Machine, graph: Graph, job: Job, goal: Goal, tiles: int | None, bits: str | None, *, baseline: bool
) -> Optimized:
    from archsim.mapping.bits import uniform
    from archsim.optimize import optimize

    given = None if bits is None else uniform(machine, graph, bits)
    return optimize(machine, graph, job, goal, tiles=tiles, bits=given, baseline=baseline)


def _say_copies(found: Optimized, settings: tuple[str, ...], out: Path | None, *, as_json: bool) -> None:
    from archsim.report.optimize import data, mapping_file, optimize_blocks
    from archsim.report.tables import write_blocks
    from archsim.result import save

    if out is not None:
        save.write(out, mapping_file(found, settings))
    if as_json:
        sys.stdout.write(save.dump(data(found)))
        return
    write_blocks(optimize_blocks(found), sys.stdout)


def _say_bits(found: FoundBits, settings: tuple[str, ...], out: Path | None, *, as_json: bool) -> None:
    from archsim.report.bits import bits_blocks, data, mapping_file
    from archsim.report.tables import write_blocks
    from archsim.result import save

    if out is not None:
        save.write(out, mapping_file(found, settings))
    if as_json:
        sys.stdout.write(save.dump(data(found)))
        return
    write_blocks(bits_blocks(found), sys.stdout)
