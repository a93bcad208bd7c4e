"""A core's Program: stages are stations, bursts are tasks, memories between stages are stores."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from archsim.core.load import Load
from archsim.core.path import Path, Stage, Storage
from archsim.errors import ArchsimError
from archsim.parts.base import Burst
from archsim.program import Builder, Program


@dataclass(frozen=True)
class Lowered:
    """The Program, and per MVM the id of its last task; per task its (MVM, stage name, read)."""

    program: Program
    closing: tuple[int, ...]
    labels: tuple[tuple[int, str, int], ...]


def lower(path: Path, load: Load, mvms: int, *, each_action: bool = False) -> Lowered:
    """`mvms` products back to back; with `each_action`, every action of the pacing part is a task of its own."""
    return _Lowering(path, load, each_action=each_action).run(mvms)


@dataclass(frozen=True)
class _Pass:
    """One use of a stage: its pacing burst, its times in ps, what it takes, gives and counts."""

    pace: Burst | None
    latency: int
    interval: int
    takes: dict[int, int]
    gives: dict[int, int]
    counts: dict[str, int]


@dataclass
class _Lowering:
    path: Path
    load: Load
    each_action: bool
    builder: Builder = field(default_factory=Builder)

    def __post_init__(self) -> None:
        self.stores = [self._store(storage) for storage in self.path.storages]
        self.converting = self._converting()
        hold = self.converting > self.path.array
        self.hold = self.builder.store("samples", 2 if self.path.holds else 1) if hold else None

    def run(self, mvms: int) -> Lowered:
        stages = [
            (stage, self._stage(index, stage))
            for index, stage in enumerate(self.path.stages)
            if stage.elements or stage.last or stage.cycle is not None
        ]
        labels: list[tuple[int, str, int]] = []
        closing = [self._chain(stages, mvm, labels) for mvm in range(mvms)]
        return Lowered(self.builder.build(), tuple(closing), tuple(labels))

    def _stage(self, index: int, stage: Stage) -> list[list[int]]:
        """The kinds of each of its reads."""
        station = self.builder.station(stage.name)
        reads = range(self.path.reads if stage.per_read else 1)
        return [list(self._kinds(stage.name, station, self._pass(index, stage, read))) for read in reads]

    def _chain(self, stages: list[tuple[Stage, list[list[int]]]], mvm: int, labels: list[tuple[int, str, int]]) -> int:
        """One product's tasks: a read waits for the same read of the stage before, all else for all before it."""
        before: list[int] = []
        for stage, reads in stages:
            current: list[int] = []
            for read, kinds in enumerate(reads):
                last = -1
                for kind in kinds:
                    last = self.builder.tasks(kind)[0]
                    labels.append((mvm, stage.name, read))
                    if before:
                        self.builder.after(last, before[read] if len(before) == len(reads) else before[-1])
                current.append(last)
            before = current
        return before[-1]

    def _kinds(self, name: str, station: int, work: _Pass) -> Iterator[int]:
        """One kind for the burst; or one for each of its actions, whose times add up to the burst's."""
        pace = work.pace
        if not self.each_action or pace is None or pace.times == 1:
            yield self.builder.kind(
                name,
                station=station,
                latency=work.latency,
                interval=work.interval,
                takes=work.takes,
                gives=work.gives,
                counts=work.counts,
            )
            return
        starts = [ceil(number * pace.interval) for number in range(pace.times)]
        for number, start in enumerate(starts):
            final = number == pace.times - 1
            yield self.builder.kind(
                f"{name} {number}",
                station=station,
                latency=(work.latency if final else ceil(pace.first + number * pace.interval)) - start,
                interval=(work.interval if final else starts[number + 1]) - start,
                takes=work.takes if number == 0 else {},
                gives=work.gives if final else {},
                counts=work.counts if final else {},
            )

    def _pass(self, index: int, stage: Stage, read: int) -> _Pass:
        final = not stage.per_read or read == self.path.reads - 1
        elements = (*stage.elements, *(stage.last if final else ()))
        bursts = [(element, element.burst(self.load)) for element in elements]
        pace = max((burst for _, burst in bursts), key=lambda burst: burst.latency, default=None)
        latency = max((burst.latency for _, burst in bursts), default=Fraction(0))
        interval = max((burst.occupancy for _, burst in bursts), default=Fraction(0))
        counts: dict[str, int] = {}
        for element, burst in bursts:
            counts[f"{element.key}.{burst.action}"] = burst.total
        takes, gives = self._space(index, stage, read, final=final)
        return _Pass(pace, *whole_cycles(latency, interval, stage.cycle), takes, gives, counts)

    def _space(self, index: int, stage: Stage, read: int, *, final: bool) -> tuple[dict[int, int], dict[int, int]]:
        takes: dict[int, int] = {}
        gives: dict[int, int] = {}
        for store, storage in zip(self.stores, self.path.storages, strict=True):
            if storage.writer == index and final:
                takes[store] = self._bits(storage)
            if storage.writer == index - 1:
                share = self._read_share(storage) if stage.per_read else self._bits(storage)
                gives[store] = (
                    share
                    if not stage.per_read or read < self.path.reads - 1
                    else (self._bits(storage) - share * (self.path.reads - 1))
                )
        if self.hold is not None:
            takes_hold = not self.path.accumulates or (final if self.path.holds else read == 0)
            if index == self.path.array and takes_hold:
                takes[self.hold] = 1
            if index == self.converting:
                gives[self.hold] = 1
        return takes, gives

    def _bits(self, storage: Storage) -> int:
        return storage.element.amount(self.load).peak * storage.element.bits

    def _read_share(self, storage: Storage) -> int:
        return min(storage.element.amount(self.load).peak * self.path.read_bits, self._bits(storage))

    def _store(self, storage: Storage) -> int:
        """A memory read bit by bit has room for one more group of bits: what is being read stands in the drivers."""
        needed = self._bits(storage)
        if needed > storage.size:
            held = f"{storage.element.key} holds {storage.size} b, one product needs {needed} b"
            raise ArchsimError(f"{held}. Try parts.{storage.element.key.split('.')[-1]}.size: {needed} b.")
        reader = self.path.stages[storage.writer + 1]
        return self.builder.store(
            storage.element.key, storage.size + (self._read_share(storage) if reader.per_read else 0)
        )

    def _converting(self) -> int:
        """The stage that frees the analog sample: that of the converter, or the one after the crossbar."""
        for index, stage in enumerate(self.path.stages):
            if any(element.part.place == "convert" for element in stage.elements):
                return index
        return self.path.array


def whole_cycles(latency: Fraction, interval: Fraction, cycle: Fraction | None) -> tuple[int, int]:
    """Whole picoseconds; whole cycles, and at least one, where the stage is clocked."""
    if cycle is not None:
        latency, interval = (max(1, ceil(time / cycle)) * cycle for time in (latency, interval))
    return max(1, ceil(latency)), max(1, ceil(interval))
