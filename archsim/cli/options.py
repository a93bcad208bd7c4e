"""Options that several commands have, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsim.cli.values import whole

if TYPE_CHECKING:
    from collections.abc import Callable

_PATH = click.Path(path_type=Path)
_MOST_SEEDS = 1000
CHECKPOINT = "A checkpoint of llama2.c, a GGUF file, a safetensors file, or a folder with one and config.json"

machine_option = click.option(
    "--machine", required=True, metavar="NAME", help="A machine that archsim knows, or a file."
)
text_option = click.option("--text", type=_PATH, required=True, metavar="FILE", help="A text, or tokens (.npy).")
tokenizer_option = click.option(
    "--tokenizer",
    type=_PATH,
    metavar="PATH",
    help="Default: tokN.bin or tokenizer.json beside the model, or what a GGUF file has.",
)
limit_option = click.option(
    "--limit", metavar="N", callback=whole(1 << 30), help="Take so many sequences of the text; all."
)
settings_option = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the machine: parts.xbar.rows=64."
)
trust_option = click.option("--trust", is_flag=True, help="Open model files that can run code as they load (.pt2).")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def seeds_option(usual: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """How often arrays are programmed; usual: if it is not given."""
    check = whole(_MOST_SEEDS)
    return click.option(
        "--seeds", metavar="N", default=str(usual), show_default=True, callback=check, help="Of programming."
    )


class _Unasked(click.Argument):
    """An argument that no usage line shows."""

    def get_usage_pieces(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return []


def one_argument(form: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Refuse a second argument, before a missing option is, with the right form of the command.

    Other commands take MACHINE MODEL, so that many will try it.
    """

    def refuse(_context: click.Context, _argument: click.Parameter, words: tuple[str, ...]) -> None:
        if words:
            raise click.UsageError(f"found a second argument, '{words[0]}'; expected archsim {form}")

    return click.argument("others", cls=_Unasked, nargs=-1, is_eager=True, expose_value=False, callback=refuse)
