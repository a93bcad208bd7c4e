"""Writes a table of docs/bits.md: what bits for each projection gain and lose. `python -m scripts.bits_tables MLP`.

MLP: weights written by scripts/train_mnist_mlp.py; names of networks may follow. Needs the data folder (ARCHSIM_DATA,
or ../shared/data). Takes half an hour.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from archsim.bits.measure import right_in
from archsim.bits.search import search
from archsim.bits.task import named
from archsim.machine.load import change
from archsim.mapping.bits import as_setting
from archsim.optimize import optimize
from archsim.values.machine_arithmetic import MachineArithmetic
from scripts.bits_nets import load, write

if TYPE_CHECKING:
    from archsim.bits.problem import Choice
    from archsim.optimize import Goal
    from scripts.bits_nets import Net

HEAD = (
    "| network | tiles | searched for | accuracy in float32, 8 bits, found bits | lost from 8 bits (95 % interval) "
    "| predicted gain | simulated latency, times less | energy, times less "
    "| with 2 % programming error, 8 bits, found |"
)
GOALS: tuple[Goal, ...] = ("latency", "throughput")
EVALUATIONS, SEED, ALLOWED = 150, 0, 0.01
UNIFORM = "| network | bits of all | accuracy in 8 bits, in these | lost (95 % interval) | predicted gain |"
PICTURES = {"mlp-mnist": 1000, "resnet-20": 500, "resnet-32": 500}
"""That a search looks at; the other half, 1,000, judges."""
ANALOG = {"mlp-mnist": 200}
"""Pictures that are run through the machine's arrays: a convolution's products are too many for it."""
ERROR = "parts.xbar.errors.programming={model: additive, sigma: 0.02}"
"""Deviation of programmed conductances, as a share of the largest: assumed, to see whether fewer bits stand less."""


def row(net: Net, goal: Goal) -> str:
    """Search, judge, play."""
    problem = net.problem(goal, ALLOWED)
    best = search(problem, "greedy", EVALUATIONS, SEED).best
    judged = net.halves.judge(problem.uniform(8), best.choice)
    bits = named(net.graph, best.choice)
    tiles = problem.cost(problem.uniform(8)).tiles
    played = optimize(net.machine, net.graph, net.job, goal, tiles=tiles, bits=bits, baseline=True)
    lost = judged.lost
    cells = (
        net.name,
        f"{tiles}",
        goal,
        f"{judged.floats:.1%}, {judged.before:.1%}, {judged.after:.1%}",
        f"{lost.lost:.1%} ({lost.low:.1%} to {lost.high:.1%})",
        f"{problem.gain(best.cost):.2f}",
        f"{played.before.latency_s / played.after.latency_s:.2f}",
        f"{played.before.energy_j / played.after.energy_j:.2f}",
        f"{analog(net, problem.uniform(8)):.1%}, {analog(net, best.choice):.1%}" if net.name in ANALOG else "",
    )
    print(*cells, [*best.choice], sep="; ", flush=True)
    return f"| {' | '.join(cells)} |"


def uniform(net: Net) -> list[str]:
    """The same bits everywhere, judged as what is searched is."""
    problem, judge = net.problem("latency", ALLOWED), net.halves
    found = []
    for bits in (7, 6, 5, 4):
        choice = problem.uniform(bits)
        judged = judge.judge(problem.uniform(8), choice)
        lost = judged.lost
        gain = problem.gain(problem.cost(choice))
        found.append(
            f"| {net.name} | {bits} | {judged.before:.1%}, {judged.after:.1%} "
            f"| {lost.lost:.1%} ({lost.low:.1%} to {lost.high:.1%}) | {gain:.2f} |"
        )
        print(found[-1], flush=True)
    return found


def analog(net: Net, choice: Choice) -> float:
    """Share of some pictures that arrays with errors tell rightly."""
    some, number = net.halves.others, ANALOG[net.name]
    some = replace(some, inputs=some.inputs[:number], labels=some.labels[:number])
    machine = change(net.machine, (ERROR, as_setting(named(net.graph, choice))))
    keys = (linear.key for linear in net.graph.linears)
    ranges = {key: net.halves.ranges[key][inputs] for key, (_, inputs) in zip(keys, choice, strict=True)}
    return float(right_in(MachineArithmetic(machine, SEED, ranges), some).mean())


def main() -> None:
    """Renew the table."""
    for name in sys.argv[2:] or PICTURES:
        net = load(name, sys.argv[1], PICTURES[name])
        write("uniform", UNIFORM, uniform(net))
        write("found", HEAD, [row(net, goal) for goal in GOALS])


if __name__ == "__main__":
    main()
