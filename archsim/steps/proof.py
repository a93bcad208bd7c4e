"""Whether a recipe computes its operator: its steps in exact arithmetic against the definition, on random numbers."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.steps.functions import FUNCTIONS, OF_TWO, Log
from archsim.steps.grammar import PRODUCTS, TWO, wired
from archsim.steps.operators import DEFINITIONS, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archsim.steps.functions import Attributes, Operand, Values
    from archsim.steps.grammar import Wired
    from archsim.steps.operators import Definition, Shape

TOLERANCE = 1e-9
"""Of the largest magnitude of the result."""
_ROWS, _COLUMNS = 4, 3
_SPREAD = 4.0
"""Standard deviation of inputs, so that some are beyond the bounds of `relu6`."""
_SEED = 20


def executed(
    steps: Sequence[Wired], inputs: Sequence[Operand], attributes: Attributes, definition: Definition
) -> Operand:
    """The last step's result, each step by its function; a unit's own step does the whole operator.

    Parameters
    ----------
    steps
        With their operands.
    inputs
        Of the operator, in order.
    attributes
        Of the operator.
    definition
        Of the operator.
    """
    tensors = list(inputs)
    for step in steps:
        operands = [tensors[at] for at in step.operands]
        if step.function is None:
            tensors.append(definition.compute(*operands))
        else:
            tensors.append(step.function.compute(*operands, attributes))
    return tensors[-1]


def fault(operator: str, steps: Sequence[str], logs: Mapping[str, bool] | None = None) -> str | None:
    """What is wrong with a recipe; None where it computes its operator, or where no table has a step's meaning.

    Parameters
    ----------
    operator
        A word of `archsim.vocabulary`.
    steps
        Each as it stands in the recipe.
    logs
        Which of the inputs come as logarithms, and whether the `result` is left as one.
    """
    if operator not in DEFINITIONS:
        return None
    definition, logs = DEFINITIONS[operator], logs or {}
    if definition.also is not None and _computes(operator, steps, definition.also, logs):
        return None
    try:
        if any(step.function is None and step.name != operator for step in _wired(operator, steps, definition)):
            return None
    except ArchsimError as error:
        return str(error)
    wrong = _wrong(operator, steps, definition, logs)
    if wrong is None:
        return None
    mend = next(_mends(operator, steps, definition, logs), None)
    return f"does not compute {operator}: {wrong}" + (f". It would with {mend}" if mend else "")


def _computes(operator: str, steps: Sequence[str], definition: Definition, logs: Mapping[str, bool]) -> bool:
    try:
        return _wrong(operator, steps, definition, logs) is None
    except ArchsimError:
        return False


def _wired(operator: str, steps: Sequence[str], definition: Definition) -> tuple[Wired, ...]:
    return wired(tuple(steps), definition.inputs, operator)


def _wrong(operator: str, steps: Sequence[str], definition: Definition, logs: Mapping[str, bool]) -> str | None:
    """How a recipe's result differs from the definition, in words."""
    exact = _inputs(definition)
    expected = definition.compute(*exact)
    given: list[Operand] = [
        Log(np.sign(x), np.log(np.abs(x))) if logs.get(of.name) else x
        for of, x in zip(definition.inputs, exact, strict=True)
    ]
    with np.errstate(all="ignore"):
        try:
            result = executed(_wired(operator, steps, definition), given, definition.attributes, definition)
        except (TypeError, AttributeError, ValueError):
            return "a step reads a logarithm that can only be added, subtracted or taken to exp"
    if definition.exponent and isinstance(result, Log):
        result = result.magnitude
    if isinstance(result, Log) != bool(logs.get("result")):
        return (
            "it leaves a logarithm; expected result: log, or a last step exp"
            if isinstance(result, Log)
            else ("it leaves no logarithm, as result: log says")
        )
    with np.errstate(all="ignore"):
        numbers = result.numbers() if isinstance(result, Log) else result
    if np.shape(numbers) != expected.shape:
        kinds = {True: "one number of each row", False: "whole rows"}
        found, wanted = (shape[-1:] == (1,) for shape in (np.shape(numbers), expected.shape))
        return f"it leaves {kinds[found]}; expected {kinds[wanted]}"
    largest = float(np.abs(expected).max())
    difference = float(np.abs(numbers - expected).max())
    if np.isnan(difference):
        return "its result is no number"
    if difference > TOLERANCE * largest:
        return f"its result is off by {difference / largest:.2g} of the largest number"
    return None


def _inputs(definition: Definition) -> list[Values]:
    """Random numbers; of products the rows of the first operand beside the columns of the second."""
    draw = np.random.default_rng(_SEED)
    shapes: dict[Shape, tuple[int, ...]] = {
        "rows": (_ROWS, _COLUMNS, WIDTH),
        "one row": (WIDTH,),
        "single": (),
        "first": (_ROWS, 1, WIDTH),
        "second": (1, _COLUMNS, WIDTH),
    }
    inputs = []
    for of in definition.inputs:
        numbers = _SPREAD * draw.normal(size=shapes[of.shape])
        inputs.append(
            np.asarray(of.value) if of.value is not None else np.abs(numbers) + 0.1 if definition.positive else numbers
        )
    return inputs


def _mends(operator: str, steps: Sequence[str], definition: Definition, logs: Mapping[str, bool]) -> Iterator[str]:
    """Recipes of one step more, less, exchanged, or with other operands, that compute the operator, in words."""
    names = [one.name for one in definition.inputs]
    for described, changed in _changes(steps, names, scaled=definition.attributes.factor != 1):
        if changed and _computes(operator, changed, definition, logs):
            yield described


def _changes(steps: Sequence[str], inputs: Sequence[str], *, scaled: bool) -> Iterator[tuple[str, list[str]]]:
    for at, step in enumerate(steps):
        yield f"step {at + 1}, '{step}', left out", [*steps[:at], *steps[at + 1 :]]
    idle = ("write", *PRODUCTS, *(() if scaled else ("scale",)))
    names = [name for name in FUNCTIONS if name not in idle]
    for at, step in enumerate(steps):
        name, *operands = step.split()
        for other in names:
            if other != name:
                changed = " ".join([other, *operands])
                yield f"'{changed}' in place of step {at + 1}, '{step}'", [*steps[:at], changed, *steps[at + 1 :]]
    for at in range(len(steps) + 1):
        for name in names:
            where = "at the end" if at == len(steps) else f"before step {at + 1}, '{steps[at]}'"
            for named in ("", *_operands(name, [*inputs, *(each.split()[0] for each in steps[:at])])):
                added = f"{name} {named}".strip()
                yield f"'{added}' {where}", [*steps[:at], added, *steps[at:]]
    for at, step in enumerate(steps):
        name = step.split()[0]
        for named in _operands(name, [*inputs, *(each.split()[0] for each in steps[:at])]):
            changed = f"{name} {named}"
            yield f"step {at + 1} as '{changed}'", [*steps[:at], changed, *steps[at + 1 :]]


def _operands(name: str, earlier: Sequence[str]) -> Iterator[str]:
    """All operands that a step can name, in all orders."""
    numbers = {FUNCTIONS[name].operands if name in FUNCTIONS else 1, *((TWO,) if name in OF_TWO else ())}
    for number in numbers:
        for operands in product(dict.fromkeys(earlier), repeat=number):
            yield " ".join(operands)
