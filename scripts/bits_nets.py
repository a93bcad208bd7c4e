"""The networks of docs/bits.md, with weights and pictures, and the page's tables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archsim.bits.judge import Halves
from archsim.bits.task import CHOICES, make_problem, works_on
from archsim.graph import load_model
from archsim.graph.job import make_job
from archsim.machine import load_machine
from archsim.values.pictures import load_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.bits.problem import Problem
    from archsim.graph.graph import Graph
    from archsim.graph.job import Job
    from archsim.machine import Machine
    from archsim.optimize import Goal

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "bits.md"
GOALS: Final[tuple[Goal, ...]] = ("latency", "throughput")
NAMES: Final = ("mlp-mnist", "resnet-20", "resnet-32")
ALLOWED: Final = 0.01
"""Accuracy that may be lost."""
DATA = Path(os.environ.get("ARCHSIM_DATA") or ROOT.parent / "shared" / "data")


@dataclass(frozen=True)
class Net:
    """A network on LRMP's chip, on as many tiles as it takes at 8 bits."""

    name: str
    machine: Machine
    graph: Graph
    job: Job
    halves: Halves

    def problem(self, goal: Goal, allowed: float) -> Problem:
        """With so much accuracy to lose."""
        works = works_on(self.machine, self.graph, self.job)
        return make_problem(self.graph, self.job, self.halves, works, goal, allowed)


def load(name: str, mlp: str, most: int | None = None) -> Net:
    """A network by its model's name; mlp: where the weights of mlp-mnist are, with their pictures beside them.

    most: pictures that a search looks at.
    """
    graph, machine = load_model(name), load_machine("lrmp_chip")
    folder = DATA / "cifar10"
    weights = Path(mlp) if name == "mlp-mnist" else folder / f"{name.replace('-', '')}.safetensors"
    images = weights.with_suffix(".npz") if name == "mlp-mnist" else folder / "cifar10_test_jpeg_2000.npz"
    halves = Halves(load_pictures(weights, images, graph), CHOICES, most)
    return Net(name, machine, graph, make_job(graph, "prefill", None, 0, 1), halves)


def write(table: str, head: str, rows: Sequence[str]) -> None:
    """Put rows between the page's marks of a table; those of other networks stay."""
    begin, end = f"<!-- {table}: begin -->\n", f"<!-- {table}: end -->\n"
    before, rest = PAGE.read_text(encoding="utf-8").split(begin)
    old, after = rest.split(end)
    new = {line.split("|")[1] for line in rows}
    kept = [line for line in old.splitlines()[2:] if line.split("|")[1] not in new]
    ruler = "|---" * (head.count("|") - 1) + "|"
    PAGE.write_text(
        before + begin + "\n".join([head, ruler, *sorted([*kept, *rows], key=_network)]) + "\n" + end + after,
        encoding="utf-8",
    )


def _network(line: str) -> str:
    return line.split("|")[1]
