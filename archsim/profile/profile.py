"""One projection at a time on a machine: what it does to a model's perplexity, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.mapping.named import require_none
from archsim.profile.causes import Cause, analog
from archsim.profile.change import change, correlation, perplexity
from archsim.profile.proxies import PROXIES
from archsim.profile.replay import batched, block_of, depth_of, lengths
from archsim.profile.work import Guess, Run, done

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.graph.graph import Graph
    from archsim.machine.machine import Machine
    from archsim.profile.causes import Analog
    from archsim.profile.replay import Losses
    from archsim.values.tasks import Task

SCHEMA = "archsim.profile/1"
FLOAT = Run((), "all", 0)
Answers = dict[Run | Guess, Any]


def profile(
    machine: Machine,
    task: Task,
    seeds: int,
    *,
    workers: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Sensitivities of all projections, the greatest change of perplexity first, as data of schema archsim.profile/1.

    workers: processes of one thread each, whose number changes no bit; 0: work here. Functions and attention are
    computed in float throughout. Raises ArchsimError, also where the machine's file names some for digital
    units, or bits of some.
    """
    require_none(machine, "digital", "but a profile puts every projection in arrays")
    require_none(machine, "bits", "but a profile computes with the machine's own bits")
    task.require_predicting()
    how, linears = analog(machine), task.model.graph.linears
    sizes = lengths(batched(task.sequences))  # whose faults are said here, not by a process that ends
    keys = tuple(linear.key for linear in linears)
    asked: list[Run | Guess] = [*_runs(how, keys, seeds), *map(Guess, keys)]
    answers: Answers = {}
    for number, (each, answer) in enumerate(done(task, how, asked, workers)):
        if progress is not None:
            progress("profiling, run", number, len(asked))
        answers[each] = answer
    return {
        "schema": SCHEMA,
        "machine": machine.name,
        "machine_digest": machine.digest,
        "model": task.model.graph.name,
        "seeds": seeds,
        **_data(how, task.model.graph, sizes, answers),
    }


def _runs(how: Analog, keys: tuple[str, ...], seeds: int) -> list[Run]:
    """What does not depend on the seed is done once. All projections together come first: they take longest."""

    def of(together: tuple[str, ...], cause: Cause) -> list[Run]:
        return [Run(together, cause, seed) for seed in range(seeds if how.drawn(cause) else 1)]

    alone = [run for key in reversed(keys) for cause in how.causes for run in of((key,), cause)]
    return [FLOAT, *of(keys, "all"), *alone]


def _data(
    how: Analog,
    graph: Graph,
    sizes: Sequence[int],
    answers: Answers,
) -> dict[str, Any]:
    runs: dict[tuple[tuple[str, ...], str], list[Losses]] = {}
    for each, answer in answers.items():
        if isinstance(each, Run) and each is not FLOAT:
            runs.setdefault((each.keys, each.cause), []).append(answer)
    base: Losses = answers[FLOAT]

    def changed(keys: tuple[str, ...], cause: Cause) -> dict[str, Any]:
        return change(base, runs[keys, cause], sizes, drawn=how.drawn(cause))

    rows, depth = [], depth_of(graph)
    keys = tuple(linear.key for linear in graph.linears)
    for key, weights in ((linear.key, linear.weights) for linear in graph.linears):
        causes = {cause: changed((key,), cause) for cause in how.causes}
        shape = {"block": block_of(key, depth), "macs_per_token": weights, "weights": weights}
        rows.append({"key": key, **shape, **causes["all"], "causes": causes, "proxies": answers[Guess(key)]})
    found = [row["delta_nll"]["mean"] for row in rows]
    ranked = sorted(rows, key=lambda row: -row["delta_ppl"]["mean"])
    return {
        "tokens": len(base),
        "sequences": len(sizes),
        "baseline": {"ppl": perplexity(base), "nll": float(base.mean())},
        "all_analog": changed(keys, "all"),
        "stability": stability(base, [runs[(key,), "all"] for key in keys]),
        "correlations": {name: correlation([row["proxies"][name] for row in rows], found) for name in PROXIES},
        "projections": [{"rank": rank, **row} for rank, row in enumerate(ranked, start=1)],
    }


def stability(base: Losses, runs: Sequence[Sequence[Losses]]) -> dict[str, float | None]:
    """Rank correlation of the projections' changes by one half of the seeds with those by the other; runs: of each."""
    if any(len(of) < 2 for of in runs):  # noqa: PLR2004 (a seed for each half)
        return {"kendall": None, "spearman": None}
    halves = [[float((np.stack(of[at::2]) - base).mean()) for of in runs] for at in (0, 1)]
    return correlation(*halves)
