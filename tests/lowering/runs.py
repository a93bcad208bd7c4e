"""Running jobs in tests, down to the Run."""

import numpy as np

from archsim.core.timing import Timer
from archsim.graph import Graph
from archsim.graph.job import Job, make_job
from archsim.lowering.lower import lower
from archsim.machine import Machine
from archsim.mapping.placement import place
from archsim.program import Run, check
from archsim.program.simpy import play


def run(
    on: Machine,
    model: Graph,
    seq: int,
    batch: int = 1,
    *,
    phase: str = "prefill",
    new_tokens: int = 0,
    grain: str = "projection",
) -> Run:
    job = make_job(model, phase, seq, new_tokens, batch, grain)
    return run_job(on, model, job)


def run_job(on: Machine, model: Graph, job: Job) -> Run:
    program = lower(place(on, model, job), job, Timer(on))
    check(program)
    return play(program)


def counts(played: Run, *, without_layer: str = "none") -> dict[str, int]:
    """How often each action was counted, for all layers but one."""
    chosen = [not name.startswith(f"{without_layer}/") for name in played.program.operators]
    return dict(zip(played.program.actions, played.counts()[chosen].sum(axis=0).tolist(), strict=True))


def plus(*terms: dict[str, int]) -> dict[str, int]:
    """Sum of counts; actions never done are left out."""
    actions = {action for term in terms for action in term}
    found = {action: sum(term.get(action, 0) for term in terms) for action in actions}
    return {action: number for action, number in found.items() if number}


def all_times(played: Run, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Starts and finishes of the tasks of kinds of a name, in order of sequence and position."""
    kinds = [index for index, kind in enumerate(played.program.kinds) if kind == name]
    chosen = np.isin(played.program.kind, kinds)
    return played.start[chosen], played.finish[chosen]
