"""Recipes that are one step away from another: one less, another function or other operands, one more."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from archsim.steps.functions import FUNCTIONS
from archsim.steps.grammar import PRODUCTS
from archsim.steps.operators import function_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archsim.steps.operators import Definition

_TWO = 2


def changes(
    steps: tuple[str, ...], definition: Definition, words: frozenset[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """All of them, in words and as recipes.

    Parameters
    ----------
    steps
        Of a recipe.
    definition
        Of its operator.
    words
        Functions that may be used.
    """
    names = _names(definition, words)
    for at, step in enumerate(steps[: len(steps) if len(steps) > 1 else 0]):
        yield f"{_shown(at, step)} left out", (*steps[:at], *steps[at + 1 :])
    for at, step in enumerate(steps):
        for changed in _with_operands(step.split()[0], steps[:at], definition):
            yield f"{_shown(at, step)} as '{changed}'", (*steps[:at], changed, *steps[at + 1 :])
    for at, step in enumerate(steps):
        name, *operands = step.split()
        for other in (other for other in names if other != name):
            changed = " ".join([other, *operands])
            yield f"'{changed}' in place of {_shown(at, step)}", (*steps[:at], changed, *steps[at + 1 :])
    for at in range(len(steps) + 1):
        where = "at the end" if at == len(steps) else f"before {_shown(at, steps[at])}"
        for added in (added for name in names for added in (name, *_with_operands(name, steps[:at], definition))):
            yield f"'{added}' {where}", (*steps[:at], added, *steps[at:])


def _names(definition: Definition, words: frozenset[str]) -> list[str]:
    """Functions that may do something in a recipe of the operator."""
    products = set(PRODUCTS) | {"write"}
    of = definition.attributes
    idle = {"scale"} if of.factor == 1 and not definition.averages else set()
    idle |= set() if definition.multiplies else products
    idle |= set() if of.power[1:] != (1.0, 1.0) else {"power"}
    return [name for name in FUNCTIONS if name in words and name not in idle]


def _shown(at: int, step: str) -> str:
    return f"step {at + 1} ('{step}')"


def _with_operands(name: str, before: Sequence[str], definition: Definition) -> Iterator[str]:
    """A step with all operands that it can name, in all orders; no number alone."""
    earlier = [*(one.name for one in definition.inputs), *(step.split()[0] for step in before)]
    counts: dict[str, int] = {}
    tensors = []
    for tensor in earlier:
        counts[tensor] = counts.get(tensor, 0) + 1
        tensors.append(tensor if counts[tensor] == 1 else f"{tensor}.{counts[tensor]}")
    takes = {of.operands for named in (0, _TWO) if (of := function_of(name, named)) is not None}
    for count in sorted(takes):
        known = [*tensors, *(map(str, definition.numbers) if count == _TWO else ())]
        for operands in product(known, repeat=count):
            if set(operands) & set(tensors):
                yield " ".join((name, *operands))
