"""The mesh of a chip: where tiles stand, and what a transfer asks of its links (dimension order: first x, then y)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import ceil

from archsim.machine.machine import Machine

Link = tuple[int, int, int, int]
"""From (x, y) to the neighbour (x, y) on the mesh."""


@dataclass(frozen=True)
class Grid:
    """Routers numbered along a snake of `columns` columns; `routers` of them."""

    columns: int
    routers: int

    def site(self, unit: int, units: int) -> int:
        """The router of one of `units` equal units, which are spread evenly in order."""
        return unit * self.routers // units

    def at(self, router: int) -> tuple[int, int]:
        """Column and row of a router."""
        y, x = divmod(router, self.columns)
        return (x if y % 2 == 0 else self.columns - 1 - x), y


@cache
def _way(grid: Grid, source: int, sink: int) -> tuple[Link, ...]:
    (x, y), (end_x, end_y) = grid.at(source), grid.at(sink)
    links: list[Link] = []
    while x != end_x:
        step = 1 if end_x > x else -1
        links.append((x, y, x + step, y))
        x += step
    while y != end_y:
        step = 1 if end_y > y else -1
        links.append((x, y, x, y + step))
        y += step
    return tuple(links)


@dataclass(frozen=True)
class Traffic:
    """What one transfer asks: longest way in hops, flits by link, all flit-hops, flits at the busiest port."""

    hops: int
    links: tuple[tuple[Link, int], ...]
    flit_hops: int
    port_flits: int


def route(
    grid: Grid,
    width: int,
    sources: Iterable[tuple[int, int]],
    sinks: Iterable[tuple[int, int]],
    *,
    copies: bool,
) -> Traffic:
    """Send from `sources` to `sinks`, both (router, units there).

    sources: each unit sends an equal share of the whole, in order. sinks: (router, bits that it takes in).
    copies: sinks want the same bits, so a link carries them once; else each has the part that is next in order.
    """
    senders, takers = Counter(dict(sources)), dict(sinks)
    units = sum(senders.values())
    sent = max(takers.values()) if copies else sum(takers.values())
    loads: Counter[Link] = Counter()
    share = Fraction(sent, units)
    pairs = list(_pairs(senders, takers, share, copies=copies))
    hops = max(len(_way(grid, source, sink)) for source, sink, _ in pairs)
    if copies:
        loads = _once(grid, width, senders, takers, share)
    else:
        for source, sink, bits in pairs:
            loads.update(dict.fromkeys(_way(grid, source, sink), ceil(bits / width)))
    ejected = [ceil(bits / width) for bits in takers.values()]
    return Traffic(
        hops=hops + 1,
        links=tuple(loads.items()),
        flit_hops=sum(loads.values()) + sum(ejected),
        port_flits=max(*ejected, ceil(Fraction(sent, units * width))),
    )


def _pairs(
    senders: Mapping[int, int], takers: Mapping[int, int], share: Fraction, *, copies: bool
) -> Iterator[tuple[int, int, Fraction]]:
    """(source, sink, bits between them): all pairs for copies, else those whose parts of the whole overlap."""
    begin = Fraction(0)
    for source, number in senders.items():
        end = begin + number * share
        start = Fraction(0)
        for sink, bits in takers.items():
            stop = start + bits
            common = number * share if copies else min(end, stop) - max(begin, start)
            if common > 0:
                yield source, sink, common
            start = stop
        begin = end


def _once(
    grid: Grid, width: int, senders: Mapping[int, int], takers: Mapping[int, int], share: Fraction
) -> Counter[Link]:
    """Flits by link where each source's bits pass a link once, however many sinks lie behind it."""
    loads: Counter[Link] = Counter()
    for source, number in senders.items():
        tree = {link for sink in takers for link in _way(grid, source, sink)}
        flits = ceil(number * share / width)
        for link in tree:
            loads[link] += flits
    return loads


def grid_of(machine: Machine) -> Grid | None:
    """The mesh of a machine's chip; None where nothing is said of one."""
    for module in machine.modules.values():
        if module.mesh is not None:
            routers = ceil(machine.count(module.mesh.router, module.name))
            return Grid(module.mesh.columns, routers)
    return None


def sites(grid: Grid | None, units: Iterable[int], total: int) -> Iterator[tuple[int, int]]:
    """(router, how many of the units stand there)."""
    number = Counter(grid.site(unit, total) if grid else 0 for unit in units)
    yield from sorted(number.items())
