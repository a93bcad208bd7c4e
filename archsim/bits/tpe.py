"""Search by Optuna's tree of Parzen estimators."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from archsim.errors import UsageError

if TYPE_CHECKING:
    from archsim.bits.trials import Trials


def tpe(trials: Trials, seed: int) -> None:
    """Optuna chooses, and is told scores, of what every searcher begins with too. Raises UsageError without Optuna."""
    optuna = _optuna()
    problem = trials.problem
    trials.begin()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    names = [(f"{key} weights", f"{key} inputs") for key in problem.keys]
    spaces = {name: optuna.distributions.CategoricalDistribution(problem.choices) for pair in names for name in pair}
    if list(problem.choices) == list(range(problem.choices[0], problem.choices[-1] + 1)):
        whole = optuna.distributions.IntDistribution(problem.choices[0], problem.choices[-1])
        spaces = dict.fromkeys(spaces, whole)
    for trial in trials.history:
        values = {
            name: bits
            for pair, both in zip(names, trial.choice, strict=True)
            for name, bits in zip(pair, both, strict=True)
        }
        study.add_trial(optuna.trial.create_trial(params=values, distributions=spaces, value=trial.score))
    while True:
        asked = study.ask(spaces)
        choice = tuple((asked.params[weights], asked.params[inputs]) for weights, inputs in names)
        study.tell(asked, trials(choice).score)


def _optuna() -> Any:  # noqa: ANN401 (a module that need not be there)
    try:
        import optuna
    except ImportError:
        raise UsageError("--search tpe needs Optuna: pip install 'archsim[explore]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
