"""Searchers that need nothing but the standard library: random, greedy, annealing."""

from __future__ import annotations

import heapq
from math import exp, inf, log
from random import Random
from typing import TYPE_CHECKING

from archsim.bits.moves import at, changed, nearby, stepped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.bits.problem import Choice, Problem
    from archsim.bits.trials import Trial, Trials

_LEAST = 1e-6
"""Nats: a smaller rise of the divergence is not told from none."""
_HOT, _COLD = 0.3, 0.01
"""Temperatures of annealing, in units of a score (the logarithm of a gain): a third worse, a hundredth worse."""
_COARSER = 4.0
"""By how much the divergence rises more with the next bit less: an error of twice the size, squared."""
_DEEPER = 2
"""Bits fewer than the same everywhere may be: enough that the harm of one place alone is seen."""
_IN_VAIN = 2000
"""Small changes that a greedy search tries at its end; most are slower, and not measured."""


def at_random(trials: Trials, seed: int) -> None:
    """A level by chance, and bits up to one step from it: bits by chance alone would nearly all be far too few."""
    random, problem = Random(seed), trials.problem  # noqa: S311
    trials.begin()
    places = range(2 * len(problem.keys))
    while True:
        choice = problem.uniform(random.choice(problem.choices))
        for place in places:
            choice = stepped(problem, choice, place, random.choice((-1, 0, 1)))
        trials(choice)


def greedy(trials: Trials, seed: int) -> None:
    """The fastest that is allowed of choices that should diverge least for their time; then small changes.

    What each place adds to the divergence is measured alone, and taken to be fourfold with every bit less. Choices are
    found by halving: few are measured near the limit, so that luck decides little.
    """
    worths = _worths(trials, trials.begin())
    if trials.problem.ladder is None:
        _along(trials, worths)
    else:
        _last_allowed(trials, trials.problem.ladder(worths))
    _climb(trials, worths, Random(seed))  # noqa: S311


def _along(trials: Trials, worths: list[float]) -> None:
    """One path from the most bits to the fewest, where it gains most for the least divergence, to its last allowed.

    From the first that is not allowed a way back, to more bits, is halved too.
    """
    problem = trials.problem
    steps = _steps(problem, _path(problem, worths))
    allowed = _last_allowed(trials, steps)
    if allowed + 1 < len(steps):
        slowest = problem.cost(steps[allowed]).time if allowed >= 0 else inf
        _last_allowed(trials, _way_back(problem, worths, steps[allowed + 1], slowest))


def _last_allowed(trials: Trials, steps: Sequence[Choice]) -> int:
    """Number of the last of ever faster choices that is allowed, by halving; -1: none."""
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        if trials(steps[middle]).allowed:
            low = middle + 1
        else:
            high = middle
    return low - 1


def _worths(trials: Trials, base: Trial) -> list[float]:
    """By place the w of a divergence w / 4**bits, with fewer bits at that place than base has, and the most elsewhere.

    Beside other errors it would be measured with their product, which has either sign and is larger than itself.
    """
    problem = trials.problem
    most = trials(problem.uniform(problem.choices[-1]))
    worths = []
    for place in reversed(range(2 * len(base.choice))):  # from the last: what comes before is not computed again
        fewer = max(at(base.choice, place) - _DEEPER, problem.choices[0])
        while problem.cost(changed(most.choice, place, fewer)).time == inf:  # most.choice itself fits
            fewer += 1
        rise = trials(changed(most.choice, place, fewer)).quality.divergence - most.quality.divergence
        worths.append(max(rise, _LEAST) * _COARSER**fewer)
    return worths[::-1]


def _path(problem: Problem, worths: list[float]) -> list[Choice]:
    """All choices on the way from the most bits to the fewest, a place at a time."""
    choice = problem.fitting(problem.uniform(problem.choices[-1]))
    path = [choice]
    queue = [(-inf, place) for place in range(2 * len(choice))]  # what is known of a place may be too good by now
    while queue:
        _, place = heapq.heappop(queue)
        tried = stepped(problem, choice, place, -1)
        if tried == choice or problem.cost(tried).time == inf:
            continue
        gained = log(problem.cost(choice).smooth / problem.cost(tried).smooth)
        rate = -gained * _COARSER ** at(choice, place) / worths[place]
        if queue and rate > queue[0][0]:
            heapq.heappush(queue, (rate, place))
            continue
        choice = tried
        path.append(choice)
        heapq.heappush(queue, (rate / _COARSER, place))
    return path


def _steps(problem: Problem, path: list[Choice]) -> list[Choice]:
    """Those that are faster than all before: whole copies let time fall in steps."""
    found, least = [], inf
    for choice in path:
        if (time := problem.cost(choice).time) < least:
            least = time
            found.append(choice)
    return found


def _way_back(problem: Problem, worths: list[float], choice: Choice, slowest: float) -> list[Choice]:
    """From a choice to more bits, where they lessen the divergence most for the least time; of equal times the last.

    Up to a time; ever faster, as all steps.
    """
    found = {problem.cost(choice).time: choice}
    while True:
        time = problem.cost(choice).time
        best = (0.0, choice)
        for place, worth in enumerate(worths):
            tried = stepped(problem, choice, place, 1)
            longer = problem.cost(tried).time
            if tried != choice and longer < slowest:
                drop = worth / _COARSER ** at(choice, place)
                best = max(best, (drop / max(longer / time - 1, _LEAST), tried))
        if best[1] == choice:
            return [*reversed(found.values())]
        choice = best[1]
        found[problem.cost(choice).time] = choice


def _climb(trials: Trials, worths: list[float], random: Random) -> None:
    """Small changes that are faster, or as fast with less divergence; none that should diverge more than the path."""
    problem, current = trials.problem, trials.best
    most = _divergence(worths, current.choice)
    for _ in range(_IN_VAIN):
        choice = nearby(problem, current.choice, random)
        if problem.cost(choice).time > current.cost.time or _divergence(worths, choice) > most:
            continue
        tried = trials(choice)
        if tried.allowed and _goodness(tried) > _goodness(current):
            current = tried


def _divergence(worths: list[float], choice: Choice) -> float:
    return sum(worth / _COARSER ** at(choice, place) for place, worth in enumerate(worths))


def _goodness(trial: Trial) -> tuple[float, float]:
    return -trial.cost.time, -trial.quality.divergence


def annealing(trials: Trials, seed: int) -> None:
    """Small changes; what is worse is kept now and then, ever more seldom."""
    random = Random(seed)  # noqa: S311
    current = trials.begin()
    whole = max(1, trials.left)
    while True:
        heat = _HOT * (_COLD / _HOT) ** (1 - trials.left / whole)
        tried = trials(nearby(trials.problem, current.choice, random))
        if random.random() < exp(min(0.0, (tried.score - current.score) / heat)):
            current = tried
