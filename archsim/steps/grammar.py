"""How a recipe's steps name their operands: `NAME [operand ...]`.

An operand is an input of the operator, or an earlier step by its name, `step.2` for the second of that name. Without
names a step of one operand takes the previous result; one of two the last full row before it, and the previous result.
The first step takes the operator's first inputs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from archsim.errors import ArchsimError, did_you_mean, quoted
from archsim.steps.functions import FUNCTIONS, OF_TWO, StepFunction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.steps.operators import Input

TWO = 2
PRODUCTS = ("mvm", "multiply_accumulate")
"""Steps that do a whole product of two operands."""


@dataclass(frozen=True)
class Wired:
    """A step with its operands.

    Parameters
    ----------
    name
        Of its function.
    function
        What it computes; None of a unit's own step, whose meaning no table has.
    operands
        Numbers of tensors: the operator's inputs come first, then the results of the steps in order.
    full
        Whether its result has whole rows.
    """

    name: str
    function: StepFunction | None
    operands: tuple[int, ...]
    full: bool


@cache
def wired(steps: tuple[str, ...], inputs: tuple[Input, ...], own: str) -> tuple[Wired, ...]:
    """Find what each step of a recipe reads.

    Parameters
    ----------
    steps
        Each as it stands in the recipe: a function, and the operands that it names.
    inputs
        Of the operator.
    own
        The operator's name: a step of that name does the whole operator, and reads all of its inputs.

    Raises
    ------
    ArchsimError
        For an operand that is not there, or a number of operands that the function does not take; its message begins
        with the step's number.
    """
    names = [one.name for one in inputs]
    full = [one.shape != "single" for one in inputs]
    usual = [one.shape not in ("single", "one row") for one in inputs]
    counts: Counter[str] = Counter()
    result: list[Wired] = []
    for number, text in enumerate(steps):
        name, *operands = text.split()
        place = f"step {number + 1}, {quoted(text)}"
        function = OF_TWO[name] if len(operands) == TWO and name in OF_TWO else FUNCTIONS.get(name)
        if operands:
            reads = tuple(_place(names, operand, place) for operand in operands)
        elif function is None or (name == own and not result):
            reads = tuple(range(len(inputs)))[: len(inputs) if function is None else function.operands]
        else:
            reads = _usual(name, function, names, usual, len(inputs))
        wanted = len(reads) if function is None else function.operands
        if len(reads) != wanted:
            raise ArchsimError(f"{place}: found {len(reads)} operand{'s' * (len(reads) != 1)}; {name} takes {wanted}")
        full.append(not (function is not None and function.reduces) and any(full[at] for at in reads))
        usual.append(full[-1])
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name}.{counts[name]}")
        result.append(Wired(name, function, reads, full[-1]))
    return tuple(result)


def _usual(
    name: str, function: StepFunction, names: Sequence[str], rows: Sequence[bool], inputs: int
) -> tuple[int, ...]:
    """What a step reads that names nothing; a product with what was written reads the first input, and that."""
    last = len(rows) - 1
    if name == "write":
        return (min(1, inputs - 1),)
    if name in PRODUCTS and inputs > 1:
        return (0, last if names[last] == "write" else 1)
    if last < inputs:
        return tuple(range(min(function.operands, inputs)))
    if function.operands == 1:
        return (last,)
    before = [at for at in range(last) if rows[at]]
    return (before[-1], last) if before else (last,)


def _place(names: Sequence[str], operand: str, step: str) -> int:
    places = [at for at, name in enumerate(names) if name == operand]
    if not places:
        raise ArchsimError(f"{step}: no operand {quoted(operand)} before it. {did_you_mean(operand, names)}")
    return places[-1]
