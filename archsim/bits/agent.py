"""Reinforcement learning: deep deterministic policy gradients (DDPG), as in HAQ, by Stable-Baselines3."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from archsim.bits.episode import environment, gymnasium, states
from archsim.bits.moves import stepped
from archsim.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from archsim.bits.trials import Trial, Trials

# HAQ's: layers of 300, rates of 1e-4 and 1e-3, batches of 64, tau 0.01, gamma 1, noise of 0.5 that falls.
_HIDDEN: Final = (300, 300)
_RATE: Final = 1e-3  # Stable-Baselines3 has one for both
_BATCH: Final = 64
_TAU: Final = 0.01
_NOISE: Final = 0.5
_LEAST_NOISE: Final = 0.05
_WARM: Final = 0.15
"""Of all evaluations, before the policy chooses; HAQ: 20 episodes of 600."""
_WORST: Final = -3.0
"""Scores below count as this: how bad a hopeless choice is teaches nothing."""


def rl(trials: Trials, seed: int) -> None:
    """Learn from episodes, of which each is one evaluation, and from what every searcher begins with.

    As in HAQ, all steps of an episode are rewarded with its score; the critic learns that score, not a sum of rewards.
    Raises UsageError without the libraries.
    """
    gymnasium()
    problem, episode = trials.problem, environment(trials)
    trials.begin()
    model = _model(episode, seed)
    for trial in trials.history:
        _remember(model, trials, trial)
    chance = random.Random(seed)  # noqa: S311
    draws = np.random.default_rng(seed)
    whole = max(1, trials.left)
    warm = whole - int(_WARM * whole)
    while True:
        if trials.left > warm:  # near what is known, as others begin
            choice = trials.best.choice
            for place in range(2 * len(problem.keys)):
                choice = stepped(problem, choice, place, chance.choice((-1, 0, 1)))
            _remember(model, trials, trials(choice))
        else:
            noise = max(_LEAST_NOISE, _NOISE * trials.left / whole)
            noise *= 1 + trials.repeated  # what was seen before teaches nothing
            _remember(model, trials, _walk(model, episode, trials, draws, noise))
        model.train(gradient_steps=2 * len(problem.keys), batch_size=_BATCH)


def _walk(model: Any, episode: Any, trials: Trials, draws: np.random.Generator, noise: float) -> Trial:  # noqa: ANN401
    """An episode by the policy, with noise."""
    seen, _ = episode.reset()
    done = False
    while not done:
        action, _ = model.predict(seen, deterministic=True)
        noisy: NDArray[np.float32] = np.clip(action + draws.normal(0, noise, 1), -1, 1).astype(np.float32)
        seen, _, done, _, _ = episode.step(noisy)
    return trials(episode.choice)


def _remember(model: Any, trials: Trials, trial: Trial) -> None:  # noqa: ANN401
    """Every step of an episode, each with the episode's score."""
    seen, actions = states(trials.problem, trial.choice)
    score = np.array([max(trial.score, _WORST)], np.float32)
    for at in range(len(seen)):
        following = seen[min(at + 1, len(seen) - 1)]
        model.replay_buffer.add(seen[at][None], following[None], actions[at][None], score, np.array([True]), [{}])


def _model(episode: Any, seed: int) -> Any:  # noqa: ANN401
    try:
        from stable_baselines3 import DDPG
        from stable_baselines3.common.logger import configure
    except ImportError:
        raise UsageError("--search rl needs Stable-Baselines3: pip install 'archsim[rl]'") from None
    model = DDPG(
        "MlpPolicy",
        episode,
        learning_rate=_RATE,
        batch_size=_BATCH,
        tau=_TAU,
        gamma=1.0,
        policy_kwargs={"net_arch": list(_HIDDEN)},
        seed=seed,
        device="cpu",
    )
    model.set_logger(configure(None, []))
    return model
