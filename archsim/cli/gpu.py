"""`archsim gpu`: a model on a GPU, by its specification."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from archsim.cli.options import trust_option
from archsim.cli.values import file, whole, word

_PRECISIONS = ("fp32", "tf32", "fp16", "int8")
_PHASES = ("prefill", "decode", "generate")
_MOST = 1 << 20


@click.command("gpu", epilog="GPU and MODEL are names that archsim knows, or files.")
@click.argument("gpu")
@click.argument("model")
@click.option("--phase", metavar="|".join(_PHASES), default="prefill", show_default=True, callback=word(*_PHASES))
@click.option("--seq", metavar="N", callback=whole(_MOST), help="Tokens of the prompt.")
@click.option("--new-tokens", metavar="N", callback=whole(_MOST), help="Tokens to produce; 1 if not given.")
@click.option("--batch", metavar="N", default="1", show_default=True, callback=whole(_MOST), help="Prompts together.")
@click.option(
    "--precision", metavar="|".join(_PRECISIONS), default="fp16", show_default=True, callback=word(*_PRECISIONS)
)
@click.option("--attention", metavar="fused|apart", default="fused", show_default=True, callback=word("fused", "apart"))
@click.option("--measured", metavar="FILE", callback=file, help="Measurements (CSV), one of which may be of this job.")
@trust_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(
    *,
    gpu: str,
    model: str,
    precision: str,
    attention: str,
    measured: Path | None,
    trust: bool,
    as_json: bool,
    **job: Any,  # noqa: ANN401
) -> None:
    """Run MODEL on GPU: kernels one after the other, by tiles, waves, bandwidth and launches."""
    from archsim.errors import UsageError, did_you_mean
    from archsim.gpu.load import load_gpu
    from archsim.gpu.measured import errors, find, read_measurements
    from archsim.gpu.model import run
    from archsim.graph import load_model
    from archsim.graph.job import make_job
    from archsim.report.blocks import Block, cell, figure, quantities, quantity
    from archsim.report.tables import write_blocks
    from archsim.result.save import dump

    known = read_measurements(measured) if measured is not None else ()
    described, graph = load_gpu(gpu), load_model(model, trust=trust)
    if precision not in described.peak:
        raise UsageError(f"{described.name} has no rate for {precision}. {did_you_mean(precision, described.peak)}")
    tokens = (job["new_tokens"] or 1) if job["phase"] != "prefill" else (job["new_tokens"] or 0)
    asked = make_job(graph, job["phase"], job["seq"], tokens, job["batch"])
    found = run(described, graph, asked, precision, fused=attention == "fused")
    data = {
        "gpu": described.name,
        "model": graph.name,
        "precision": precision,
        "phase": asked.phase,
        "batch": asked.batch,
        "seq": asked.seq,
        "new_tokens": asked.new_tokens,
        "latency_s": found.latency,
        "energy_j": found.energy,
        "kernels": found.kernels,
        "measured": described.measured,
        "latency_by_operator_s": found.by_operator,
    }
    if measured is not None:
        theirs = find(known, (gpu, described.name), (model, graph.name), asked)
        data |= errors(theirs, found.latency, found.energy)
    if as_json:
        sys.stdout.write(dump(data))
        return
    head = (
        ("gpu", cell(described.name), ""),
        ("model", cell(graph.name), ""),
        ("latency", *quantity(found.latency, "s")),
        ("energy", *quantity(found.energy, "J")),
        ("kernels", figure(found.kernels), ""),
        ("efficiency", "measured products" if described.measured else "typical: nobody measured this one", ""),
        *(_measured(data) if measured is not None else ()),
    )
    items = sorted(found.by_operator.items(), key=lambda item: (-item[1], item[0]))
    cells = quantities([seconds for _, seconds in items], "s", found.latency)
    rows = tuple((cell(name), *pair) for (name, _), pair in zip(items, cells, strict=True))
    blocks = [Block("", "", "w><", head, keyed=False), Block("by_operator", "Time by operator", "w><", rows)]
    write_blocks(blocks, sys.stdout)


def _measured(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Rows of what someone measured, and how far the modelled figures are above it."""
    from archsim.report.blocks import quantity

    if data["measured_at"] is None:
        yield "measured", "nothing of this job", ""
    for name, unit in (("latency", "s"), ("energy", "J")):
        if data[f"{name}_error"] is not None:
            yield f"measured {name}", *quantity(data[f"measured_{name}_{unit.lower()}"], unit)
            yield f"{name} error", f"{data[f'{name}_error']:+.1%}", ""
