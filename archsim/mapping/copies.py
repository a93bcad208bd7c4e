"""Copies of weights: a projection that has several works on as many positions at a time."""

from collections.abc import Callable, Iterable
from collections.abc import Mapping as Dict
from dataclasses import replace
from heapq import heapify, heapreplace

from archsim.core.timing import Timer
from archsim.errors import ArchsimError, Fault, did_you_mean
from archsim.graph.graph import Graph
from archsim.graph.job import Job
from archsim.machine.machine import Machine
from archsim.mapping.named import named
from archsim.mapping.tiling import Tiling

Chips = Callable[[Dict[str, Tiling]], int]


def with_copies(
    machine: Machine, graph: Graph, job: Job, tilings: Dict[str, Tiling], chips: Chips
) -> dict[str, Tiling]:
    """Tilings with the copies that the machine's file names, and those that `mapping.replicate` adds.

    chips: how many some tilings need. Raises ArchsimError for a name that the model does not have.
    """
    require_copied(machine, graph)
    found = dict(tilings)
    for key, tiling in tilings.items():
        for number in named(machine.choices.copies, key)[:1]:
            found[key] = replace(tiling, copies=min(number, _most(graph, job, key)))
    if machine.choices.replicate == "greedy":
        _replicate(machine, graph, job, found, chips)
    return found


def require_copied(machine: Machine, graph: Graph) -> None:
    """Raise ArchsimError for a name in `mapping.copies` of what has no weights in arrays, or is not in the model."""
    known = dict.fromkeys(name for linear in graph.linears for name in (linear.key, linear.layer))
    for name in machine.choices.copies:
        if name in known:
            continue
        place = machine.document.key_place(("mapping", "copies", name))
        if name in graph.by_key or name in graph.by_layer:
            raise ArchsimError(Fault(f"mapping.copies.{name}: has no weights in arrays, so no copies of them", place))
        message = f"mapping.copies.{name}: {graph.name} has no such projection. {did_you_mean(name, known)}"
        raise ArchsimError(Fault(message, place))


def _most(graph: Graph, job: Job, key: str) -> int:
    """More copies than positions have nothing to do, nor have any where each position waits for the one before."""
    operator = graph.by_key[key]
    if any(edge.scope == "before" for edge in operator.inputs):
        return 1
    return max(1, len(job.places(operator)))


def note(machine: Machine, tilings: Iterable[tuple[str, Tiling]]) -> str | None:
    """What a result says of copies."""
    copies = {key: tiling.copies for key, tiling in tilings if tiling.copies > 1}
    if not copies and not machine.choices.copies:
        return None
    most = max(copies, key=lambda key: copies[key], default="")
    found = f"projections with copies of their weights: {len(copies)}, {sum(copies.values()):,} copies in all"
    return f"{found}; {most} has most, {copies[most]:,} (none has more than positions)" if most else found


def _replicate(machine: Machine, graph: Graph, job: Job, found: dict[str, Tiling], chips: Chips) -> None:
    """Give the slowest projection another copy until it gains nothing, or has no room on the chips that there are."""
    timer = Timer(machine)
    most = machine.chips.count if isinstance(machine.chips.count, int) else chips(found)
    work = {
        key: len(job.places(graph.by_key[key]))
        * max(timer.time(load, inputs=tiling.inputs).interval for load, _ in tiling.loads)
        for key, tiling in found.items()
    }
    slowest = [(-work[key] / tiling.copies, number, key) for number, (key, tiling) in enumerate(found.items())]
    heapify(slowest)
    while slowest:
        _, number, key = slowest[0]
        before = found[key]
        found[key] = replace(before, copies=before.copies + 1)
        if before.copies == _most(graph, job, key) or chips(found) > most:
            found[key] = before
            return
        heapreplace(slowest, (-work[key] / found[key].copies, number, key))
