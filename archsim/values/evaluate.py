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
from archsim.values.machine_arithmetic import Calibration, MachineArithmetic
from archsim.values.pictures import CALIBRATED_BY, Pictures
from archsim.values.recipes import CAUSES
from archsim.values.samples import Outputs, Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from numpy.typing import NDArray

    from archsim.graph.graph import Graph
    from archsim.machine.machine import Machine
    from archsim.values.arithmetic import Arithmetic
    from archsim.values.metrics import Scores, States
    from archsim.values.tasks import Task

    Progress = Callable[[str, int, int], None]

T = TypeVar("T")
_SEPARATE = 1
_OWN_RANGES = "each vector of inputs has its own range; that its maximum is looked for is in no time and no energy"


@dataclass(frozen=True)
class _Runs(Generic[T]):
    """In float, in integers, and on the machine with each seed; saturated: share of conversions.

    notes: what is approximated, or does not fit.
    """

    exact: T
    whole: T
    analog: list[T]
    saturated: float
    notes: tuple[str, ...]


def evaluate(
    machine: Machine,
    task: Task | Pictures | Samples,
    seeds: int,
    *,
    own_ranges: bool = False,
    exact: Collection[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Figures as data of schema archsim.evaluation/1, each with its mean, deviation and number of seeds.

    Parameters
    ----------
    machine
        Whose arithmetic is compared.
    task
        Of a model that makes tokens, perplexities are given, and how far predictions are from those in float; of an
        encoder, how far its last hidden states are; of pictures, the share that is told rightly; of samples, how far
        results are from those in float, and with labels the share of which the largest number is the label's.
    seeds
        How often arrays are programmed.
    own_ranges
        Whether each vector of inputs of a projection is quantised over its own range. Else that, as the ranges of all
        other operands, tables and results, is what the first sequence, or the first pictures, have.
    exact
        Causes of loss that are left out, of `archsim.values.recipes.CAUSES`.
    progress
        Is told what is done, how much of it, and of how much.

    Raises
    ------
    ArchsimError
        Where the machine's arrays cannot be simulated, or its file names what the model does not have.
    """

    def seen(run: Callable[[Arithmetic], T], first: Callable[[Arithmetic], T]) -> _Runs[T]:
        known = calibrated(machine, first)
        return _runs(machine, run, seeds, replace(known, inputs={}) if own_ranges else known, exact, progress)

    require_names(machine, task.graph if isinstance(task, Pictures | Samples) else task.model.graph)
    figures: dict[str, Any]
    runs: _Runs[Any]
    if isinstance(task, Pictures):
        told = seen(task.right, task.first(CALIBRATED_BY).right)
        figures, runs = _told(told), told
    elif isinstance(task, Samples):
        compared = seen(task.run, task.first(1).run)
        figures, runs = _compared(compared, task), compared
    elif task.predicts:
        predicted = seen(task.run, replace(task, sequences=task.sequences[:1]).run)
        figures, runs = _predicted(predicted), predicted
    else:
        encoded = seen(task.encode, replace(task, sequences=task.sequences[:1]).encode)
        figures, runs = _encoded(encoded), encoded
    return {
        "schema": "archsim.evaluation/1",
        "machine": machine.name,
        **figures,
        "saturated": runs.saturated,
        "notes": list(runs.notes),
    }


def calibrated(machine: Machine, first: Callable[[Arithmetic], object]) -> Calibration:
    """Ranges of what a machine computes.

    Parameters
    ----------
    machine
        Whose recipes are run exactly.
    first
        Runs the first sequence, or the first pictures.
    """
    probe = MachineArithmetic(machine, calibrating=True)
    first(probe)
    return probe.calibration


def require_names(machine: Machine, graph: Graph) -> None:
    """Raise ArchsimError for names in the machine's mapping that a run would refuse too."""
    shared = digitised(machine, graph)
    bits_of(machine, shared)
    require_copied(machine, shared)


def _runs(
    machine: Machine,
    run: Callable[[Arithmetic], T],
    seeds: int,
    known: Calibration,
    left_out: Collection[str],
    progress: Progress | None,
) -> _Runs[T]:
    exact, whole = run(FloatArithmetic()), run(IntegerArithmetic(machine, read=known.inputs))
    analog, saturated, conversions = [], 0, 0
    notes: dict[str, None] = {} if known.inputs else {_OWN_RANGES: None}
    if left_out:
        notes[f"left out: {', '.join(cause for cause in CAUSES if cause in left_out)}"] = None
    for seed in range(seeds):
        if progress is not None:
            progress("evaluating, programming seed", seed, seeds)
        arithmetic = MachineArithmetic(machine, seed, known, exact=left_out)
        analog.append(run(arithmetic))
        saturated += sum(arithmetic.saturated.values())
        conversions += sum(arithmetic.conversions.values())
        notes |= dict.fromkeys(arithmetic.remarks())
    return _Runs(exact, whole, analog, saturated / conversions if conversions else 0.0, tuple(notes))


def _predicted(runs: _Runs[Scores]) -> dict[str, Any]:
    exact, analog = runs.exact, runs.analog
    return {
        "tokens": len(exact.losses),
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
    compared = {
        name: {kind: _statistics(map(figure, states)) for kind, states in kinds.items()}
        for name, figure in figures.items()
    }
    return {"tokens": runs.exact.positions, **compared}


def _told(runs: _Runs[NDArray[np.bool_]]) -> dict[str, Any]:
    kinds = {"float": [runs.exact], "quantised": [runs.whole], "analog": runs.analog}
    shares = {kind: _statistics(float(right.mean()) for right in every) for kind, every in kinds.items()}
    return {"pictures": len(runs.exact), "accuracy": shares}


def _compared(runs: _Runs[Outputs], samples: Samples) -> dict[str, Any]:
    """Of integers and of the machine, for each result; and the share told rightly, where classes are known."""
    kinds = {"quantised": [runs.whole], "analog": runs.analog}
    figures: dict[str, Callable[[str, Outputs], float]] = {
        "cosine": lambda name, other: float(runs.exact.cosines(name, other).mean()),
        "mean_error": lambda name, other: float(runs.exact.errors(name, other).mean()),
        "largest_error": lambda name, other: float(runs.exact.errors(name, other).max()),
    }
    results = {
        name: {
            figure: {kind: _statistics(compute(name, other) for other in others) for kind, others in kinds.items()}
            for figure, compute in figures.items()
        }
        for name in runs.exact.values
    }
    told: dict[str, Any] = {}
    if samples.labels is not None:
        labels, everything = samples.labels, {"float": [runs.exact], **kinds}
        told["accuracy"] = {
            kind: _statistics(float(one.right(labels).mean()) for one in every) for kind, every in everything.items()
        }
    return {"samples": samples.number, **told, "results": results}


def _statistics(values: Iterable[float]) -> dict[str, float]:
    found = list(values)
    spread = float(np.std(found, ddof=_SEPARATE)) if len(found) > 1 else 0.0
    return {"mean": float(np.mean(found)), "std": spread, "n": len(found)}
