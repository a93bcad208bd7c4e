"""What it costs to compute a unit digitally: the run with that alone, against the run with all in arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.errors import ArchsimError
from archsim.machine.load import change
from archsim.mapping.digital import DENSE
from archsim.partition.units import together
from archsim.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archsim.graph.graph import Graph
    from archsim.graph.job import Job
    from archsim.machine.machine import Machine
    from archsim.partition.units import Unit
    from archsim.result.result import Result


@dataclass(frozen=True, slots=True)
class Price:
    """Of `share` of a unit's output channels in digital units: seconds and joules more than in arrays, or less.

    busy_s: that the digital units work for it, all of them together.
    """

    share: float
    latency_s: float
    energy_j: float
    busy_s: float


NOTHING = Price(0.0, 0.0, 0.0, 0.0)


def require_units(machine: Machine) -> None:
    """Raise ArchsimError where no digital unit of the machine can take a projection."""
    if machine.digital_weights is None or DENSE not in machine.recipes:
        found = "has no digital units for projections; expected a recipe 'dense' and digital_weights: MEMORY"
        raise ArchsimError(f"{machine.file}: {found}. `hetero_512` has both.")


def placed(machine: Machine, digital: Mapping[str, float]) -> Machine:
    """The machine with these shares, and no others, in digital units; raises ArchsimError."""
    bare = change(machine, ("mapping.digital={}",))
    return change(bare, (f"mapping.digital={json.dumps(dict(digital))}",)) if digital else bare


def run(machine: Machine, graph: Graph, job: Job) -> Result:
    """The simulator's figures."""
    seq = None if graph.length is not None else job.seq
    return simulate(machine, graph, phase=job.phase, seq=seq, new_tokens=job.new_tokens, batch=job.batch)


def prices(
    units: Sequence[Unit],
    shares: Sequence[float],
    figures: Callable[[Mapping[str, float]], Result],
    rate: float,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[list[Price]]:
    """Of each unit, for each share. figures: runs the machine with some shares digital; rate: operations a second."""
    before = figures({})
    found = []
    for number, unit in enumerate(units):
        if progress is not None:
            progress("pricing, projection", number, len(units))
        found.append([_price(unit, share, before, figures(together((unit,), (share,))), rate) for share in shares])
    return found


def _price(unit: Unit, share: float, before: Result, after: Result, rate: float) -> Price:
    busy = 2 * unit.macs * share / (rate * after.chips)
    return Price(share, after.latency_s - before.latency_s, after.energy_j - before.energy_j, busy)
