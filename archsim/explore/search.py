"""Search: an optimiser of Optuna chooses which of a study's points are run; evaluations go through the same store."""

from __future__ import annotations

import warnings
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from archsim.errors import UsageError
from archsim.explore.load import load_study
from archsim.explore.points import point
from archsim.explore.running import run
from archsim.explore.store import Store
from archsim.explore.summary import summary
from archsim.explore.sweep import Swept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from archsim.explore.executor import Executor
    from archsim.explore.figures import Objective
    from archsim.explore.load import Bases
    from archsim.explore.points import Point
    from archsim.explore.running import Tell
    from archsim.explore.sampling import Choice
    from archsim.explore.study import Study
    from archsim.explore.sweep import Where

SAMPLERS: Final = ("nsga2", "tpe", "random")
_GENERATION: Final = 20
"""Trials that are chosen together, whatever runs them: the same seed gives the same points everywhere."""


@contextmanager
def searching(
    path: Path,
    out: Path,
    where: Where,
    *,
    trials: int,
    sampler: str,
    seed: int,
    objectives: Sequence[Objective] = (),
    trust: bool = False,
    say: Callable[[str], None] = lambda _line: None,
    tell: Tell | None = None,
) -> Iterator[Swept]:
    """Give what a search found while its store is open. `objectives`: in place of the study's own.

    trust: as `load_study` has it. Points that the store has are not run again, so that the same command goes on where
    it was killed.
    """
    optuna = _optuna()
    study, bases = load_study(path, whole=False, single=True, trust=trust)
    if objectives:
        study = replace(study, objectives=tuple(objectives))
    with Store(out, write=True) as store, ExitStack() as stack:
        search = _Search(study, bases, store, _optimiser(optuna, study, sampler, seed))
        executor: Executor | None = None
        for begun in range(0, trials, _GENERATION):
            missing = search.choose(min(_GENERATION, trials - begun))
            if missing and executor is None:
                executor = stack.enter_context(closing(where.open(bases, _GENERATION)))
            if missing and executor is not None:
                run(missing, len(missing), store, executor)
            search.learn()
            if tell is not None:
                tell("trials", begun, trials)
        say(f"{trials:,} trials of {len(search.tried):,} different points, {search.run:,} of them run now")
        yield Swept(study, bases, store, summary(study, bases, store, search.tried.items()))


class _Search:
    """The dialogue between the optimiser and the store, a generation at a time."""

    def __init__(self, study: Study, bases: Bases, store: Store, optimiser: Any) -> None:  # noqa: ANN401
        self.study, self.bases, self.store, self.optimiser = study, bases, store, optimiser
        self.tried: dict[Choice, Point] = {}
        self.asked: list[tuple[Any, Point]] = []
        self.space = _space(study)
        self.run = 0

    def choose(self, number: int) -> list[Point]:
        """Ask for so many trials; the points among them that nobody has run."""
        for _ in range(number):
            trial = self.optimiser.ask(self.space)
            choice = tuple(int(trial.params[axis.name]) for axis in self.study.axes)
            self.tried.setdefault(choice, point(self.bases, self.study.values(choice)))
            self.asked.append((trial, self.tried[choice]))
        wanted = {each.key: each for _, each in self.asked}
        self.store.plan(list(wanted.values()))
        states = self.store.states(list(wanted))
        missing = [each for key, each in wanted.items() if states[key] == "planned"]
        self.run += len(missing)
        return missing

    def learn(self) -> None:
        """Tell what came of them, in the order in which they were asked for."""
        import json

        from optuna.trial import TrialState

        found = self.store.found([each.key for _, each in self.asked])
        for trial, each in self.asked:
            figures = json.loads(found[each.key][2] or "null")
            if figures is None:
                self.optimiser.tell(trial, state=TrialState.FAIL)
                continue
            for want in self.study.constraints:
                trial.set_constraint(want.text, want.excess(figures[want.figure.field]))
            self.optimiser.tell(trial, [figures[objective.figure.field] for objective in self.study.objectives])
        self.asked.clear()


def _optuna() -> Any:  # noqa: ANN401
    try:
        import optuna
    except ImportError:
        raise UsageError("'archsim explore' needs Optuna: pip install 'archsim[explore]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _optimiser(optuna: Any, study: Study, sampler: str, seed: int) -> Any:  # noqa: ANN401
    """Optuna's study, in memory: the store remembers, and the seed makes it ask the same again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        chosen = {
            "nsga2": lambda: optuna.samplers.NSGAIISampler(population_size=_GENERATION, seed=seed),
            "tpe": lambda: optuna.samplers.TPESampler(seed=seed, constant_liar=True),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        }[sampler]()
    directions = ["minimize" if objective.sign > 0 else "maximize" for objective in study.objectives]
    return optuna.create_study(directions=directions, sampler=chosen)


def _space(study: Study) -> dict[str, Any]:
    """The number of the level of each axis: near ones are alike where levels are numbers."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    return {
        axis.name: IntDistribution(0, len(axis.levels) - 1)
        if axis.ordered
        else CategoricalDistribution(tuple(range(len(axis.levels))))
        for axis in study.axes
    }
