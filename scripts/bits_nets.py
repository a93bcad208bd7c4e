"""The networks of docs/bits.md, with weights and pictures, and the page's tables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archsim.bits.judge import Halves
from archsim.bits.task import CHOICES, make_problem, tiles_of_eight, works_on
from archsim.graph import load_model
from archsim.graph.job import make_job
from archsim.machine import load_machine
from archsim.values.pictures import load_pictures
from scripts import page
from scripts.lrmp_tables import BATCHES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.bits.problem import Problem
    from archsim.graph.graph import Graph
    from archsim.machine import Machine
    from archsim.optimize import Goal

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "bits.md"
NAMES: Final = ("mlp-mnist", "resnet-20", "resnet-32")
ASKED: Final[dict[str, tuple[Goal, float]]] = {
    "latency": ("latency", 0.01),
    "latency, 0.5 %": ("latency", 0.005),
    "throughput": ("throughput", 0.01),
    "throughput, 0.5 %": ("throughput", 0.005),
}
"""What is searched: a goal, and accuracy that may be lost."""
DATA = Path(os.environ.get("ARCHSIM_DATA") or ROOT.parent / "shared" / "data")


@dataclass(frozen=True)
class Net:
    """A network on LRMP's chip, on as many tiles as it takes at 8 bits."""

    name: str
    machine: Machine
    graph: Graph
    halves: Halves

    def problem(self, goal: Goal, allowed: float) -> Problem:
        """With so much accuracy to lose."""
        batch = BATCHES.get(self.name, 1) if goal == "throughput" else 1
        job = make_job(self.graph, "prefill", None, 0, batch)
        works = works_on(self.machine, self.graph, job)
        return make_problem(self.graph, job, self.halves, works, goal, allowed, tiles_of_eight(self.graph, works))


def load(name: str, mlp: str) -> Net:
    """A network by its model's name; mlp: where the weights of mlp-mnist are, with their pictures beside them."""
    graph, machine = load_model(name), load_machine("lrmp_chip")
    folder = DATA / "cifar10"
    weights = Path(mlp) if name == "mlp-mnist" else folder / f"{name.replace('-', '')}.safetensors"
    images = weights.with_suffix(".npz") if name == "mlp-mnist" else folder / "cifar10_test_jpeg_2000.npz"
    halves = Halves(load_pictures(weights, images, graph), CHOICES)
    return Net(name, machine, graph, halves)


def write(table: str, head: str, rows: Sequence[str]) -> None:
    """Put rows between the page's marks of a table; those of other networks stay."""
    new = {line.split("|")[1] for line in rows}
    kept = [line for line in page.table(PAGE, table).splitlines()[2:] if line.split("|")[1] not in new]
    ruler = "|---" * (head.count("|") - 1) + "|"
    page.put(PAGE, table, "\n".join([head, ruler, *sorted([*kept, *rows], key=_network)]) + "\n")


def _network(line: str) -> str:
    return line.split("|")[1]
