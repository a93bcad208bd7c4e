"""Ways to choose what is digital. Each gives candidates, which are then measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from archsim.partition.prices import NOTHING
from archsim.partition.program import Offer, cheapest
from archsim.partition.units import Candidate, together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archsim.partition.prices import Price
    from archsim.partition.units import Unit

Objective = Literal["energy", "latency", "macs"]
BUDGETS = (0.025, 0.05, 0.1, 0.2, 0.4)
"""Of multiply-accumulates that may be digital."""
LEFT = (0.75, 0.5, 0.25, 0.1, 0.05)
"""Of the harm of all projections, what may be left."""


def bounds(units: Sequence[Unit]) -> list[Candidate]:
    """Nothing digital; everything."""
    return [
        Candidate("bound", "all-analog", {}),
        Candidate("bound", "all-digital", together(units, [1.0] * len(units))),
    ]


def first_last(units: Sequence[Unit]) -> list[Candidate]:
    """The first and the last, the oldest rule of thumb."""
    ends = together((units[0], units[-1]), (1.0, 1.0))
    return [Candidate("first-last", "first-last", ends)]


def by_sensitivity(units: Sequence[Unit], budgets: Sequence[float] = BUDGETS) -> list[Candidate]:
    """The most harmful first, as long as they fit in a share of all multiply-accumulates."""
    total = sum(unit.macs for unit in units)
    found = []
    for budget in budgets:
        chosen: list[Unit] = []
        for unit in sorted(units, key=lambda unit: -unit.harm):
            if unit.harm and sum(each.macs for each in chosen) + unit.macs <= budget * total:
                chosen.append(unit)
        found.append(Candidate("sensitivity", f"sensitivity-{budget:.1%}", together(chosen, [1.0] * len(chosen))))
    return found


def by_macs(units: Sequence[Unit], perplexity: Callable[[Mapping[str, float]], float], limit: float) -> list[Candidate]:
    """From all digital, the largest first, each goes to arrays and stays where the perplexity stays within a limit.

    As LionHeart does (Lammie et al., IEEE TETC 2025), without its training.
    """
    digital = together(units, [1.0] * len(units))
    for unit in sorted(units, key=lambda unit: -unit.macs):
        tried = {key: share for key, share in digital.items() if key not in unit.keys}
        if perplexity(tried) <= limit:
            digital = tried
    return [Candidate("macs", "macs", digital)]


def analytical(
    units: Sequence[Unit],
    prices: Sequence[Sequence[Price]],
    objective: Objective,
    room: int,
    latency: float = 0.0,
    left: Sequence[float] = LEFT,
) -> list[Candidate]:
    """The cheapest with at most a share of the harm left and weights that have room (bits), by an integer program.

    Harms and prices of single units are taken to add up, and harm to fall with the share of digital channels. Of the
    latency (s, of all in arrays) also that it is no less than what keeps the digital units busy. Of a share that leaves
    no choice there is no candidate.
    """
    offers = [
        Offer(
            number, price.share, unit.harm * (1 - price.share), _cost(objective, unit, price), price.busy_s, price.bits
        )
        for number, (unit, each) in enumerate(zip(units, prices, strict=True))
        for price in (NOTHING, *each)
    ]
    harm, start = sum(unit.harm for unit in units), latency if objective == "latency" else None
    found = []
    for each, name in zip(left, names(objective, left), strict=True):
        picked = cheapest(offers, each * harm, room, start)
        if picked is not None:
            found.append(Candidate("analytical", name, together(units, picked)))
    return found


def names(objective: Objective, left: Sequence[float] = LEFT) -> list[str]:
    """Of the candidates of `analytical`."""
    return [f"{objective}-{each:.0%}" for each in left]


def _cost(objective: Objective, unit: Unit, price: Price) -> float:
    return {"energy": price.energy_j, "latency": price.latency_s, "macs": unit.macs * price.share}[objective]
