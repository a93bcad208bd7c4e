"""A tile's share of a product's path: what comes before its cores and what comes after them."""

from collections.abc import Iterable
from fractions import Fraction

from archsim.core.load import Load
from archsim.core.passes import whole_cycles
from archsim.core.path import Element, Path
from archsim.core.timing import Timing


def around_cores(path: Path, load: Load) -> tuple[Timing, Timing]:
    """The stages of the tile before the cores (with its share of a joint first stage), and those after.

    What the tile does at every read goes on while its cores work: the first of them is waited for.
    """
    before = [
        (index, [element for element in stage.elements if not element.in_core])
        for index, stage in enumerate(path.stages[: path.core_end + 1])
    ]
    after = [(index, list(path.stages[index].elements)) for index in range(path.core_end + 1, len(path.stages))]
    return _span(path, [at for at in before if at[1]], load), _span(path, after, load)


def _span(path: Path, parts: Iterable[tuple[int, list[Element]]], load: Load) -> Timing:
    latency = interval = 0
    counts: dict[str, int] = {}
    latency_by: dict[str, int] = {}
    interval_by: dict[str, int] = {}
    for index, elements in parts:
        stage, times = path.stages[index], path.passes(index)
        bursts = [(element, element.burst(load)) for element in elements]
        if not bursts and stage.cycle is None:
            continue
        longest = max(((burst.latency, element.key) for element, burst in bursts), default=(Fraction(0), stage.name))
        busiest = max(((burst.occupancy, element.key) for element, burst in bursts), default=(Fraction(0), stage.name))
        spent, pace = whole_cycles(longest[0], busiest[0], stage.cycle)
        latency_by[longest[1]] = latency_by.get(longest[1], 0) + spent
        interval_by = {busiest[1]: times * pace} if times * pace > interval else interval_by
        latency, interval = latency + spent, max(interval, times * pace)
        for element, burst in bursts:
            key = f"{element.key}.{burst.action}"
            counts[key] = counts.get(key, 0) + times * burst.total
    return Timing(max(1, latency), max(1, interval), counts, latency_by, interval_by, timeline=())
