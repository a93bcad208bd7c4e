"""`archsim evaluate`: the values that a machine would compute, on a text or on pictures."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archsim.cli.mapped import mapping_option, said_first, strangers
from archsim.cli.options import (
    CHECKPOINT,
    json_option,
    limit_option,
    one_argument,
    seeds_option,
    settings_option,
    tokenizer_option,
)
from archsim.cli.progress import progress
from archsim.cli.values import file, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archsim.graph.graph import Graph
    from archsim.values.pictures import Pictures
    from archsim.values.running import Array
    from archsim.values.samples import Samples
    from archsim.values.tasks import Task

_FILES = (".yaml", ".yml")
_CAUSES = ("products", "tables", "formats", "outputs")


@dataclass(frozen=True)
class _Given:
    """Files beside the model, by their options."""

    weights: Path | None
    images: Path | None
    inputs: Path | None
    text: Path | None
    tokenizer: Path | None


@click.command("evaluate", epilog="MACHINE is a name that archsim knows, or a file.")
@click.argument("machine")
@one_argument("evaluate MACHINE --model PATH --text FILE")
@click.option("--model", type=click.Path(path_type=Path), required=True, metavar="PATH", help=f"{CHECKPOINT}.")
@click.option("--weights", metavar="FILE", callback=file, help="Of a network of layers (.safetensors).")
@click.option("--images", metavar="FILE", callback=file, help="Pictures and labels (.npz), for a network of layers.")
@click.option("--inputs", metavar="FILE", callback=file, help="Numbers of the model's inputs by name, labels (.npz).")
@click.option("--text", type=click.Path(path_type=Path), metavar="FILE", help="A text, or tokens (.npy).")
@tokenizer_option
@limit_option
@click.option("--own-ranges", is_flag=True, help="Quantise each input vector over its own range, not a fixed one.")
@click.option(
    "--exact",
    metavar="|".join(_CAUSES),
    multiple=True,
    callback=words(*_CAUSES),
    help="A cause of loss to leave out; may be given several times.",
)
@seeds_option(3)
@settings_option
@mapping_option
@json_option
def command(
    *,
    machine: str,
    model: Path,
    limit: int | None,
    own_ranges: bool,
    exact: tuple[str, ...],
    seeds: int,
    settings: tuple[str, ...],
    mapping: Path | None,
    as_json: bool,
    **files: Path | None,
) -> None:
    """Print the perplexity of a model in float, in integers, and with the errors of MACHINE.

    Of an encoder: how far its last hidden states are from those in float. Of pictures: the share told rightly. With
    --inputs, of any model: how far each result is from that in float, and with `labels` the share told rightly.
    Causes of loss: products in arrays, tables of functions, number formats, bits of what operators hand on (outputs).
    """
    from archsim.machine import load_machine
    from archsim.values.evaluate import evaluate

    given = _Given(**files)
    _require_use(model, given)
    with said_first(mapping, machine, settings):
        loaded = load_machine(machine, settings, mapping=mapping)
    strangers(mapping, loaded.name, model.absolute().stem)
    task = _task(model, given, limit)
    with progress() as report:
        found = evaluate(loaded, task, seeds, own_ranges=own_ranges, exact=exact, progress=report)
    if as_json:
        from archsim.result.save import dump

        sys.stdout.write(dump(found))
        return
    from archsim.report.blocks import Block
    from archsim.report.result_blocks import notes_block
    from archsim.report.tables import write_blocks

    def row(name: str, values: dict[str, float], *result: str) -> tuple[str, ...]:
        return name, f"{values['mean']:.4f}", f"{values['std']:.4f}", str(values["n"]), *result

    figures = [
        row(f"{of.replace('_', ' ')} {kind}", values)
        for of in ("perplexity", "accuracy", "cosine", "mean_error", "largest_error")
        for kind, values in found.get(of, {}).items()
    ]
    figures += [row(of.replace("_", " "), found[of]) for of in ("agreement", "divergence_nats") if of in found]
    compared = [
        row(f"{of.replace('_', ' ')} {kind}", values, name)
        for name, results in found.get("results", {}).items()
        for of, kinds in results.items()
        for kind, values in kinds.items()
    ]
    counted = [(of, str(found[of])) for of in ("tokens", "pictures", "samples") if of in found]
    head = (("machine", found["machine"]), *counted, ("saturated", f"{found['saturated']:.3%}"))
    columns = ("figure", "mean", "std", "n")
    tables = [
        Block("values", "Values", "<>>>", tuple(figures), columns, keyed=False),
        Block("results", "Results", "<>>><", tuple(compared), (*columns, "result"), keyed=False),
        notes_block(found["notes"]),
    ]
    tables = [table for table in tables if table.rows]
    write_blocks([Block("", "", "<w", head, keyed=False), *tables], sys.stdout)


def _require_use(model: Path, given: _Given) -> None:
    """Raise click.UsageError for options that do not go together."""
    kinds = {"--text": given.text, "--images": given.images, "--inputs": given.inputs}
    names = [name for name, path in kinds.items() if path is not None]
    if len(names) != 1:
        found = " and ".join(names) or "none"
        raise click.UsageError(f"found {found} of {', '.join(kinds)}; expected what the model is run on, one of them")
    layers = model.suffix in _FILES or (not model.suffix and not model.exists())
    if given.images is not None and not layers:
        found = f"found --model {model}; --images is of a file of layers, {' or '.join(_FILES)}"
        raise click.UsageError(f"{found}. Of any other model try --inputs, with its inputs as numbers")
    if given.weights is None and layers and given.text is None:
        raise click.UsageError(f"--model {model} is a file of layers, and has no weights in itself. Add --weights")
    if given.weights is not None and (given.text is not None or not layers):
        raise click.UsageError(f"found --weights, which is of a file of layers, {' or '.join(_FILES)}")
    if given.tokenizer is not None and given.text is None:
        raise click.UsageError("--tokenizer is of a text. Add --text")


def _task(model: Path, given: _Given, limit: int | None) -> Task | Pictures | Samples:
    if given.text is not None:
        from archsim.values.tasks import load_task

        return load_task(model, given.text, given.tokenizer, limit)
    if given.weights is None:
        from archsim.values.opened import open_model

        opened = open_model(model)
        return _samples(opened.graph, opened.arrays, given, limit)
    from archsim.graph import load_model

    graph = load_model(str(model))
    if given.images is not None:
        from archsim.values.pictures import load_pictures

        return load_pictures(given.weights, given.images, graph).first(limit)
    from archsim.values.network_weights import network_arrays

    return _samples(graph, network_arrays(given.weights, graph), given, limit)


def _samples(graph: Graph, arrays: Mapping[str, Array], given: _Given, limit: int | None) -> Samples:
    from archsim.values.samples import load_samples

    assert given.inputs is not None  # noqa: S101 - asked before
    return load_samples(graph, arrays, given.inputs).first(limit)
