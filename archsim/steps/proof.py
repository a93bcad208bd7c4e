"""Whether a recipe computes its operator: its steps in exact arithmetic against the definition, on random numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from archsim.steps.functions import FUNCTIONS, Log, logarithm
from archsim.steps.grammar import Number, RecipeError, wired
from archsim.steps.mends import changes
from archsim.steps.operators import definition_of
from archsim.vocabulary import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from archsim.steps.functions import Attributes, Operand, Values
    from archsim.steps.grammar import Wired
    from archsim.steps.operators import Definition, Input

TOLERANCE = 1e-9
"""Of the largest magnitude of the result."""
_MOST_STEPS = 80_000
"""Of all recipes together that are tried when a mend is looked for: about a second."""
_ROWS, _COLUMNS = 4, 3
_SEED = 20
_LONG, _SHORT, _ALONE = 6, 5, 1


@dataclass(frozen=True)
class Case:
    """Numbers on which a recipe is tried.

    Parameters
    ----------
    spread
        Their standard deviation: some of the first are beyond 6, some far below 1.
    width
        Numbers of a row.
    masked
        Whether a mask hides some.
    """

    spread: float = 4.0
    width: int = _LONG
    masked: bool = False


CASES = (Case(), Case(width=_ALONE), Case(spread=0.05, width=_SHORT), Case(masked=True))


def computed(steps: Sequence[Wired], inputs: Sequence[Operand], attributes: Attributes) -> Operand:
    """The last step's result, each step by its function.

    Parameters
    ----------
    steps
        With their operands; all are functions with a meaning.
    inputs
        Of the operator, in order.
    attributes
        Of the operator.

    Raises
    ------
    RecipeError
        Where a step reads logarithms of numbers that are not above 0, and cannot.
    """
    tensors: list[Operand] = list(inputs)
    for number, step in enumerate(steps):
        operands = [np.asarray(at.value) if isinstance(at, Number) else tensors[at] for at in step.operands]
        assert step.function is not None  # noqa: S101
        if not step.function.logarithms and any(isinstance(of, Log) and not of.positive for of in operands):
            found = "reads logarithms of numbers that may be 0 or less"
            raise RecipeError(f"{found}; {step.name} cannot: add, subtract and exp can", number)
        if not step.function.logarithms:
            operands = [of.magnitude if isinstance(of, Log) else of for of in operands]
        tensors.append(step.function.compute(*operands, attributes))
    return tensors[-1]


def fault(
    operator: str,
    steps: Sequence[str],
    logarithms: frozenset[str] = frozenset(),
    words: frozenset[str] = frozenset(FUNCTIONS),
) -> RecipeError | None:
    """What is wrong with a recipe; None where it computes its operator, or where nobody knows what a step does.

    Parameters
    ----------
    operator
        A word of `archsim.vocabulary`.
    steps
        Each as it stands in the recipe.
    logarithms
        The inputs that come as logarithms, and `result` where it is left as one.
    words
        Functions that a mend may use.
    """
    return _fault(operator, tuple(steps), definition_of(operator), logarithms, words)


@lru_cache(4096)
def _fault(
    operator: str, steps: tuple[str, ...], definition: Definition, logarithms: frozenset[str], words: frozenset[str]
) -> RecipeError | None:
    if any(_wrong(steps, form, logarithms) is None for form in definition.also):
        return None
    try:
        wired(steps, definition)
    except RecipeError as error:
        return error
    wrong = _wrong(steps, definition, logarithms)
    if wrong is None:
        return None

    def right(recipe: tuple[str, ...]) -> bool:
        return all(_wrong(recipe, definition, logarithms, cases) is None for cases in (CASES[:1], CASES[1:]))

    tried = islice(changes(steps, definition, words), _MOST_STEPS // len(steps))
    mend = next((said for said, recipe in tried if right(recipe)), None)
    help_with = f". It would with {mend}" if mend else _usual(operator, definition)
    begin = "" if wrong.step is not None else f"does not compute {operator}: "
    return RecipeError(f"{begin}{wrong.message}{help_with}", wrong.step)


def _usual(operator: str, definition: Definition) -> str:
    usual = OPERATORS.get(operator, ())
    return (
        f". A recipe that does: {', '.join(usual)}" if usual and _wrong(usual, definition, frozenset()) is None else ""
    )


def _wrong(
    steps: tuple[str, ...], definition: Definition, logarithms: frozenset[str], cases: Sequence[Case] = CASES
) -> RecipeError | None:
    """What is wrong in the first case that shows it."""
    try:
        of_steps = wired(steps, definition)
        if definition.compute is not None and all(step.function is not None for step in of_steps):
            for case in cases:
                if definition.masked or not case.masked:
                    _try(of_steps, _trial(definition, case), logarithms)
            _require_read(of_steps, len(definition.inputs))
    except RecipeError as error:
        return error
    return None


def _require_read(steps: Sequence[Wired], inputs: int) -> None:
    """Raise which step is done for nothing."""
    read = {at for step in steps for at in step.reads}
    for number in range(len(steps) - 1):
        if inputs + number not in read:
            raise RecipeError("no step reads its result", number)


@dataclass(frozen=True, eq=False)
class Trial:
    """An operator in a case.

    Parameters
    ----------
    inputs
        Names of the operator's inputs, with their numbers.
    attributes
        Of the operator.
    expected
        The result by its definition.
    counts
        Which numbers of the result count: a mask hides the others.
    """

    inputs: tuple[tuple[str, Values], ...]
    attributes: Attributes
    expected: Values
    counts: NDArray[np.bool_]


@cache
def _trial(definition: Definition, case: Case) -> Trial:
    assert definition.compute is not None  # noqa: S101
    draw = np.random.default_rng(_SEED)
    inputs = [_numbers(one, case, draw) for one in definition.inputs]
    attributes = definition.attributes
    if definition.averages:
        attributes = replace(attributes, factor=1 / case.width)
    if case.masked:
        visible = draw.random(inputs[0].shape) < 0.5  # noqa: PLR2004 - half of them
        visible[..., 0] |= ~visible.any(axis=-1)
        attributes = replace(attributes, visible=visible)
    expected = definition.compute(*inputs, attributes)
    counts = np.ones(expected.shape, np.bool_) if attributes.visible is None else attributes.visible
    names = [one.name for one in definition.inputs]
    return Trial(tuple(zip(names, inputs, strict=True)), attributes, expected, counts)


def _numbers(of: Input, case: Case, draw: np.random.Generator) -> Values:
    """Random numbers, but for a row with zeros and one of which all are the same."""
    shapes: dict[str, tuple[int, ...]] = {
        "rows": (_ROWS, _COLUMNS, case.width),
        "one row": (case.width,),
        "first": (_ROWS, 1, case.width),
        "second": (1, _COLUMNS, case.width),
    }
    numbers = case.spread * draw.normal(size=shapes[of.shape])
    if of.nonzero:
        return np.asarray(numbers + np.copysign(case.spread / 4, numbers))
    if numbers.ndim > 1:
        numbers[-1, -1, ::2] = 0
        numbers[0, 0, :] = numbers[0, 0, 0]
    return numbers


def _try(steps: Sequence[Wired], trial: Trial, logarithms: frozenset[str]) -> None:
    """Raise how a recipe's result differs from the definition, in words."""
    given = [logarithm(x) if name in logarithms else x for name, x in trial.inputs]
    with np.errstate(all="ignore"):
        result = computed(steps, given, trial.attributes)
        if isinstance(result, Log):
            _try_logarithm(result, trial, wanted="result" in logarithms)
            return
        difference = _differs(result, trial)
    if difference is not None:
        raise RecipeError(difference)
    if "result" in logarithms:
        raise RecipeError("it leaves no logarithm, as result: log says")


def _try_logarithm(result: Log, trial: Trial, *, wanted: bool) -> None:
    """A logarithm stands for a number, or, where it is one of numbers above 0, is a number itself."""
    difference = _differs(result.numbers(), trial)
    if wanted and difference is not None:
        raise RecipeError(difference)
    if not wanted and (not result.positive or _differs(result.magnitude, trial) is not None):
        raise RecipeError(difference or "it leaves a logarithm, not numbers")


def _differs(numbers: Values, trial: Trial) -> str | None:
    """How, if it does."""
    if np.shape(numbers) != trial.expected.shape:
        kinds = {True: "one number of each row", False: "whole rows"}
        found, wanted = (shape[-1:] == (1,) for shape in (np.shape(numbers), trial.expected.shape))
        return f"it leaves {kinds[found]}; expected {kinds[wanted]}"
    largest = float(np.abs(trial.expected).max())
    difference = float(np.abs(numbers - trial.expected)[trial.counts].max())
    if not np.isfinite(difference):
        return "some of its numbers are infinite, or none"
    if difference > TOLERANCE * largest:
        return f"its result is off by {difference / largest:.2g} of the largest number" if largest else "is not 0"
    return None
