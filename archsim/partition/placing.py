"""The machine with some projections in digital units, and what the simulator says of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from archsim.errors import ArchsimError
from archsim.machine.load import change
from archsim.mapping.digital import DENSE
from archsim.mapping.named import require_none
from archsim.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archsim.graph.graph import Graph
    from archsim.graph.job import Job
    from archsim.machine.machine import Machine
    from archsim.result.result import Result


def require_units(machine: Machine) -> None:
    """Raise ArchsimError where no digital unit of the machine can take a projection."""
    if machine.digital_weights is None or DENSE not in machine.recipes:
        found = "has no digital units for projections; expected a recipe 'dense' and digital_weights: MEMORY"
        raise ArchsimError(f"{machine.file}: {found}. `hetero_512` has both.")
    require_none(machine, "digital", "which partition is to find")


def placed(machine: Machine, digital: Mapping[str, float]) -> Machine:
    """The machine with these shares, and no others, in digital units; raises ArchsimError."""
    bare = change(machine, ("mapping.digital={}",))
    return change(bare, (f"mapping.digital={json.dumps(dict(digital))}",)) if digital else bare


def run(machine: Machine, graph: Graph, job: Job) -> Result:
    """The simulator's figures."""
    seq = None if graph.length is not None else job.seq
    return simulate(machine, graph, phase=job.phase, seq=seq, new_tokens=job.new_tokens, batch=job.batch)
