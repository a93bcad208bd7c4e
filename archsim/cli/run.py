"""`archsim run`: a model on a machine, to tables or JSON."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from archsim.cli.mapped import mapping_option, said_first, strangers
from archsim.cli.options import json_option, settings_option, trust_option
from archsim.cli.progress import progress
from archsim.cli.values import arrays, folder, sizes, whole, word
from archsim.errors import ArchsimError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from archsim.graph import Model
    from archsim.machine import Machine

_GRAINS = ("projection", "core")
_ENGINES = ("compiled", "simpy")
_PHASES = ("prefill", "decode", "generate")
_MOST_TOKENS = 1 << 20
_MOST_BATCH = 1 << 16


@click.command("run", epilog="MACHINE and MODEL are names that archsim knows, or files.")
@click.argument("machine")
@click.argument("model")
@click.option(
    "--phase",
    metavar="|".join(_PHASES),
    default="prefill",
    show_default=True,
    callback=word(*_PHASES),
    help="The prompt, new tokens after it, or both.",
)
@click.option(
    "--seq",
    metavar="N",
    callback=whole(_MOST_TOKENS),
    help="Tokens of the prompt; 128 if not given, or as many as the model always has.",
)
@click.option(
    "--new-tokens",
    metavar="N",
    callback=whole(_MOST_TOKENS),
    help="Tokens to produce; 1 if not given, none in prefill.",
)
@click.option(
    "--batch",
    metavar="N",
    default="1",
    show_default=True,
    callback=whole(_MOST_BATCH),
    help="Prompts run together.",
)
@click.option(
    "--grain",
    metavar="|".join(_GRAINS),
    default="projection",
    callback=word(*_GRAINS),
    help="A task for a projection, or for each core.",
)
@click.option(
    "--engine",
    metavar="|".join(_ENGINES),
    callback=word(*_ENGINES),
    help="What plays the tasks; both find the same times. The quicker one, if not given.",
)
@click.option(
    "--what-if", "tries", is_flag=True, help="Play changes of the bottleneck too, and say what each would do."
)
@settings_option
@mapping_option
@click.option(
    "--shape", "shapes", multiple=True, metavar="INPUT=SIZES", callback=sizes, help="Of an ONNX input: x=1x3x224x224."
)
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="INPUT=NUMBERS",
    callback=arrays,
    help="Of an ONNX input that decides sizes: axes=1,2.",
)
@click.option("--approximate", is_flag=True, help="Let an ONNX file's unknown operators cost an operation a value.")
@trust_option
@click.option("--out", callback=folder, metavar="DIR", help="Save result.json and timing.json in DIR.")
@json_option
def command(  # noqa: PLR0913 - an argument for each option of the command line
    *,
    machine: str,
    model: str,
    phase: str,
    seq: int | None,
    new_tokens: int | None,
    batch: int,
    grain: str,
    engine: str | None,
    tries: bool,
    mapping: Path | None,
    settings: tuple[str, ...],
    shapes: dict[str, tuple[int, ...]],
    values: dict[str, NDArray[Any]],
    approximate: bool,
    trust: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Run MODEL on MACHINE: how long, how much energy and area, and where each went."""
    from archsim.graph import load_model
    from archsim.result import save
    from archsim.simulation import simulate
    from archsim.what_if import what_if

    began = time.perf_counter()
    tokens = _new_tokens(phase, new_tokens)
    if out is not None:
        save.check_folder(out)
    described, graph = _load(
        machine,
        settings,
        mapping,
        lambda: load_model(model, shapes, values=values, approximate=approximate, trust=trust),
    )
    strange = strangers(mapping, described.name, graph.name)
    times = {"load": time.perf_counter() - began}

    job: dict[str, Any] = {"phase": phase, "seq": seq, "new_tokens": tokens, "batch": batch, "grain": grain}
    job["engine"] = engine or ("compiled" if tries else None)  # many plays make up for its loading
    with progress() as report:
        found = simulate(described, graph, **job, times=times, progress=report)
        if tries:
            asked = time.perf_counter()
            found = replace(found, what_if=what_if(described, found, lambda on: simulate(on, graph, **job), report))
            times["what if"] = time.perf_counter() - asked
    if strange:
        found = replace(found, notes=[*found.notes, *strange])
    result = found.to_dict()
    times["total"] = time.perf_counter() - began
    if out is not None:
        save.save(result, out, times)
    if as_json:
        sys.stdout.write(save.dump(result))
    else:
        from archsim.report.tables import write_result

        write_result(result, sys.stdout)
    sys.stdout.flush()
    if sys.stdout.isatty() and sys.stderr.isatty():
        click.echo(err=True)  # set apart from the table above it
    click.echo(_host_line(times), err=True)


def _new_tokens(phase: str, asked: int | None) -> int:
    """Tokens that a phase produces: none in prefill, else as many as asked for, else one."""
    if phase != "prefill":
        return asked or 1
    if asked is not None:
        raise UsageError("--new-tokens: prefill produces none. Try --phase decode or --phase generate.")
    return 0


def _load(
    machine: str, settings: tuple[str, ...], mapping: Path | None, load_model: Callable[[], Model]
) -> tuple[Machine, Model]:
    """Load both; the faults of both are raised together."""
    from archsim.machine import load_machine

    try:
        with said_first(mapping, machine, settings):
            described = load_machine(machine, settings, mapping=mapping)
    except ArchsimError as error:
        try:
            load_model()
        except ArchsimError as other:
            raise ArchsimError(*error.faults, *other.faults) from None
        raise
    return described, load_model()


def _host_line(times: Mapping[str, float]) -> str:
    return "host: " + ", ".join(f"{stage} {seconds:.3f} s" for stage, seconds in times.items())
