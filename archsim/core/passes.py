"""One product as passes: each use of a stage, with its times, the space that it takes and frees, what it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from archsim.core.load import Load
from archsim.core.path import Element, Path, Stage, Storage
from archsim.errors import ArchsimError
from archsim.parts.base import Burst


@dataclass(frozen=True)
class Pass:
    """One use of a stage, or one action of it; times in ps.

    takes, gives: (store, amount), at start and at finish; counts: (action, number); slowest, busiest: the parts that
    latency and interval are spent in; full: the busiest is at work for all of the interval.
    """

    name: str
    latency: int
    interval: int
    takes: tuple[tuple[int, int], ...]
    gives: tuple[tuple[int, int], ...]
    counts: tuple[tuple[str, int], ...]
    slowest: str
    busiest: str
    full: bool


@dataclass(frozen=True)
class Passes:
    """All passes of a product: by stage, by read, in order (one, or one for each action); stores as (name, capacity).

    A read waits for the same read of the stage before; where either stage is passed once, for all that came before.
    """

    stages: tuple[tuple[str, tuple[tuple[Pass, ...], ...]], ...]
    stores: tuple[tuple[str, int], ...]


def check_room(path: Path, load: Load) -> None:
    """Raise ArchsimError where a memory on the path has no room for one product."""
    for storage in path.storages:
        _memory(path, storage, load)


def passes_of(path: Path, load: Load, *, each_action: bool = False) -> Passes:
    """The passes of one product; with `each_action` those of the slowest part are one for each of its actions.

    Raises ArchsimError where a memory on the path has no room for one product.
    """
    spaces = [_memory(path, storage, load) for storage in path.storages] + _samples(path)
    stages = []
    for index, stage in enumerate(path.stages):
        if not stage.elements and not stage.last and stage.cycle is None:
            continue  # only functions, which a product passes by
        last = _work(stage, load, final=True)
        others = [_work(stage, load, final=False) if stage.last else last] * (path.passes(index) - 1)
        works = [*others, last.before(others[0] if others else last)]
        reads = []
        for read, work in enumerate(works):
            whole = Pass(
                stage.name,
                work.latency,
                work.interval,
                takes=tuple((store, of.takes[read]) for store, of in enumerate(spaces) if of.taken(index, read)),
                gives=tuple((store, of.gives[read]) for store, of in enumerate(spaces) if of.given(index, read)),
                counts=tuple(work.counts.items()),
                slowest=work.slowest or stage.name,
                busiest=work.busiest or stage.name,
                full=work.full,
            )
            reads.append(_single_actions(whole, work.pace) if each_action and work.pace else (whole,))
        stages.append((stage.name, tuple(reads)))
    return Passes(tuple(stages), tuple((space.name, space.capacity) for space in spaces))


# Time.


@dataclass(frozen=True)
class _Work:
    """What one pass of a stage takes, ps; `pace` is the burst of its slowest part."""

    latency: int
    interval: int
    pace: Burst | None
    counts: Mapping[str, int]
    slowest: str
    busiest: str
    full: bool

    def before(self, first: "_Work") -> "_Work":
        """With room for itself: the last read fills memories too, and the next product's first may not overtake it."""
        return replace(self, interval=max(self.interval, self.latency - first.latency))


def _work(stage: Stage, load: Load, *, final: bool) -> _Work:
    elements: tuple[Element, ...] = (*stage.elements, *(stage.last if final else ()))
    bursts = [(element, element.burst(load)) for element in elements]
    # Of parts that are equally slow the array is the one that the others follow.
    slowest = max(bursts, key=lambda of: (of[1].latency, of[0].part.place == "array"), default=None)
    busiest = max(bursts, key=lambda of: (of[1].occupancy, of[0].part.place == "array"), default=None)
    latency = slowest[1].latency if slowest else Fraction(0)
    interval = busiest[1].occupancy if busiest else Fraction(0)
    counts: dict[str, int] = {}
    for element, burst in bursts:
        key = f"{element.key}.{burst.action}"
        counts[key] = counts.get(key, 0) + burst.total
    spent, pace = whole_cycles(latency, interval, stage.cycle)
    return _Work(
        spent,
        pace,
        pace=slowest[1] if slowest else None,
        counts=counts,
        slowest=slowest[0].key if slowest else "",
        busiest=busiest[0].key if busiest else "",
        full=interval == pace,
    )


def whole_cycles(latency: Fraction, interval: Fraction, cycle: Fraction | None) -> tuple[int, int]:
    """Whole picoseconds; whole cycles, and at least one, where the stage is clocked."""
    if cycle is not None:
        latency, interval = (max(1, ceil(time / cycle)) * cycle for time in (latency, interval))
    return max(1, ceil(latency)), max(1, ceil(interval))


def _single_actions(whole: Pass, pace: Burst) -> tuple[Pass, ...]:
    """A pass for each action of the slowest part, whose times add up to the burst's; what begins at once is one."""
    last = min(whole.latency, whole.interval)
    starts = sorted({start for number in range(pace.times) if (start := ceil(number * pace.interval)) < last})
    singles = []
    for number, start in enumerate(starts):
        final = start == starts[-1]
        singles.append(
            Pass(
                f"{whole.name} {number}",
                latency=whole.latency - start if final else min(max(1, ceil(pace.first)), whole.latency - start),
                interval=(whole.interval if final else starts[number + 1]) - start,
                takes=whole.takes if number == 0 else (),
                gives=whole.gives if final else (),
                counts=whole.counts if final else (),
                slowest=whole.slowest,
                busiest=whole.busiest,
                full=whole.full,
            )
        )
    return tuple(singles)


# Space.


@dataclass(frozen=True)
class _Space:
    """A store, and what the passes of stage `taker` take of it and those of stage `giver` give back."""

    name: str
    capacity: int
    taker: int
    giver: int
    takes: tuple[int, ...]
    gives: tuple[int, ...]

    def taken(self, stage: int, read: int) -> bool:
        return stage == self.taker and self.takes[read] > 0

    def given(self, stage: int, read: int) -> bool:
        return stage == self.giver and self.gives[read] > 0


def _memory(path: Path, storage: Storage, load: Load) -> _Space:
    """One that is read bit by bit has room for one more group of bits: what is being read stands in the drivers."""
    key, bits = storage.element.key, storage.bits(load)
    writer, reader = storage.writer, storage.writer + 1
    if bits > storage.size:
        held = f"{key} holds {storage.size} b, one {'read' if storage.each_read else 'product'} needs {bits} b"
        size = ceil(bits / storage.element.units)
        raise ArchsimError(f"{held}. Try parts.{key.split('.')[-1]}.size: {size} b.")
    if storage.each_read:
        each = (bits,) * path.reads
        return _Space(key, storage.size, writer, reader, each, each)
    takes = (*(0,) * (path.passes(writer) - 1), bits)
    if not path.stages[reader].per_read:
        return _Space(key, storage.size, writer, reader, takes, (bits,))
    group = min(bits, storage.element.amount(load).peak * path.read_bits)
    gives = (*(group,) * (path.reads - 1), bits - group * (path.reads - 1))
    return _Space(key, storage.size + group, writer, reader, takes, gives)


def _samples(path: Path) -> list[_Space]:
    """One sample a read; one a product where reads are summed before they are converted."""
    found = []
    for samples in path.samples:
        more = path.passes(samples.taker) - 1
        takes = (1, *(0 if path.accumulates else 1,) * more)
        gives = (1,) * path.passes(samples.giver)
        found.append(_Space("samples", samples.number, samples.taker, samples.giver, takes, gives))
    return found
