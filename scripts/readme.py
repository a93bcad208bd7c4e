"""Writes the example's output into README.md, between its markers: `python scripts/readme.py`."""

from __future__ import annotations

import io
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- example output: begin -->\n", "<!-- example output: end -->\n"


def example() -> str:
    """What the README's command prints into a pipe, without the longest lists."""
    from archsim import load_machine, load_model, simulate
    from archsim.report.tables import write_result

    stream = io.StringIO()
    write_result(simulate(load_machine("isaac"), load_model("bert-base"), seq=128).to_dict(), stream)
    left_out = ("energy_by_layer", "energy_by_operator", "critical_by_operator", "operator", "sources")
    blocks = stream.getvalue().split("\n\n")
    kept = [block for block in blocks if not block.startswith(left_out)]
    return "```\n" + "\n\n".join(kept).rstrip() + "\n```\n"


def renewed(text: str) -> str:
    """The README with the example's output of today."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + example() + END + rest.split(END)[1]


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))
