"""Writes docs/lrmp.md: copies of weights and fewer bits on LRMP's chip. `python scripts/lrmp_tables.py`, minutes.

scripts/bits_found.json has bits that scripts/bits_search.py found: {network: {asked: [[weights, inputs], …]}}.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

from archsim import load_machine, load_model
from archsim.graph.job import make_job
from archsim.machine.load import change
from archsim.mapping.bits import Bits, as_setting, uniform
from archsim.mapping.replication import Allotment, Work, allot_by_bisection, allot_by_tiles
from archsim.simulation import simulate
from archsim.works import works

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "lrmp.md"
FOUND = HERE / "bits_found.json"
MACHINE = load_machine("lrmp_chip")
CHIP = 5688
NETS = ("mlp-mnist", "resnet-18", "resnet-34", "resnet-50", "resnet-101")
BATCHES = {"mlp-mnist": 64}
"""Inputs that are worked on together for throughput, by network; else 1. Copies of a matrix that is used once an input
have nothing to do for one input alone."""
GOALS = ("latency", "throughput")
VARIANTS = (
    ("copies alone", "w8a8", True),
    ("bits alone", "w6a6", False),
    ("bits alone", "w5a5", False),
    ("both", "w6a8", True),
    ("both", "w6a6", True),
    ("both", "w5a5", True),
)
_COLUMNS = (
    "network", "tiles", "what", "bits",
    "latency: arrays alone", "predicted", "simulated", "throughput: arrays alone", "predicted", "simulated",
)  # fmt: skip
HEAD = (f"| {' | '.join(_COLUMNS)} |", "|---|---:|---|---|---:|---:|---:|---:|---:|---:|")


@dataclass(frozen=True)
class Gains:
    """Time over time, for one goal: of the arrays alone, by `works`, and by the simulator."""

    alone: float
    predicted: float
    simulated: float

    def cells(self) -> str:
        """Of a table's row."""
        return " | ".join(f"{gain:.2f}" for gain in (self.alone, self.predicted, self.simulated))


@cache
def of_bits(net: str, text: str, batch: int) -> tuple[Work, ...]:
    """Works by bits, as `named` reads them."""
    model = load_model(net)
    return works(MACHINE, model, make_job(model, "prefill", None, 0, batch), named(net, text))


@cache
def named(net: str, text: str) -> dict[str, Bits]:
    """Bits by projection: `w6a6`, or what was searched."""
    if text.startswith("w"):
        return uniform(MACHINE, load_model(net), text)
    pairs = zip(load_model(net).linears, json.loads(FOUND.read_text())[net][text], strict=True)
    return {linear.key: Bits(*bits) for linear, bits in pairs}


def bare(works: tuple[Work, ...]) -> tuple[Work, ...]:
    """Of arrays alone."""
    return tuple(replace(work, rest=0, floor=0, apart=0) for work in works)


def best(works: tuple[Work, ...], tiles: int, goal: str, *, copies: bool) -> Allotment:
    """The best allotment, exactly."""
    tiles = tiles if copies else sum(work.tiles for work in works)
    return allot_by_tiles(works, tiles) if goal == "latency" else allot_by_bisection(works, tiles)


@cache
def simulated(net: str, text: str, copies: tuple[tuple[str, int], ...], goal: str) -> float:
    """Seconds of one input with operators one after another, or between two in the steady state."""
    of_copies = f"mapping.copies={json.dumps(dict(copies))}"
    machine, model = change(MACHINE, (as_setting(named(net, text)), of_copies)), load_model(net)
    if goal == "latency":
        return simulate(change(machine, ("mapping.order=sequential",)), model).latency_s
    batch = 2 * BATCHES.get(net, 1)
    once, twice = (simulate(machine, model, batch=number).latency_s for number in (batch, 2 * batch))
    return (twice - once) / batch


@cache
def gains(net: str, text: str, tiles: int, goal: str, *, copies: bool) -> Gains:
    """Over eight bits and one copy of each projection."""
    batch = 1 if goal == "latency" else BATCHES.get(net, 1)
    found, first = of_bits(net, text, batch), of_bits(net, "w8a8", batch)

    def gain(before: tuple[Work, ...], after: tuple[Work, ...]) -> float:
        ends = best(before, 0, goal, copies=False), best(after, tiles, goal, copies=copies)
        times = [end.latency if goal == "latency" else end.slowest for end in ends]
        return times[0] / times[1]

    chosen = best(found, tiles, goal, copies=copies).copies
    more = tuple((key, number) for key, number in chosen.items() if number > 1)
    return Gains(
        alone=gain(bare(first), bare(found)),
        predicted=gain(first, found),
        simulated=simulated(net, "w8a8", (), goal) / simulated(net, text, more, goal),
    )


def rows(net: str) -> list[str]:
    """Of one network, under both budgets."""
    mine = tiles_of(net)
    searched = json.loads(FOUND.read_text())
    found = []
    for tiles in dict.fromkeys((mine, CHIP)):
        for what, text, copies in (*VARIANTS, ("both", "searched", True)):
            if text == "searched" and net not in searched:
                found.append(f"| {net} | {tiles:,} | {what} | searched | | | | | | |")
                continue
            if not copies and tiles == CHIP != mine:
                continue  # as on its own tiles
            texts = GOALS if text == "searched" else (text, text)
            cells = [
                gains(net, each, tiles, goal, copies=copies).cells() for each, goal in zip(texts, GOALS, strict=True)
            ]
            found.append(f"| {net} | {tiles:,} | {what} | {text} | {' | '.join(cells)} |")
        print(net, tiles, flush=True)
    return found


def tiles_of(net: str) -> int:
    """With 8 bits and no copies."""
    return sum(work.tiles for work in of_bits(net, "w8a8", 1))


def errors(net: str) -> list[str]:
    """What `works` says beside the simulator."""
    lines = [
        "| bits | tiles | latency: predicted | simulated | error | an input each: predicted | simulated | error |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    mine = tiles_of(net)
    for text, tiles in product(("w8a8", "w6a6", "w5a5"), (mine, CHIP)):
        cells = []
        for goal in GOALS:
            chosen = best(of_bits(net, text, 1), tiles, goal, copies=True)
            copies = tuple((key, number) for key, number in chosen.copies.items() if number > 1)
            said = (chosen.latency if goal == "latency" else chosen.slowest) * 1e-12
            ran = simulated(net, text, copies, goal)
            cells += [f"{said * 1e3:.3f} ms", f"{ran * 1e3:.3f} ms", f"{said / ran - 1:+.1%}"]
        lines.append(f"| {text} | {tiles:,} | {' | '.join(cells)} |")
    return lines


def ranges() -> list[str]:
    """Least and most gain over all networks, simulated, beside what is printed."""
    lines = ["| tiles | bits | latency | throughput |", "|---|---|---:|---:|"]
    for where in ("its own with 8 bits", f"{CHIP:,}"):
        for text in ("w6a8", "w6a6", "w5a5"):
            cells = []
            for goal in GOALS:
                found = [gains(net, text, own(net, where), goal, copies=True).simulated for net in NETS]
                cells.append(f"{min(found):.1f} to {max(found):.1f}")
            lines.append(f"| {where} | {text} | {' | '.join(cells)} |")
    return [*lines, "| printed: not known | by projection | 2.6 to 9.3 | 8 to 18 |"]


def own(net: str, where: str) -> int:
    """Tiles of a budget."""
    return CHIP if where == f"{CHIP:,}" else tiles_of(net)


def energies() -> list[str]:
    """Of one input, by bits."""
    texts = ("w8a8", "w6a8", "w6a6", "w5a5")
    lines = [f"| network | {' | '.join(texts)} |", f"|---|{'---:|' * len(texts)}"]
    for net in NETS:
        found = [sum(work.energy for work in of_bits(net, text, 1)) * 1e-21 for text in texts]
        lines.append(f"| {net} | {' | '.join(f'{energy * 1e3:.3g} mJ' for energy in found)} |")
    return lines


INTRODUCTION = f"""\
# Copies of weights and fewer bits on LRMP's chip

Made by `scripts/lrmp_tables.py`. LRMP (2024) prints 2.6 to 9.3 times less latency and 8 to 18 times the throughput with
less than 1 % of accuracy lost, over five networks whose names are not known here; nor is it known whether a network may
use as many tiles as it takes itself with 8 bits, or all {CHIP:,} of the chip. Both are shown. The chip is
[lrmp_chip](../hw_configs/machines/lrmp_chip.yaml), most of which is assumed.

Accuracy is measured for *searched* bits alone, and so for `mlp-mnist` alone: there are no pictures of ImageNet, nor
weights of the larger ResNets, to measure them with. [bits.md](bits.md) has what these bits lose, and searches of
ResNet-20 and ResNet-32 with pictures of CIFAR-10.

Gains are over 8 bits and one copy of each projection. *Arrays alone*: if vector units and transfers took no time;
*predicted*: by `archsim.works`, which counts both; *simulated*: with the copies that are best by prediction, latency
with operators one after another, throughput between two inputs in the steady state (of `mlp-mnist`, whose matrices are
used once an input, {BATCHES["mlp-mnist"]} inputs together). Copies are allotted exactly, for latency and for throughput
apart. `wNaM`: N bits of weights, M of inputs, in all projections, without a word of accuracy; *searched*: bits by
projection that a search found for that goal on as many tiles as 8 bits take, empty where none was run.
"""
FLOOR = """\
Where the gain in throughput no longer grows, what moves between tiles and vector units decides: links of the mesh that
are shared by all that passes are as busy as ever. That floor is made of assumed figures. A perceptron uses each matrix
once, so that copies do nothing for one input alone.
"""
ENERGY = """\
With one copy of each projection. More copies change nothing but the ways on the mesh, which become longer.
"""
PREDICTION = """\
ResNet-18 with the best copies. Vector units and transfers are predicted as they are with one copy of each projection;
with copies a layer has a larger part of the chip, whose units are then faster, and other links.
"""


def page() -> str:
    """The whole page."""
    tables = [row for net in NETS for row in rows(net)]
    parts = [
        INTRODUCTION,
        "## Over all networks, simulated\n",
        *ranges(),
        "\n## Network by network\n",
        *HEAD,
        *tables,
        f"\n{FLOOR}",
        f"## Energy of one input\n\n{ENERGY}",
        *energies(),
        f"\n## How far the prediction is from the simulator\n\n{PREDICTION}",
        *errors("resnet-18"),
        "",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
