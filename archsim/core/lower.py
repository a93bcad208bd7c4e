"""A core's Program: stages are stations, bursts are tasks, memories between stages are stores."""

from dataclasses import dataclass

from archsim.core.load import Load
from archsim.core.passes import Pass, Passes, passes_of
from archsim.core.path import Path
from archsim.program import Builder, Program


@dataclass(frozen=True)
class Lowered:
    """The Program, and per MVM the id of its last task; per task its (MVM, stage name, read)."""

    program: Program
    closing: tuple[int, ...]
    labels: tuple[tuple[int, str, int], ...]


def lower(path: Path, load: Load, mvms: int, *, each_action: bool = False) -> Lowered:
    """`mvms` products back to back; with `each_action`, every action of a stage's slowest part is a task of its own."""
    return lower_passes(passes_of(path, load, each_action=each_action), mvms)


def lower_passes(passes: Passes, mvms: int) -> Lowered:
    """`mvms` products back to back."""
    builder = Builder()
    for name, capacity in passes.stores:
        builder.store(name, capacity)
    stages = [(name, _kinds(builder, name, reads)) for name, reads in passes.stages]
    labels: list[tuple[int, str, int]] = []
    closing = []
    for mvm in range(mvms):
        before: list[int] = []
        for name, reads in stages:
            before = [_tasks(builder, kinds, _needed(before, read, len(reads))) for read, kinds in enumerate(reads)]
            labels += [(mvm, name, read) for read, kinds in enumerate(reads) for _ in kinds]
        closing.append(before[-1])
    return Lowered(builder.build(), tuple(closing), tuple(labels))


def _kinds(builder: Builder, name: str, reads: tuple[tuple[Pass, ...], ...]) -> list[list[int]]:
    station = builder.station(name)
    return [
        [
            builder.kind(
                found.name,
                station=station,
                latency=found.latency,
                interval=found.interval,
                takes=dict(found.takes),
                gives=dict(found.gives),
                counts=dict(found.counts),
                spent=_spent(found),
            )
            for found in read
        ]
        for read in reads
    ]


def _spent(found: Pass) -> dict[str, tuple[int, int]]:
    if found.slowest == found.busiest:
        return {found.slowest: (1, 1)}
    return {found.slowest: (1, 0), found.busiest: (0, 1)}


def _needed(before: list[int], read: int, reads: int) -> int | None:
    """Of the stage before, the task that a read waits for; None in the first stage."""
    if not before:
        return None
    return before[read] if len(before) == reads else before[-1]


def _tasks(builder: Builder, kinds: list[int], needed: int | None) -> int:
    """A task of each kind, all after the one needed; the last of them."""
    tasks = builder.tasks_each(kinds)
    if needed is not None:
        builder.after(tasks, needed)
    return tasks[-1]
