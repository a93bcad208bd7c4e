"""`archsim validate`: published figures beside what archsim computes."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from archsim.cli.values import folder


@click.command("validate", epilog="FILE has figures of your own, of schema archsim.validation/1.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--out", callback=folder, metavar="DIR", help="Write the table as validation.md in DIR.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a figure misses.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs: a list of figures.")
def command(*, file: Path | None, out: Path | None, strict: bool, as_json: bool) -> None:
    """Show each published figure, what archsim computes for it, and by how much they differ."""
    import json

    from archsim.report.tables import write_blocks
    from archsim.report.validation import as_markdown, validation_blocks
    from archsim.result import save
    from archsim.validation import summary, validate

    if out is not None:
        save.check_folder(out)
    rows = validate(file)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "validation.md").write_text(as_markdown(rows, summary(rows)), encoding="utf-8")
    if as_json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=2, allow_nan=False) + "\n")
    else:
        write_blocks(validation_blocks(rows, summary(rows)), sys.stdout)
    if strict and any(row.status == "miss" for row in rows):
        raise click.exceptions.Exit(1)
