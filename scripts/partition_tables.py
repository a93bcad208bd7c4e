"""Renews the tables of docs/partitioning.md on what is digital: `python -m scripts.partition_tables`.

stories3M on hetero_512, four sequences of 256 tokens; takes some five minutes of two cores.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsim import load_machine, load_model
from archsim.graph.job import make_job
from archsim.partition.frontier import Wanted, partition
from archsim.profile.profile import profile
from archsim.report.partition import plot_partition
from archsim.units import format_si
from archsim.values.tasks import load_task
from scripts.page import put

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("ARCHSIM_DATA") or ROOT.parent / "shared" / "data")
PAGE = ROOT / "docs" / "partitioning.md"
SEQUENCES, PROFILE_SEEDS, SEEDS, SEQ = 4, 4, 3, 64
TRIED = (
    ("projection", Wanted(tried=("first-last", "sensitivity", "macs", "analytical"), threshold=0.2, seeds=SEEDS)),
    ("layer", Wanted(tried=("sensitivity", "analytical"), granularity="layer", seeds=SEEDS)),
    ("channel", Wanted(tried=("analytical",), granularity="channel", objective="latency", seeds=SEEDS)),
)


def tables() -> Iterator[tuple[str, dict[str, Any]]]:
    """Of each granularity its points."""
    model = DATA / "llama2c" / "stories3M-q80.bin"
    machine, graph = load_machine("hetero_512"), load_model(str(model))
    task = load_task(model, DATA / "text" / "stories3M_sampled_tokens.npy", limit=SEQUENCES)
    known = profile(machine, task, PROFILE_SEEDS, workers=os.cpu_count() or 1)
    for name, wanted in TRIED:
        yield name, partition(machine, graph, make_job(graph, "prefill", SEQ, 0, 1), task, known, wanted)


def lines(found: dict[str, Any]) -> Iterator[str]:
    """A table."""
    yield "| choice | perplexity, ± over seeds | won back | analog MACs | digital weights | latency | energy | |"
    yield "|---|---|---|---|---|---|---|---|"
    for point in found["points"]:
        ppl, best = point["delta_ppl"], "none beats it" if point["frontier"] else ""
        yield (
            f"| {point['name']} | {found['ppl_float'] + ppl['mean']:.2f} ± {ppl['std']:.2f} | {point['recovered']:.1%} "
            f"| {point['analog_mac_share']:.1%} | {point['digital_weight_bits'] / 8192:,.0f} KiB "
            f"| {format_si(point['latency_s'], 's')} | {format_si(point['energy_j'], 'J')} | {best} |"
        )


def main() -> None:
    """Write them between their marks."""
    for name, found in tables():
        put(PAGE, name, "".join(f"{line}\n" for line in lines(found)))
        if name == "projection":
            plot_partition(found, PAGE.with_name("partitioning.svg"))


if __name__ == "__main__":
    main()
