"""Writes a table of docs/bits.md: searchers at equal numbers of evaluations. `python -m scripts.bits_compare MLP`.

MLP: weights written by scripts/train_mnist_mlp.py. Needs the data folder (ARCHSIM_DATA, or ../shared/data). Takes
half an hour.
"""

from __future__ import annotations

import sys
from statistics import mean, stdev
from typing import TYPE_CHECKING

from archsim.bits.search import SEARCHERS, search
from scripts.bits_nets import ASKED, load, write

if TYPE_CHECKING:
    from scripts.bits_nets import Net

HEAD = "| network | search | evaluations | latency, times less | accuracy lost, other half |"
SEEDS = (0, 1, 2)
EVALUATIONS = {"mlp-mnist": 150, "resnet-20": 80}


def row(net: Net, name: str, evaluations: int) -> str:
    """Gains of each seed, and what the found bits lose on the other half."""
    problem = net.problem(*ASKED["latency"])
    gains, lost = [], []
    for seed in SEEDS:
        best = search(problem, name, evaluations, seed).best
        judged = net.halves.judge(problem.uniform(8), best.choice)
        gains.append(problem.gain(best.cost))
        lost.append(judged.lost.lost)
        print(net.name, name, seed, gains[-1], judged.lost, flush=True)
    spread = f" ± {stdev(gains):.2f}"
    losses = ", ".join(f"{each:.1%}" for each in lost)
    return f"| {net.name} | {name} | {evaluations} | {mean(gains):.2f}{spread} | {losses} |"


def main() -> None:
    """Renew the table; names of networks may follow MLP."""
    names = sys.argv[2:] or list(EVALUATIONS)
    for name in names:
        net = load(name, sys.argv[1])
        write("searchers", HEAD, [row(net, each, EVALUATIONS[name]) for each in SEARCHERS])


if __name__ == "__main__":
    main()
