"""`archsim optimize`: how many copies of its weights each projection should have."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from archsim.cli.values import whole, word

_GOALS = ("latency", "throughput", "energy")


@click.command("optimize", epilog="MACHINE and MODEL are names that archsim knows, or files.")
@click.argument("machine")
@click.argument("model")
@click.option(
    "--objective",
    "goal",
    metavar="|".join(_GOALS),
    default="latency",
    show_default=True,
    callback=word(*_GOALS),
    help="The sum of all projections' times, the longest of them, or what they spend, whatever their copies.",
)
@click.option("--tiles", metavar="N", callback=whole(1 << 30), help="To use; all of the chips that the model takes.")
@click.option("--bits", metavar="wNaM", help="Bits of all weights and inputs, such as w6a6; those of the machine.")
@click.option("--baseline", is_flag=True, help="Print gains over the machine's own bits without copies.")
@click.option("--seq", metavar="N", callback=whole(1 << 20), help="Tokens of the prompt.")
@click.option("--batch", metavar="N", default="1", show_default=True, callback=whole(1 << 16), help="Inputs together.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it as a machine file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(
    *,
    machine: str,
    model: str,
    goal: str,
    tiles: int | None,
    bits: str | None,
    baseline: bool,
    seq: int | None,
    batch: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Find how many copies of its weights each projection of MODEL should have on MACHINE, and play it.

    Predicted times are of operators one after another, and between two inputs; simulated ones of one batch.
    """
    from archsim.graph import load_model
    from archsim.graph.job import make_job
    from archsim.machine import load_machine
    from archsim.mapping.bits import uniform
    from archsim.optimize import optimize
    from archsim.report.optimize import data, machine_file, optimize_blocks
    from archsim.report.tables import write_blocks
    from archsim.result import save

    if out is not None:
        save.check_folder(out.parent)
    described, graph = load_machine(machine), load_model(model)
    found = optimize(
        described,
        graph,
        make_job(graph, "prefill", seq, 0, batch),
        goal,  # type: ignore[arg-type]
        tiles=tiles,
        bits=None if bits is None else uniform(described, graph, bits),
        baseline=baseline,
    )
    if out is not None:
        save.write(out, machine_file(machine, found))
    if as_json:
        sys.stdout.write(save.dump(data(found)))
        return
    write_blocks(optimize_blocks(found), sys.stdout)
