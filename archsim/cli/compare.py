"""`archsim compare`: machines and GPUs side by side."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from archsim.cli.mapped import said_first, strangers
from archsim.cli.options import json_option, trust_option
from archsim.cli.progress import progress
from archsim.cli.values import file, folder, numbers, whole, word

if TYPE_CHECKING:
    from pathlib import Path

_PRECISIONS = ("fp32", "tf32", "fp16", "int8")
_MOST = 1 << 20


@click.command(
    "compare",
    epilog="MACHINE, MODEL and GPU are names that archsim knows, or files. A variant of a machine is "
    "MACHINE@KEY=VALUE, such as nl_dpe@parts.dac.alternative=isaac_rate.",
)
@click.argument("machines", nargs=-1, required=True, metavar="MACHINE...")
@click.option("--model", "models", multiple=True, required=True, metavar="MODEL", help="May be given several times.")
@click.option("--gpu", "gpus", multiple=True, metavar="GPU", help="May be given several times.")
@click.option(
    "--against",
    metavar="NAME[,NAME...]",
    help="Machines and GPUs that ratios are relative to, besides each --gpu; they are run too.",
)
@click.option(
    "--seq", metavar="N", callback=whole(_MOST), help="Tokens of the prompt, where a model has no length of its own."
)
@click.option("--new-tokens", metavar="N", default="8", show_default=True, callback=whole(_MOST), help="To produce.")
@click.option("--batch", "batches", metavar="N[,N...]", default="1", show_default=True, callback=numbers)
@click.option(
    "--precision", metavar="|".join(_PRECISIONS), default="fp16", show_default=True, callback=word(*_PRECISIONS)
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change all of MACHINE.")
@click.option(
    "--mapping",
    metavar="FILE",
    callback=file,
    help="Put the choices of a mapping file over the machine's own. For one MACHINE, which --against may name again, "
    "for the machine without it: files are made for one machine.",
)
@click.option("--measured", metavar="FILE", callback=file, help="Measurements (CSV) to show beside the GPUs' figures.")
@trust_option
@click.option("--out", callback=folder, metavar="DIR", help="Draw a plot in DIR.")
@json_option
def command(  # noqa: PLR0913 - an argument for each option of the command line
    *,
    machines: tuple[str, ...],
    models: tuple[str, ...],
    gpus: tuple[str, ...],
    against: str | None,
    seq: int | None,
    new_tokens: int,
    batches: tuple[float, ...],
    precision: str,
    settings: tuple[str, ...],
    mapping: Path | None,
    measured: Path | None,
    trust: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run the same jobs on machines and GPUs: latency, energy, throughput per mm2 and joule, and their ratios."""
    from archsim.gpu.compare import compare, jobs
    from archsim.gpu.measured import beside, elsewhere, read_measurements
    from archsim.gpu.ratios import ratios
    from archsim.gpu.rivals import rivals
    from archsim.graph import load_model
    from archsim.result import save

    if out is not None:
        save.check_folder(out)
    known = read_measurements(measured) if measured is not None else ()
    with said_first(mapping, machines[0], settings):
        found = rivals(machines, gpus, against.split(",") if against else (), settings, mapping)
    also = {gpu.name: (name, gpu.name) for name, gpu in zip(gpus, found.gpus, strict=False)}
    also |= {gpu.name: (gpu.name, gpu.name) for gpu in found.gpus if gpu.name not in also}
    compared = [machine.name for machine in found.machines[: found.compared]]
    graphs = [load_model(model, trust=trust) for model in models]
    strangers(mapping, found.machines[0].name.partition("@")[0], *(graph.name for graph in graphs))
    rows, related, shown = [], [], []
    with progress() as report:
        for model, graph in zip(models, graphs, strict=True):
            for job in jobs(graph, seq, new_tokens, [int(batch) for batch in batches]):
                ran = compare(found.machines, found.gpus, graph, job, precision=precision, progress=report)
                related += ratios(ran, compared, found.references, [gpu.name for gpu in found.gpus])
                rows += ran
                shown += beside(known, also, (model, graph.name), job, ran)
    data = [asdict(row) | extra for row, extra in zip(rows, shown, strict=True)]
    over, other = [asdict(ratio) for ratio in related], elsewhere(known, data)
    if out is not None:
        from archsim.report.compare_plot import plot_compare

        plot_compare(over, out, data)
    if as_json:
        extra = {"measured_elsewhere": other} if measured is not None else {}
        sys.stdout.write(save.dump({"schema": "archsim.comparison/2", "rows": data, "ratios": over, **extra}))
        return
    from archsim.report.compare import compare_blocks
    from archsim.report.tables import write_blocks

    write_blocks(compare_blocks(data, over, other), sys.stdout)
