"""`archsim evaluate`: the values that a machine would compute, as a model's perplexity on a text."""

import sys
from pathlib import Path

import click

from archsim.cli.mapped import mapping_option, warn_of_strangers
from archsim.cli.progress import progress
from archsim.cli.values import whole

_MOST_SEEDS = 1000


@click.command("evaluate", epilog="MACHINE is a name that archsim knows, or a file.")
@click.argument("machine")
@click.option("--model", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Of llama2.c, or GPT-2.")
@click.option(
    "--text", type=click.Path(path_type=Path), required=True, metavar="FILE", help="A text, or tokens (.npy)."
)
@click.option(
    "--tokenizer",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Default: tokN.bin, or GPT-2's files, beside the model.",
)
@click.option(
    "--seeds", metavar="N", default="3", show_default=True, callback=whole(_MOST_SEEDS), help="Of programming."
)
@click.option("--limit", metavar="N", callback=whole(1 << 30), help="Take so many sequences of the text; all.")
@click.option("--calibrate", is_flag=True, help="Fix input ranges by the first sequence, not vector by vector.")
@mapping_option
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the machine: parts.adc.bits='6 b'.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(
    *,
    machine: str,
    model: Path,
    text: Path,
    tokenizer: Path | None,
    seeds: int,
    limit: int | None,
    calibrate: bool,
    mapping: Path | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print the perplexity of a model in float, in integers, and with the errors of MACHINE."""
    from archsim.machine import load_machine
    from archsim.values.evaluate import evaluate
    from archsim.values.tasks import load_task

    loaded = load_machine(machine, settings, mapping=mapping)
    if mapping is not None:
        warn_of_strangers(mapping, loaded.name, model.stem)
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

    figures = [row(f"perplexity {name}", values) for name, values in found["perplexity"].items()]
    figures += [row("agreement", found["agreement"]), row("divergence nats", found["divergence_nats"])]
    head = (("machine", found["machine"]), ("tokens", str(found["tokens"])), ("saturated", f"{found['saturated']:.3%}"))
    table = Block("values", "Values", "<>>>", tuple(figures), ("figure", "mean", "std", "n"), keyed=False)
    write_blocks([Block("", "", "<w", head, keyed=False), table], sys.stdout)
