"""`archsim evaluate`: the values that a machine would compute, on a text or on pictures."""

from __future__ import annotations

import sys
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
from archsim.cli.values import file

if TYPE_CHECKING:
    from archsim.values.pictures import Pictures
    from archsim.values.tasks import Task

_FILES = (".yaml", ".yml")


@click.command("evaluate", epilog="MACHINE is a name that archsim knows, or a file.")
@click.argument("machine")
@one_argument("evaluate MACHINE --model PATH --text FILE")
@click.option("--model", type=click.Path(path_type=Path), required=True, metavar="PATH", help=f"{CHECKPOINT}.")
@click.option("--weights", metavar="FILE", callback=file, help="Of a network of layers (.safetensors).")
@click.option("--images", metavar="FILE", callback=file, help="Pictures and labels (.npz), for a network of layers.")
@click.option("--text", type=click.Path(path_type=Path), metavar="FILE", help="A text, or tokens (.npy).")
@tokenizer_option
@limit_option
@click.option("--calibrate", is_flag=True, help="Fix input ranges by the first sequence, not vector by vector.")
@seeds_option(3)
@settings_option
@mapping_option
@json_option
def command(
    *,
    machine: str,
    model: Path,
    text: Path | None,
    images: Path | None,
    weights: Path | None,
    tokenizer: Path | None,
    limit: int | None,
    calibrate: bool,
    seeds: int,
    settings: tuple[str, ...],
    mapping: Path | None,
    as_json: bool,
) -> None:
    """Print the perplexity of a model in float, in integers, and with the errors of MACHINE.

    Of an encoder: how far its last hidden states are from those in float. Of pictures: the share told rightly.
    """
    from archsim.machine import load_machine
    from archsim.values.evaluate import evaluate

    _require_use(model, text, images, weights, tokenizer)
    with said_first(mapping, machine, settings):
        loaded = load_machine(machine, settings, mapping=mapping)
    strangers(mapping, loaded.name, model.absolute().stem)
    task = _task(model, text, images, weights, tokenizer, limit)
    with progress() as report:
        found = evaluate(loaded, task, seeds, calibrate=calibrate, progress=report)
    if as_json:
        from archsim.result.save import dump

        sys.stdout.write(dump(found))
        return
    from archsim.report.blocks import Block
    from archsim.report.tables import write_blocks

    def row(name: str, values: dict[str, float]) -> tuple[str, str, str, str]:
        return name, f"{values['mean']:.4f}", f"{values['std']:.4f}", str(values["n"])

    figures = [
        row(f"{of.replace('_', ' ')} {kind}", values)
        for of in ("perplexity", "accuracy", "cosine", "mean_error", "largest_error")
        for kind, values in found.get(of, {}).items()
    ]
    figures += [row(of.replace("_", " "), found[of]) for of in ("agreement", "divergence_nats") if of in found]
    counted = [(of, str(found[of])) for of in ("tokens", "pictures") if of in found]
    head = (("machine", found["machine"]), *counted, ("saturated", f"{found['saturated']:.3%}"))
    table = Block("values", "Values", "<>>>", tuple(figures), ("figure", "mean", "std", "n"), keyed=False)
    write_blocks([Block("", "", "<w", head, keyed=False), table], sys.stdout)


def _require_use(
    model: Path, text: Path | None, images: Path | None, weights: Path | None, tokenizer: Path | None
) -> None:
    """Raise click.UsageError for options that do not go together."""
    if (text is None) == (images is None):
        found = "neither" if text is None else "both"
        raise click.UsageError(f"found {found} of --text and --images; expected what the model is run on, one of them")
    if (weights is None) != (images is None):
        raise click.UsageError("--weights and --images go together: a file of layers has no weights in itself")
    if images is not None and model.suffix not in ("", *_FILES):
        raise click.UsageError(f"found --model {model}; --images is of a file of layers, {' or '.join(_FILES)}")
    if tokenizer is not None and text is None:
        raise click.UsageError("--tokenizer is of a text. Add --text")


def _task(
    model: Path, text: Path | None, images: Path | None, weights: Path | None, tokenizer: Path | None, limit: int | None
) -> Task | Pictures:
    if text is not None:
        from archsim.values.tasks import load_task

        return load_task(model, text, tokenizer, limit)
    from archsim.graph import load_model
    from archsim.values.pictures import load_pictures

    assert weights is not None  # noqa: S101 - asked before
    assert images is not None  # noqa: S101
    return load_pictures(weights, images, load_model(str(model))).first(limit)
