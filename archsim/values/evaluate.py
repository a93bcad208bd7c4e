"""How good a model's values are in float, in integers, and as a machine would compute them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from archsim.mapping.bits import bits_of
from archsim.mapping.copies import require_copied
from archsim.mapping.digital import digitised
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.integer_arithmetic import IntegerArithmetic
from archsim.values.machine_arithmetic import MachineArithmetic
from archsim.values.quantised import QuantisedArithmetic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from archsim.graph.graph import Graph
    from archsim.machine.machine import Machine
    from archsim.values.arithmetic import Arithmetic
    from archsim.values.metrics import Scores, States
    from archsim.values.ranges import InputRange
    from archsim.values.tasks import Task

    Progress = Callable[[str, int, int], None]

T = TypeVar("T")
_SEPARATE = 1


@dataclass(frozen=True)
class _Runs(Generic[T]):
    """In float, in integers, and on the machine with each seed; saturated: share of conversions."""

    exact: T
    whole: T
    analog: list[T]
    saturated: float


def evaluate(
    machine: Machine,
    task: Task,
    seeds: int,
    *,
    calibrate: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Figures as data of schema archsim.evaluation/1, each with its mean, deviation and number of seeds.

    Parameters
    ----------
    machine
        Whose arithmetic is compared.
    task
        Of a model that makes tokens, perplexities are given, and how far predictions are from those in float; of an
        encoder, how far its last hidden states are.
    seeds
        How often arrays are programmed.
    calibrate
        Inputs are quantised over the range that they have in the first sequence; else over that of each vector.
    progress
        Is told what is done, how much of it, and of how much.

    Raises
    ------
    ArchsimError
        Where the machine's arrays cannot be simulated, or its file names what the model does not have.
    """
    require_names(machine, task.model.graph)
    ranges: dict[str, InputRange] = {}
    if calibrate:
        probe, first = QuantisedArithmetic(calibrating=True), replace(task, sequences=task.sequences[:1])
        _ = first.run(probe) if task.predicts else first.encode(probe)
        ranges = probe.ranges
    figures: dict[str, Any]
    if task.predicts:
        predicted = _runs(machine, task.run, seeds, ranges, progress)
        figures = {"tokens": len(predicted.exact.losses), **_predicted(predicted)}
        saturated = predicted.saturated
    else:
        encoded = _runs(machine, task.encode, seeds, ranges, progress)
        figures = {"tokens": encoded.exact.positions, **_encoded(encoded)}
        saturated = encoded.saturated
    return {"schema": "archsim.evaluation/1", "machine": machine.name, **figures, "saturated": saturated}


def require_names(machine: Machine, graph: Graph) -> None:
    """Raise ArchsimError for names in the machine's mapping that a run would refuse too."""
    shared = digitised(machine, graph)
    bits_of(machine, shared)
    require_copied(machine, shared)


def _runs(
    machine: Machine,
    run: Callable[[Arithmetic], T],
    seeds: int,
    ranges: dict[str, InputRange],
    progress: Progress | None,
) -> _Runs[T]:
    exact, whole = run(FloatArithmetic()), run(IntegerArithmetic(machine, ranges=ranges))
    analog, saturated, conversions = [], 0, 0
    for seed in range(seeds):
        if progress is not None:
            progress("evaluating, programming seed", seed, seeds)
        arithmetic = MachineArithmetic(machine, seed, ranges)
        analog.append(run(arithmetic))
        saturated += sum(arithmetic.saturated.values())
        conversions += sum(arithmetic.conversions.values())
    return _Runs(exact, whole, analog, saturated / conversions if conversions else 0.0)


def _predicted(runs: _Runs[Scores]) -> dict[str, Any]:
    exact, analog = runs.exact, runs.analog
    return {
        "perplexity": {
            "float": _statistics([exact.perplexity]),
            "quantised": _statistics([runs.whole.perplexity]),
            "analog": _statistics(run.perplexity for run in analog),
        },
        "agreement": _statistics(exact.agreement(run) for run in analog),
        "divergence_nats": _statistics(exact.divergence(run) for run in analog),
        "loss_change_nats": _statistics(float((run.losses - exact.losses).mean()) for run in analog),
    }


def _encoded(runs: _Runs[States]) -> dict[str, Any]:
    """Of integers and of the machine; errors are of positions."""
    figures: dict[str, Callable[[States], float]] = {
        "cosine": runs.exact.cosine,
        "mean_error": lambda states: float(runs.exact.errors(states).mean()),
        "largest_error": lambda states: float(runs.exact.errors(states).max()),
    }
    kinds = {"quantised": [runs.whole], "analog": runs.analog}
    return {
        name: {kind: _statistics(map(figure, states)) for kind, states in kinds.items()}
        for name, figure in figures.items()
    }


def _statistics(values: Iterable[float]) -> dict[str, float]:
    found = list(values)
    spread = float(np.std(found, ddof=_SEPARATE)) if len(found) > 1 else 0.0
    return {"mean": float(np.mean(found)), "std": spread, "n": len(found)}
