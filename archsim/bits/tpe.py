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
    ranks = optuna.distributions.IntDistribution(0, len(problem.choices) - 1)
    spaces = {name: ranks for pair in names for name in pair}
    for trial in trials.history:
        pairs = zip(names, trial.choice, strict=True)
        params = {
            name: problem.choices.index(bits) for pair, both in pairs for name, bits in zip(pair, both, strict=True)
        }
        study.add_trial(optuna.trial.create_trial(params=params, distributions=spaces, value=trial.score))
    while True:
        asked = study.ask(spaces)
        bits = {name: problem.choices[rank] for name, rank in asked.params.items()}
        choice = tuple((bits[weights], bits[inputs]) for weights, inputs in names)
        study.tell(asked, trials(choice).score)


def _optuna() -> Any:  # noqa: ANN401 (a module that need not be there)
    try:
        import optuna
    except ImportError:
        raise UsageError("--search tpe needs Optuna: pip install 'archsim[explore]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
