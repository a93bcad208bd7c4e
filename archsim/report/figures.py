"""Every figure of a machine: what it is, where it is written, how it was obtained, by whom."""

from typing import Any

from archsim.machine.bibliography import cited
from archsim.machine.machine import Machine
from archsim.machine.source import dotted
from archsim.report.blocks import Block, cell
from archsim.report.result_blocks import sources_block


def figures(machine: Machine) -> list[dict[str, Any]]:
    """A row for each figure that the file gives: key, value as written, status, source, note, place."""
    return [
        {
            "figure": dotted(loc),
            "value": origin.text,
            "status": origin.status,
            "source": origin.source,
            "note": origin.note,
            "place": str(origin.place or machine.document.place(loc)),
        }
        for loc, origin in machine.provenance.items()
        if loc[-1] != "class"
    ]


def figure_blocks(machine: Machine) -> list[Block]:
    """The figures as a table, and the sources in words."""
    rows = tuple(
        tuple(cell(row[name] or "-") for name in ("figure", "value", "status", "source", "place", "note"))
        for row in figures(machine)
    )
    headers = ("figure", "value", "status", "source", "place", "note")
    table = Block("figures", "Figures", "w<<www", rows, headers, keyed=False)
    return [table, sources_block(cited(machine.provenance))]
