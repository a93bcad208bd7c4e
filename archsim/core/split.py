"""A tile's share of a product's path: what comes before its cores and what comes after them."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from archsim.core.load import Load
from archsim.core.lower import whole_cycles
from archsim.core.path import Element, Path, Stage


@dataclass(frozen=True)
class Span:
    """Consecutive stages: ps from first start to last end, ps between two products, actions counted."""

    latency: int
    interval: int
    counts: dict[str, int]


def around_cores(path: Path, load: Load) -> tuple[Span, Span]:
    """The stages of the tile before the cores (with its share of a joint first stage), and those after."""
    inside = [
        index
        for index, stage in enumerate(path.stages)
        if any(element.in_core and element.action != "read" for element in (*stage.elements, *stage.last))
    ]
    before = [(stage, [e for e in stage.elements if not e.in_core]) for stage in path.stages[: inside[-1] + 1]]
    after = [(stage, list(stage.elements)) for stage in path.stages[inside[-1] + 1 :]]
    return _span([(s, e) for s, e in before if e], load), _span(after, load)


def _span(stages: Iterable[tuple[Stage, list[Element]]], load: Load) -> Span:
    latency = interval = 0
    counts: dict[str, int] = {}
    for stage, elements in stages:
        bursts = [(element, element.burst(load)) for element in elements]
        if not bursts and stage.cycle is None:
            continue
        longest = max((burst.latency for _, burst in bursts), default=Fraction(0))
        busiest = max((burst.occupancy for _, burst in bursts), default=Fraction(0))
        spent, pace = whole_cycles(longest, busiest, stage.cycle)
        latency, interval = latency + spent, max(interval, pace)
        for element, burst in bursts:
            key = f"{element.key}.{burst.action}"
            counts[key] = counts.get(key, 0) + burst.total
    return Span(max(1, latency), max(1, interval), counts)
