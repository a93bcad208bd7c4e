"""Trials of a search: each choice is measured once, and no more than so many are."""

from dataclasses import dataclass
from math import inf

from archsim.bits.problem import PENALTY, Choice, Cost, Problem, Quality
from archsim.errors import ArchsimError

_IN_A_ROW = 1000
"""Choices asked for that were all seen before, or do not fit, after which a search has come to its end."""


class SpentError(Exception):
    """As many choices were measured as may be; a searcher stops here."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A choice, what it costs, what it leaves, and how good it is as a whole; allowed: it loses no more than may be."""

    choice: Choice
    cost: Cost
    quality: Quality
    score: float
    allowed: bool


class Trials:
    """Asked by searchers: `trials(choice)`. Only what is measured counts, not what was seen before."""

    def __init__(self, problem: Problem, evaluations: int) -> None:
        """evaluations: how many choices may be measured."""
        self.problem, self.evaluations = problem, evaluations
        self.seen: dict[Choice, Trial] = {}
        self.repeated = 0  # choices in a row that were seen before

    def __call__(self, asked: Choice) -> Trial:
        """Measure a choice, made to fit first; one that cannot be is as bad as if it lost everything.

        Raises SpentError, and ArchsimError where the first does not fit.
        """
        problem = self.problem
        choice = problem.fitting(asked)
        if choice in self.seen:
            self.repeated += 1
            if self.repeated > _IN_A_ROW:
                raise SpentError
            return self.seen[choice]
        cost = problem.cost(choice)
        if cost.time == inf:
            return self._without_room(choice, cost)
        self.repeated = 0
        if len(self.seen) >= self.evaluations:
            raise SpentError
        quality = problem.quality(choice)
        allowed = quality.lost <= problem.allowed
        self.seen[choice] = Trial(choice, cost, quality, problem.score(cost, quality), allowed)
        return self.seen[choice]

    def _without_room(self, choice: Choice, cost: Cost) -> Trial:
        if not self.seen:
            raise ArchsimError(f"the weights take {cost.tiles:,} tiles with the fewest bits. Try as many tiles.")
        self.repeated += 1
        if self.repeated > _IN_A_ROW:
            raise SpentError
        return Trial(choice, cost, Quality(0.0, inf, 1.0), -PENALTY, allowed=False)

    @property
    def left(self) -> int:
        """How many more may be measured."""
        return self.evaluations - len(self.seen)

    @property
    def history(self) -> tuple[Trial, ...]:
        """All that were measured, in order."""
        return tuple(self.seen.values())

    @property
    def best(self) -> Trial:
        """The fastest that is allowed, of equals the least divergent; where none is, the one of the best score."""
        return max(self.history, key=lambda trial: (trial.allowed, trial.score, -trial.quality.divergence))

    def begin(self) -> Trial:
        """Measure the same bits everywhere, from many to few, until accuracy falls too low; the best of them.

        Every searcher begins so.
        """
        for bits in reversed(self.problem.choices):
            if not self(self.problem.uniform(bits)).allowed:
                break
        return self.best
