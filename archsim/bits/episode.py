"""An episode of learning: a walk over all projections that chooses bits of weights, then of inputs; then it is scored.

The state is as HAQ's (K. Wang et al., CVPR 2019): what a projection is, where in the network it is, whether weights or
inputs are asked for, and the action before. Where HAQ lowers bits until a budget is met, `Problem.fitting` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.bits.moves import at, changed
from archsim.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from archsim.bits.problem import Choice, Problem
    from archsim.bits.trials import Trials

Action = float
"""From -1, the fewest bits, to 1, the most."""


def bits_of(problem: Problem, action: Action) -> int:
    """Each number of bits has an equal share of the actions."""
    number = len(problem.choices)
    return problem.choices[min(max(int((action + 1) / 2 * number), 0), number - 1)]


def action_of(problem: Problem, bits: int) -> Action:
    """The middle of its share."""
    return (problem.choices.index(bits) + 0.5) / len(problem.choices) * 2 - 1


def state(problem: Problem, place: int, before: Action) -> NDArray[np.float32]:
    """Features of the projection, share of the way, inputs rather than weights, the action before; all from 0 to 1."""
    number = 2 * len(problem.keys)
    more = [place / max(1, number - 1), place % 2, (before + 1) / 2]
    return np.append(problem.features[min(place, number - 1) // 2], more).astype(np.float32)


def states(problem: Problem, choice: Choice) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All states (places, n) and actions (places, 1) that lead to a choice."""
    places = range(2 * len(problem.keys))
    actions = [action_of(problem, at(choice, place)) for place in places]
    walked = [state(problem, place, before) for place, before in zip(places, [1.0, *actions], strict=False)]
    return np.stack(walked), np.array(actions, np.float32)[:, None]


def gymnasium() -> Any:  # noqa: ANN401 (a module that need not be there)
    """The library. Raises UsageError where it is missing."""
    try:
        import gymnasium as found
    except ImportError:
        raise UsageError("--search rl needs Gymnasium: pip install 'archsim[rl]'") from None
    return found


def environment(trials: Trials) -> Any:  # noqa: ANN401 (a class of a library that need not be there)
    """The episode as a Gymnasium environment: actions of one number, the score as the last step's reward."""
    library = gymnasium()
    problem = trials.problem
    places = 2 * len(problem.keys)

    class Episode(library.Env):  # type: ignore[name-defined,misc]
        observation_space = library.spaces.Box(0.0, 1.0, (problem.features.shape[1] + 3,), np.float32)
        action_space = library.spaces.Box(-1.0, 1.0, (1,), np.float32)

        def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray[np.float32], dict[str, Any]]:  # noqa: ANN401
            super().reset(seed=seed, options=options)
            self.place, self.choice = 0, problem.uniform(problem.choices[-1])
            return state(problem, 0, 1.0), {}

        def step(self, action: NDArray[np.float32]) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
            given = float(action[0])
            self.choice = changed(self.choice, self.place, bits_of(problem, given))
            self.place += 1
            done = self.place == places
            reward = trials(self.choice).score if done else 0.0
            return state(problem, self.place, given), reward, done, False, {}

    return Episode()
