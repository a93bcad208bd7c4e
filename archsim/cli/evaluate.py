"""`archsim evaluate`: the values that a machine would compute, as a model's perplexity on a text, or against float."""

import sys
from pathlib import Path

import click

from archsim.cli.mapped import mapping_option, said_first, strangers
from archsim.cli.options import (
    CHECKPOINT,
    json_option,
    limit_option,
    one_argument,
    seeds_option,
    settings_option,
    text_option,
    tokenizer_option,
)
from archsim.cli.progress import progress


@click.command("evaluate", epilog="MACHINE is a name that archsim knows, or a file.")
@click.argument("machine")
@one_argument("evaluate MACHINE --model PATH --text FILE")
@click.option("--model", type=click.Path(path_type=Path), required=True, metavar="PATH", help=f"{CHECKPOINT}.")
@text_option
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
    text: Path,
    tokenizer: Path | None,
    limit: int | None,
    calibrate: bool,
    seeds: int,
    settings: tuple[str, ...],
    mapping: Path | None,
    as_json: bool,
) -> None:
    """Print the perplexity of a model in float, in integers, and with the errors of MACHINE.

    Of an encoder: how far its last hidden states are from those in float.
    """
    from archsim.machine import load_machine
    from archsim.values.evaluate import evaluate
    from archsim.values.tasks import load_task

    with said_first(mapping, machine, settings):
        loaded = load_machine(machine, settings, mapping=mapping)
    strangers(mapping, loaded.name, model.absolute().stem)
    task = load_task(model, text, tokenizer, limit)
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
        for of in ("perplexity", "cosine", "mean_error", "largest_error")
        for kind, values in found.get(of, {}).items()
    ]
    figures += [row(of.replace("_", " "), found[of]) for of in ("agreement", "divergence_nats") if of in found]
    head = (("machine", found["machine"]), ("tokens", str(found["tokens"])), ("saturated", f"{found['saturated']:.3%}"))
    table = Block("values", "Values", "<>>>", tuple(figures), ("figure", "mean", "std", "n"), keyed=False)
    write_blocks([Block("", "", "<w", head, keyed=False), table], sys.stdout)
