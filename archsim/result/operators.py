"""Operator by operator: when it ran, how much it computed, what it spent."""

from typing import Any

import numpy as np

from archsim.graph.graph import Graph
from archsim.graph.job import Job
from archsim.program import Run
from archsim.program.arrays import JOIN
from archsim.result.ledger import Ledger
from archsim.units import JOULES_PER_ZJ, SECONDS_PER_PS


def operators(graph: Graph, job: Job, run: Run, ledger: Ledger) -> list[dict[str, Any]]:
    """A row for each operator that has tasks, transfers to it included; times in s, energy in J."""
    program = run.program
    number = len(program.operators)
    served = program.station[program.kind] != JOIN
    owner = program.operator[program.kind][served]
    first, last = np.full(number, run.makespan), np.zeros(number, np.int64)
    np.minimum.at(first, owner, run.start[served])
    np.maximum.at(last, owner, run.finish[served])
    energy = ledger.by(lambda entry: entry.operator)
    macs = {operator.key: job.macs_of(operator) for operator in graph.operators}
    return [
        {
            "operator": name,
            "start_s": float(first[index] * SECONDS_PER_PS),
            "end_s": float(last[index] * SECONDS_PER_PS),
            "macs": macs.get(name, 0),
            "energy_j": energy.get(name, 0) * JOULES_PER_ZJ,
        }
        for index, name in enumerate(program.operators)
        if first[index] <= last[index] and last[index]
    ]
