"""Searchers that need nothing but the standard library: random, greedy, annealing."""

from __future__ import annotations

import heapq
from math import exp, log
from random import Random
from typing import TYPE_CHECKING

from archsim.bits.moves import nearby, stepped

if TYPE_CHECKING:
    from archsim.bits.trials import Trial, Trials

_LEAST = 1e-4
"""Nats: a smaller rise of the divergence is not told from none."""
_HOT, _COLD = 0.3, 0.01
"""Temperatures of annealing, in units of a score (the logarithm of a gain): a third worse, a hundredth worse."""
_COARSER = 4.0
"""By how much the divergence rises more with the next bit less: an error of twice the size, squared."""


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
    """One bit less where it gains most for the least divergence, as long as that is allowed; then small changes.

    The rise is measured once a place, from where the search begins, and taken to grow with every further bit.
    """
    problem = trials.problem
    begin = current = trials.begin()
    queue = []
    for place in reversed(range(2 * len(problem.keys))):  # from the last: what comes before is not computed again
        tried = trials(stepped(problem, begin.choice, place, -1))
        rise = max(tried.quality.divergence - begin.quality.divergence, _LEAST)
        queue.append((-_gained(begin, tried) / rise, place, rise))
    heapq.heapify(queue)
    while queue:
        _, place, rise = heapq.heappop(queue)
        choice = stepped(problem, current.choice, place, -1)
        if choice == current.choice or not (tried := trials(choice)).allowed:
            continue
        before, current = current, tried
        heapq.heappush(queue, (-max(_gained(before, tried), 0) / (rise * _COARSER), place, rise * _COARSER))
    _climb(trials, current, Random(seed))  # noqa: S311


def _gained(before: Trial, after: Trial) -> float:
    """Logarithm of the gain; a tile that is freed counts a little even where it gains nothing yet."""
    return log(before.cost.time / after.cost.time) + (before.cost.tiles - after.cost.tiles) / before.cost.tiles / 10


def _climb(trials: Trials, current: Trial, random: Random) -> None:
    while True:
        tried = trials(nearby(trials.problem, current.choice, random))
        if tried.allowed and tried.score >= current.score:
            current = tried


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
