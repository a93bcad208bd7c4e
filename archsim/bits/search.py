"""One door to all searchers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from archsim.bits import searchers
from archsim.bits.trials import SpentError, Trial, Trials

if TYPE_CHECKING:
    from collections.abc import Callable

    from archsim.bits.problem import Problem


@dataclass(frozen=True)
class Found:
    """The best choice, and all that were measured, in order; cut: whether a search that ends by itself could not."""

    best: Trial
    history: tuple[Trial, ...]
    cut: bool = False


def _tpe(trials: Trials, seed: int) -> None:
    from archsim.bits.tpe import tpe

    tpe(trials, seed)


def _rl(trials: Trials, seed: int) -> None:
    from archsim.bits.agent import rl

    rl(trials, seed)


SEARCHERS: Final[dict[str, Callable[[Trials, int], None]]] = {
    "greedy": searchers.greedy,
    "annealing": searchers.annealing,
    "tpe": _tpe,
    "random": searchers.at_random,
    "rl": _rl,
}

_ENDING: Final = ("greedy",)
"""Searches that end by themselves; all others go on as long as they may."""


def search(problem: Problem, name: str, evaluations: int, seed: int) -> Found:
    """Let a searcher measure so many choices. Raises ArchsimError where nothing fits, or a library is missing."""
    trials = Trials(problem, evaluations)
    with suppress(SpentError):
        SEARCHERS[name](trials, seed)
    return Found(trials.best, trials.history, cut=name in _ENDING and not trials.left)
