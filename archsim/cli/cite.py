"""`archsim cite`: the papers that figures lean on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from archsim.cli.options import trust_option

if TYPE_CHECKING:
    from archsim.machine.bibliography import Reference


@click.command("cite", epilog="MACHINE and MODEL are names that archsim knows, or files.")
@click.argument("machine")
@click.argument("model", required=False)
@click.option("--bibtex", is_flag=True, help="Print BibTeX entries.")
@trust_option
def command(*, machine: str, model: str | None, bibtex: bool, trust: bool) -> None:
    """Print the sources of MACHINE's figures, and of MODEL: what a paper with results on them should cite."""
    from archsim.graph import load_model
    from archsim.machine import load_machine
    from archsim.machine.bibliography import bibliography, cited

    keys = dict(cited(load_machine(machine).provenance))
    source = load_model(model, trust=trust).source if model is not None else None
    if source is not None:
        keys[source] = source
    known = bibliography()
    for key in sorted(keys):
        reference = known.get(key)
        if reference is None:
            sys.stdout.write(f"% {key}\n" if bibtex else f"{key}\n")
        else:
            sys.stdout.write(_bibtex(reference) if bibtex else f"[{key}] {reference}\n")


def _bibtex(reference: Reference) -> str:
    """An entry of a type that takes all fields; authors in BibTeX's way."""
    authors = reference.authors.replace(" and others", ", others").replace(", ", " and ")
    fields = {
        "author": authors,
        "title": "{" + reference.title + "}",
        "howpublished": reference.venue,
        "year": reference.year,
        "note": reference.identifier,
    }
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{reference.key},\n{lines}}}\n"
