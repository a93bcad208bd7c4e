"""RACE-IT's and NL-DPE's comparison, for docs/race_it.md: `python scripts/papers_ratios.py`, some minutes."""

from __future__ import annotations

from math import floor, log10
from pathlib import Path
from typing import TYPE_CHECKING

from archsim import load_model
from archsim.gpu.compare import compare, jobs
from archsim.gpu.ratios import Ratio, ratios
from archsim.gpu.rivals import Rivals, rivals

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = Path(__file__).resolve().parent.parent / "docs" / "race_it.md"
MACHINES = ("race_it", "race_it_v1", "nl_dpe", "nl_dpe@parts.dac.alternative=isaac_rate")
AGAINST = ("eyeriss_flex", "puma_flex", "retransformer_flex", "isaac", "raella")
MODELS = ("bert-base", "efficientnet-b0", "llama-3.2-1b", "llama-3.2-3b")
SEQ, NEW_TOKENS = 128, 8


def related(found: Rivals, model: str, phases: Sequence[str]) -> list[Ratio]:
    """Ratios of a model's jobs of some phases, at one input."""
    graph = load_model(model)
    names, gpus = [machine.name for machine in found.machines[: found.compared]], [gpu.name for gpu in found.gpus]
    return [
        ratio
        for job in jobs(graph, SEQ, NEW_TOKENS, [1])
        if job.phase in phases
        for ratio in ratios(
            compare(found.machines, found.gpus, graph, job, precision="fp16"), names, found.references, gpus
        )
    ]


def row(of: Sequence[Ratio], references: Sequence[str]) -> str:
    """Cells of one machine on one job: speed-up, energy ratio, and at equal area, over each."""
    by = {ratio.relative_to: ratio for ratio in of}
    cells = (by.get(name) for name in references)
    return " | ".join("-" if each is None else _cell(each) for each in cells)


def _cell(ratio: Ratio) -> str:
    values = (ratio.speed_up, ratio.energy_ratio, ratio.at_equal_area)
    return " / ".join(f"{value:.{max(0, 1 - floor(log10(value)))}f}" for value in values)


def _printed(of: Sequence[Ratio], references: Sequence[str]) -> str:
    by = {ratio.relative_to: ratio for ratio in of if ratio.source}
    cells = (by.get(name) for name in references)
    return " | ".join(
        f"{each.published_speed_up:g} / {each.published_energy_ratio:g}" if each else "-" for each in cells
    )


def text() -> list[str]:
    """The table."""
    found = rivals(MACHINES, ["h100"], AGAINST, ())
    every = [ratio for model in MODELS for ratio in related(found, model, ("prefill", "decode"))]
    lines = [
        f"| machine | job | {' | '.join(found.references)} |",
        f"|---|---|{'---|' * len(found.references)}",
    ]
    for name in MACHINES:
        mine = [ratio for ratio in every if ratio.name == name]
        for model, phase in dict.fromkeys((ratio.model, ratio.phase) for ratio in mine):
            of = [ratio for ratio in mine if (ratio.model, ratio.phase) == (model, phase)]
            lines.append(f"| {name.replace('@', ' @')} | {model}, {phase} | {row(of, found.references)} |")
        if "@" not in name:
            of = [ratio for ratio in mine if ratio.model == MODELS[0]]
            lines.append(f"| {name} | *published, average* | {_printed(of, found.references)} |")
    return lines


def renewed(page: str) -> str:
    """The page with the table made anew."""
    begin, end = "<!-- comparison: begin -->\n", "<!-- comparison: end -->\n"
    before, rest = page.split(begin)
    return before + begin + "\n".join(text()) + "\n" + end + rest.split(end)[1]


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
