"""`archsim list`: what archsim knows by name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("machines", "models", "parts", "gpus")


@click.command("list", epilog=f"KIND is one of {', '.join(KINDS)}; without it all are listed.")
@click.argument("kind", required=False)
def command(*, kind: str | None) -> None:
    """List the machines, models and parts that archsim knows, with a line each."""
    from archsim.errors import UsageError, did_you_mean
    from archsim.report.blocks import Block, cell
    from archsim.report.tables import write_blocks

    if kind is not None and kind not in KINDS:
        raise UsageError(f"found '{kind}'; expected one of them. {did_you_mean(kind, KINDS)}")
    wanted = [name for name in KINDS if kind in (None, name)]
    rows = {name: tuple((cell(word), cell(text)) for word, text in _entries(name)) for name in wanted}
    write_blocks([Block(name, name.capitalize(), "<w", found) for name, found in rows.items()], sys.stdout)


def _entries(kind: str) -> Iterator[tuple[str, str]]:
    """Names, and what they stand for."""
    from archsim import registry, resources

    if kind == "parts":
        from archsim.parts.base import Part

        for name in registry.known():
            paragraph = (registry.part_class(name, Part).__doc__ or "").strip().partition("\n\n")[0]
            yield name, " ".join(paragraph.split()).partition(". ")[0]
        return
    if kind == "gpus":
        from archsim.gpu.load import load_gpu

        for path in sorted((resources.find("hw_configs") / "gpus").glob("*.yaml")):
            gpu = load_gpu(path)
            yield path.stem, f"{gpu.name}, {'measured products' if gpu.measured else 'specification alone'}"
        return
    from archsim.machine.overlay import read_whole
    from archsim.machine.provenance import mapping

    folder = "hw_configs/machines" if kind == "machines" else "workloads/models"
    for path in sorted(resources.find(folder).glob("*.yaml")):
        yield path.stem, str(mapping(read_whole(path, folder=folder)).get("description", ""))
