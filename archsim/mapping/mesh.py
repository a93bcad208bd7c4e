"""The mesh of a chip: where tiles stand, and what a transfer asks of its links (dimension order: first x, then y)."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import accumulate, chain
from math import ceil

from archsim.errors import ArchsimError, Fault
from archsim.machine.machine import Machine

_MOST_ROUTERS = 1 << 16
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
    """What one transfer asks.

    hops: routers on the longest way; links: flits by link; flit_hops: each flit through each of its routers;
    port_flits: flits at the busiest port, of a unit that sends or of a router that hands over to its units.
    """

    hops: int
    links: tuple[tuple[Link, int], ...]
    flit_hops: int
    port_flits: int

    @cached_property
    def most_flits(self) -> int:
        """Flits over the link that has most of them; 0 where none is crossed."""
        return max((flits for _, flits in self.links), default=0)


@dataclass(frozen=True)
class _Flow:
    """Flits from one router to others; a link behind which several of these lie carries them once."""

    source: int
    sinks: tuple[int, ...]
    flits: int


@lru_cache(maxsize=1024)
def route(
    grid: Grid,
    width: int,
    sources: tuple[tuple[int, int], ...],
    sinks: tuple[tuple[int, int], ...],
    *,
    copies: bool,
) -> Traffic:
    """Send from `sources` to `sinks`, in flits of `width` bits. Each router stands once among either.

    sources: (router, units there); each unit sends an equal share of the whole, in order. sinks: (router, bits that it
    takes in). copies: all sinks want the same bits (as many as the one that wants most), so a link carries them once;
    else each has the part that is next in order. A bit that stays at its router passes that router's ports only.
    """
    senders = dict(sources)
    links: Counter[Link] = Counter()
    injected: Counter[int] = Counter()
    ejected: Counter[int] = Counter()
    hops = 0
    for flow in _flows(width, senders, dict(sinks), copies=copies):
        ways = [_way(grid, flow.source, sink) for sink in flow.sinks]
        hops = max(hops, *(len(way) + 1 for way in ways))
        links.update(dict.fromkeys(chain.from_iterable(ways), flow.flits))
        injected[flow.source] += flow.flits
        ejected.update(dict.fromkeys(flow.sinks, flow.flits))
    sent = max(-(-flits // senders[router]) for router, flits in injected.items())
    return Traffic(
        hops=hops,
        links=tuple(links.items()),
        flit_hops=links.total() + ejected.total(),
        port_flits=max(sent, *ejected.values()),
    )


def _flows(width: int, senders: Mapping[int, int], takers: Mapping[int, int], *, copies: bool) -> Iterator[_Flow]:
    """From each source to all sinks; or to those whose parts of the whole overlap with its own.

    Places in the whole are counted in shares of a bit, as many as there are units that send: then all are integers.
    """
    units = sum(senders.values())
    whole = max(takers.values()) if copies else sum(takers.values())
    sinks = tuple(takers)
    stops = list(accumulate(bits * units for bits in takers.values()))
    begin = 0
    for source, number in senders.items():
        end = begin + whole * number
        if copies:
            yield _Flow(source, sinks, -(-(end - begin) // (units * width)))
        else:
            index = bisect_right(stops, begin)
            while index < len(sinks) and begin < end:
                stop = min(end, stops[index])
                if stop > begin:
                    yield _Flow(source, (sinks[index],), -(-(stop - begin) // (units * width)))
                begin, index = stop, index + 1
        begin = end


def grid_of(machine: Machine) -> Grid | None:
    """The mesh of a machine's chip; None where nothing is said of one.

    Raises ArchsimError for more routers than ways through them can be followed in a few seconds.
    """
    for module in machine.modules.values():
        if module.mesh is not None:
            routers = ceil(machine.count(module.mesh.router, module.name))
            if routers > _MOST_ROUTERS:
                place = machine.document.key_place(("modules", module.name, "mesh"))
                found = f"modules.{module.name}.mesh: found {routers:,} routers; expected at most {_MOST_ROUTERS:,}"
                raise ArchsimError(Fault(found, place))
            return Grid(module.mesh.columns, routers)
    return None


def sites(grid: Grid | None, units: Iterable[int], total: int) -> tuple[tuple[int, int], ...]:
    """(router, how many of the units stand there)."""
    number = Counter(grid.site(unit, total) if grid else 0 for unit in units)
    return tuple(sorted(number.items()))
