"""Perplexity of a model on a text, in float, in integers, and as a machine would compute it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.values.arithmetic import FloatArithmetic
from archsim.values.integer_arithmetic import IntegerArithmetic
from archsim.values.known_names import require_names
from archsim.values.machine_arithmetic import MachineArithmetic
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.machine.machine import Machine
    from archsim.values.ranges import InputRange

_SEPARATE = 1


def evaluate(
    machine: Machine,
    task: Task,
    seeds: int,
    *,
    calibrate: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Perplexities with mean, deviation and number of seeds; and how far the machine's values are from float.

    calibrate: inputs are quantised over the range that they have in the first sequence; else over that of each vector.

    Raises ArchsimError where the machine's arrays cannot be simulated, or its file names what the model does not have.
    """
    require_names(machine, task.make)
    exact = task.run(FloatArithmetic())
    ranges = _ranges(task) if calibrate else {}
    whole = task.run(IntegerArithmetic(machine, ranges=ranges))
    runs, saturated, conversions = [], 0, 0
    for seed in range(seeds):
        if progress is not None:
            progress("evaluating, programming seed", seed, seeds)
        arithmetic = MachineArithmetic(machine, seed, ranges)
        runs.append(task.run(arithmetic))
        saturated += sum(arithmetic.saturated.values())
        conversions += sum(arithmetic.conversions.values())
    return {
        "schema": "archsim.evaluation/1",
        "machine": machine.name,
        "tokens": len(exact.losses),
        "perplexity": {
            "float": _statistics([exact.perplexity]),
            "quantised": _statistics([whole.perplexity]),
            "analog": _statistics([run.perplexity for run in runs]),
        },
        "agreement": _statistics([exact.agreement(run) for run in runs]),
        "divergence_nats": _statistics([exact.divergence(run) for run in runs]),
        "loss_change_nats": _statistics([float((run.losses - exact.losses).mean()) for run in runs]),
        "saturated": saturated / conversions if conversions else 0.0,
    }


def _ranges(task: Task) -> dict[str, InputRange]:
    """Of each projection's inputs in the first sequence."""
    probe = QuantisedArithmetic(calibrating=True)
    Task(task.make, task.sequences[:1]).run(probe)
    return probe.ranges


def _statistics(values: Sequence[float]) -> dict[str, float]:
    spread = float(np.std(values, ddof=_SEPARATE)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": spread, "n": len(values)}
