"""Writes tables of docs/bits.md: what bits for each projection gain and lose. `python -m scripts.bits_tables MLP`.

MLP: weights written by scripts/train_mnist_mlp.py; names of networks may follow. Bits that were searched are those of
scripts/bits_search.py. Needs the data folder (ARCHSIM_DATA, or ../shared/data). Takes minutes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING, Final

from archsim.bits.task import named
from archsim.machine.load import change
from archsim.mapping.bits import as_setting
from archsim.values.machine_arithmetic import MachineArithmetic
from scripts.bits_nets import NAMES, load, write
from scripts.lrmp_tables import GOALS, gains, of_bits, tiles_of
from scripts.lrmp_tables import named as by_text

if TYPE_CHECKING:
    from archsim.bits.problem import Choice
    from scripts.bits_nets import Net

HEAD: Final = (
    "| network | bits | mean of weights, inputs | right with 8 bits, with these | lost (95 % interval) "
    "| latency, times less: predicted | simulated | throughput: predicted | simulated | energy, times less |"
)
ERRORS: Final = "| network | 8 bits | found for latency | found for throughput |"
ANALOG: Final = {"mlp-mnist": 200}
"""Pictures that are run through the machine's arrays: a convolution's products are too many for it."""
ERROR: Final = "parts.xbar.errors.programming={model: additive, sigma: 0.02}"
"""Deviation of programmed conductances, as a share of the largest: assumed, to see whether fewer bits stand less."""
SEED: Final = 0


@dataclass(frozen=True)
class Row:
    """Of a table: what it is called, bits as `named` of scripts/lrmp_tables.py reads them, and with copies or not."""

    name: str
    text: str
    copies: bool = True


ROWS: Final = (
    Row("found for latency", "latency"),
    Row("the same without copies", "latency", copies=False),
    Row("for latency, 0.5 % allowed", "latency, 0.5 %"),
    Row("found for throughput", "throughput"),
    Row("for throughput, 0.5 % allowed", "throughput, 0.5 %"),
    Row("copies alone", "w8a8"),
)
LEAST: Final = {"mlp-mnist": 3, "resnet-20": 4, "resnet-32": 4}
"""Of the same bits everywhere: from 7 down to where more is lost than may be, or the searched half says so."""


def choice_of(net: Net, text: str) -> Choice:
    """Bits in the order of projections."""
    return tuple((bits.weights, bits.inputs) for bits in by_text(net.name, text).values())


def line(net: Net, row: Row) -> str:
    """Judge, predict, simulate."""
    choice = choice_of(net, row.text)
    judged = net.halves.judge(choice_of(net, "w8a8"), choice)
    found: list[str] = []
    for goal in GOALS:
        gained = gains(net.name, row.text, tiles_of(net.name), goal, copies=row.copies)
        found += [f"{gained.predicted:.2f}", f"{gained.simulated:.2f}"]
    energies = [sum(work.energy for work in of_bits(net.name, text, 1)) for text in ("w8a8", row.text)]
    lost = judged.lost
    cells = (
        net.name,
        row.name,
        ", ".join(f"{mean(bits):.1f}" for bits in zip(*choice, strict=True)),
        f"{judged.before:.1%}, {judged.after:.1%}",
        f"{lost.lost:.1%} ({lost.low:.1%} to {lost.high:.1%})",
        *found,
        f"{energies[0] / energies[1]:.2f}",
    )
    print(*cells, sep="; ", flush=True)
    return f"| {' | '.join(cells)} |"


def analog(net: Net, choice: Choice) -> float:
    """Share of some pictures that arrays with errors tell rightly."""
    some = net.halves.others.first(ANALOG[net.name])
    machine = change(net.machine, (ERROR, as_setting(named(net.graph, choice))))
    keys = (linear.key for linear in net.graph.linears)
    ranges = {key: net.halves.ranges[key][inputs] for key, (_, inputs) in zip(keys, choice, strict=True)}
    return float(some.right(MachineArithmetic(machine, SEED, ranges=ranges)).mean())


def main() -> None:
    """Renew the tables."""
    for name in sys.argv[2:] or NAMES:
        net = load(name, sys.argv[1])
        same = [Row(f"{bits} everywhere", f"w{bits}a{bits}") for bits in range(7, LEAST[name] - 1, -1)]
        write("found", HEAD, [line(net, row) for row in (*ROWS, *same)])
        if name in ANALOG:
            shares = [f"{analog(net, choice_of(net, text)):.1%}" for text in ("w8a8", *GOALS)]
            write("errors", ERRORS, [f"| {name} | {' | '.join(shares)} |"])


if __name__ == "__main__":
    main()
