"""How a recipe's steps name their operands: `NAME [operand ...]`.

An operand is an input of the operator, an earlier step by its name, `step.2` for the second of that name, or a number.
Without names a step of one operand takes the previous result; one of two the last full row before it, and the previous
result. The first step takes the operator's first inputs.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from archsim.errors import did_you_mean, quoted
from archsim.steps.operators import function_of

if TYPE_CHECKING:
    from archsim.steps.functions import StepFunction
    from archsim.steps.operators import Definition

PRODUCTS = ("mvm", "multiply_accumulate")
"""Steps that do a whole product of two operands."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
_TWO = 2


class RecipeError(Exception):
    """What is wrong with a recipe. step: from 0 on, which it is; None: all of it."""

    def __init__(self, message: str, step: int | None = None) -> None:
        """Keep both."""
        super().__init__(message)
        self.message, self.step = message, step


@dataclass(frozen=True)
class Number:
    """A constant that a step names."""

    value: float


@dataclass(frozen=True)
class Wired:
    """A step with its operands.

    Parameters
    ----------
    name
        Of its function.
    function
        What it computes; None of a word of a unit's own, whose meaning nobody knows.
    operands
        Constants, or numbers of tensors: the operator's inputs come first, then the results of the steps in order.
    full
        Whether its result has whole rows.
    """

    name: str
    function: StepFunction | None
    operands: tuple[int | Number, ...]
    full: bool

    @property
    def reads(self) -> tuple[int, ...]:
        """Tensors that it reads."""
        return tuple(at for at in self.operands if isinstance(at, int))


@lru_cache(4096)
def wired(steps: tuple[str, ...], definition: Definition) -> tuple[Wired, ...]:
    """Find what each step of a recipe reads.

    Parameters
    ----------
    steps
        Each as it stands in the recipe: a function, and the operands that it names.
    definition
        Of the operator.

    Raises
    ------
    RecipeError
        For an operand that is not there, or a number of operands that the function does not take.
    """
    recipe = _Recipe(definition)
    for number, text in enumerate(steps):
        recipe.take(number, text)
    return tuple(recipe.steps)


class _Recipe:
    """What is there to be read, as steps come."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.names = [one.name for one in definition.inputs]
        self.inputs = len(self.names)
        self.full = [True] * self.inputs
        self.rows = [one.shape != "one row" for one in definition.inputs]
        self.counts: Counter[str] = Counter()
        self.steps: list[Wired] = []

    def take(self, number: int, text: str) -> None:
        """Wire the next step."""
        name, *operands = text.split()
        function = function_of(name, len(operands))
        if operands:
            reads: tuple[int | Number, ...] = tuple(self._place(operand, number) for operand in operands)
            if not any(isinstance(at, int) for at in reads):
                raise RecipeError("reads numbers alone", number)
        else:
            reads = self._usual(name, function)
        if function is not None and len(reads) != function.operands:
            found = f"{len(reads)} operand{'s' * (len(reads) != 1)}"
            raise RecipeError(f"found {found}; {name} takes {_takes(name)}", number)
        summed_beside = name == "sum" and self.definition.attributes.neighbours is not None
        leaves_one = function is not None and function.reduces and not summed_beside
        full = not leaves_one and any(self.full[at] for at in reads if isinstance(at, int))
        self.full.append(full)
        self.rows.append(full)
        self.counts[name] += 1
        self.names.append(name if self.counts[name] == 1 else f"{name}.{self.counts[name]}")
        self.steps.append(Wired(name, function, reads, full))

    def _usual(self, name: str, function: StepFunction | None) -> tuple[int, ...]:
        """What a step reads that names nothing; a product with what was written reads the first input, and that."""
        last, first = len(self.rows) - 1, not self.steps
        if self.definition.multiplies and name == "write":
            return (1,)
        if self.definition.multiplies and name in PRODUCTS:
            return (0, last if self.names[last] == "write" else 1)
        if first:
            wanted = self.inputs if function is None else function.operands
            return tuple(range(min(wanted, self.inputs)))
        if function is None or function.operands == 1:
            return (last,)
        before = [at for at in range(last) if self.rows[at]]
        return (before[-1], last) if before and function.operands == _TWO else (last,)

    def _place(self, operand: str, number: int) -> int | Number:
        if _NUMBER.fullmatch(operand):
            return Number(float(operand))
        if operand not in self.names:
            raise RecipeError(f"no operand {quoted(operand)} before it. {did_you_mean(operand, self.names)}", number)
        return self.names.index(operand)


def _takes(name: str) -> str:
    one, two = function_of(name), function_of(name, _TWO)
    return " or ".join(str(count) for count in dict.fromkeys(of.operands for of in (one, two) if of is not None))
