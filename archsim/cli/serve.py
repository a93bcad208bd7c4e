"""`archsim serve`: requests on a machine over time."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsim.cli.mapped import mapping_option, said_first, strangers
from archsim.cli.options import json_option, settings_option, trust_option
from archsim.cli.progress import progress
from archsim.cli.values import folder, numbers, whole, word
from archsim.errors import UsageError

if TYPE_CHECKING:
    from archsim.serving.requests import Requests

_MOST_REQUESTS = 10_000_000
_MOST_TOKENS = 1 << 20
_ARRIVALS = ("poisson", "fixed", "bursts")
_POLICIES = ("first-come", "shortest-first")


@click.command("serve", epilog="MACHINE and MODEL are names that archsim knows, or files; MODEL is a decoder.")
@click.argument("machine")
@click.argument("model")
@click.option(
    "--trace",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Requests: archsim's CSV or JSON lines, or Azure's CSV.",
)
@click.option(
    "--arrivals",
    metavar="|".join(_ARRIVALS),
    default="poisson",
    show_default=True,
    callback=word(*_ARRIVALS),
    help="Without a trace: how equal requests arrive.",
)
@click.option(
    "--requests",
    "number",
    metavar="N",
    callback=whole(_MOST_REQUESTS),
    help="So many; of a trace the first ones. 1000 without a trace.",
)
@click.option(
    "--prompt",
    metavar="N",
    default="128",
    show_default=True,
    callback=whole(_MOST_TOKENS),
    help="Tokens of a prompt, without a trace.",
)
@click.option(
    "--output",
    metavar="N",
    default="32",
    show_default=True,
    callback=whole(_MOST_TOKENS),
    help="New tokens, without a trace.",
)
@click.option(
    "--burst",
    metavar="N",
    default="8",
    show_default=True,
    callback=whole(_MOST_REQUESTS),
    help="Requests that come at once, in bursts.",
)
@click.option(
    "--rate",
    "rates",
    metavar="R[,R...]",
    callback=numbers,
    help="Requests/s; several draw a curve. A trace has its own rate.",
)
@click.option(
    "--p95",
    "target",
    metavar="S",
    callback=numbers,
    help="Find the highest rate with 95 % of requests within S seconds.",
)
@click.option(
    "--policy",
    metavar="|".join(_POLICIES),
    default="first-come",
    show_default=True,
    callback=word(*_POLICIES),
    help="Who is admitted next.",
)
@click.option(
    "--most",
    metavar="N",
    callback=whole(_MOST_REQUESTS),
    help="Sequences in the machine at a time; as many as fit if not given.",
)
@click.option(
    "--chunk",
    metavar="N",
    callback=whole(_MOST_TOKENS),
    help="Tokens of a prompt that go in together; others pass between chunks.",
)
@click.option(
    "--seed", metavar="N", default="1", show_default=True, callback=whole(_MOST_TOKENS), help="Of the arrivals."
)
@settings_option
@mapping_option
@trust_option
@click.option("--out", callback=folder, metavar="DIR", help="Save result.json, timing.json and plots in DIR.")
@json_option
def command(
    *,
    machine: str,
    model: str,
    settings: tuple[str, ...],
    mapping: Path | None,
    trust: bool,
    out: Path | None,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - those that say what requests there are, and by which rules they are served
) -> None:
    """Serve requests with MODEL on MACHINE: times of tokens, queues, energy, memory over time."""
    import time

    from archsim.graph import load_model
    from archsim.machine import load_machine
    from archsim.result import save
    from archsim.serving.figures import figures
    from archsim.serving.load import at_rate, curve, highest_rate, saturation
    from archsim.serving.server import Rules
    from archsim.serving.steps import step_costs

    began = time.perf_counter()
    if out is not None:
        save.check_folder(out)
    rates: tuple[float, ...] = options["rates"] or ()
    requests = _requests(options, rates)
    rules = Rules(options["policy"], options["most"] or 1 << 30, options["chunk"])
    with said_first(mapping, machine, settings):
        described = load_machine(machine, settings, mapping=mapping)
    graph = load_model(model, trust=trust)
    strangers(mapping, described.name, graph.name)
    with progress() as report:
        costs = step_costs(described, graph, requests.longest)
        point, served = at_rate(requests, costs, rules, rates[0] if rates else requests.rate)
        result = figures(described, graph, costs, served, rules).to_dict() | {"rate": point.rate}
        result["saturation_rate"] = saturation(requests, costs)
        result["curve"] = [asdict(each) for each in curve(requests, costs, rules, rates)] if len(rates) > 1 else []
        tell = None if report is None else lambda done, total: report("seeking the rate", done, total)
        target = options["target"]
        result["highest_rate"] = highest_rate(requests, costs, rules, target[0], tell) if target else None
    if out is not None:
        from archsim.report.serving_plots import plot_serving

        save.save(result, out, {"total": time.perf_counter() - began})
        plot_serving(result, out)
    if as_json:
        sys.stdout.write(save.dump(result))
    else:
        from archsim.report.serving_blocks import serving_blocks
        from archsim.report.tables import write_blocks

        write_blocks(serving_blocks(result), sys.stdout)
    click.echo(f"host: total {time.perf_counter() - began:.3f} s", err=True)


def _requests(options: dict[str, Any], rates: tuple[float, ...]) -> Requests:
    from archsim.serving.read import read_requests
    from archsim.serving.requests import make_requests

    if options["trace"] is not None:
        found = read_requests(options["trace"])
        return found.first(options["number"]) if options["number"] else found
    if not rates:
        raise UsageError("expected --trace FILE, or --rate R for equal requests.")
    number = options["number"] or 1000
    sizes = (options["prompt"], options["output"])
    return make_requests(options["arrivals"], number, rates[0], *sizes, burst=options["burst"], seed=options["seed"])
