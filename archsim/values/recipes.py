"""Recipes on numbers: each step by the part that it names, in that part's arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError, UsageError
from archsim.steps.arithmetic import Setting, Span, StepCall, span_of
from archsim.steps.formats import InFormat
from archsim.steps.functions import FUNCTIONS, Log, logarithm
from archsim.steps.grammar import PRODUCTS, Number, wired
from archsim.steps.operators import definition_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from archsim.machine.machine import Machine, Step
    from archsim.parts.base import Part
    from archsim.steps.arithmetic import StepArithmetic
    from archsim.steps.functions import Operand
    from archsim.steps.grammar import Wired
    from archsim.values.arithmetic import OperatorCall, Values

CAUSES = ("products", "tables", "formats", "outputs")
"""What makes a machine's values differ: products in arrays, tables, number formats, and the bits of what is moved."""
_CHUNK = 1 << 21
"""Numbers of a product of two operands, before they are summed, that are held at a time."""


class RecipeRunner:
    """Runs recipes, each operand over a range that is fixed the first time.

    Parameters
    ----------
    machine
        With the recipes.
    seed
        Of the errors of parts.
    spans
        Of operands, by a node's key and the operand's number; those that are missing are added.
    exact
        Of `CAUSES`, what is computed exactly.
    calibrating
        Whether all is exact, and spans are widened.
    """

    def __init__(
        self,
        machine: Machine,
        seed: int,
        spans: dict[tuple[str, int], Span],
        exact: Collection[str] = (),
        *,
        calibrating: bool = False,
    ) -> None:
        self.machine, self.seed, self.spans = machine, seed, spans
        self.exact, self.calibrating = frozenset(exact), calibrating
        self._units: dict[str, StepArithmetic | None] = {}

    def run(self, call: OperatorCall, role: str) -> Values:
        """The result of an operator, float32.

        Parameters
        ----------
        call
            The operator with its inputs.
        role
            What it is in its layer: a recipe of that name goes before that of its kind.

        Raises
        ------
        ArchsimError
            For steps whose meaning nobody knows.
        """
        steps = self.machine.recipe(call.kind, role)
        wiring = self._wired(call, steps)
        logarithms = self.machine.logarithms.get(role if role in self.machine.recipes else call.kind, frozenset())
        inputs = [
            logarithm(x.astype(np.float64)) if one.name in logarithms else x.astype(np.float64)
            for one, x in zip(definition_of(call.kind).inputs, call.inputs, strict=True)
        ]
        if self.calibrating or (call.key, 0) not in self.spans:
            for pieces in _pieces(inputs, wiring):
                self._steps(call, steps, wiring, pieces, fixed=False)
        if self.calibrating:
            results = [self._steps(call, steps, wiring, pieces, fixed=False) for pieces in _pieces(inputs, wiring)]
        else:
            results = [self._steps(call, steps, wiring, pieces, fixed=True) for pieces in _pieces(inputs, wiring)]
        return _joined([_numbers(result, call, left="result" in logarithms) for result in results], inputs)

    def leaves_logarithm(self, kind: str, role: str) -> bool:
        """Whether a recipe's result is one."""
        return "result" in self.machine.logarithms.get(role if role in self.machine.recipes else kind, frozenset())

    def remarks(self) -> tuple[str, ...]:
        """What does not fit into the parts that have been used."""
        units = [unit for unit in self._units.values() if unit is not None]
        return tuple(dict.fromkeys(text for unit in units for text in unit.remarks()))

    def _wired(self, call: OperatorCall, steps: Sequence[Step]) -> tuple[Wired, ...]:
        """Steps with operands; a step of the operator's own name computes the form of it that the model has."""
        wiring = wired(tuple(step.step for step in steps), definition_of(call.kind))
        for step in wiring:
            if step.function is None:
                found = f"{call.key}: recipes.{call.kind}: nobody knows what '{step.name}' computes"
                raise ArchsimError(f"{self.machine.file}: {found}; expected a function of archsim.steps.functions")
        if call.form == call.kind or call.form not in FUNCTIONS:
            return wiring
        return tuple(
            replace(step, name=call.form, function=FUNCTIONS[call.form]) if step.name == call.kind else step
            for step in wiring
        )

    def _steps(
        self,
        call: OperatorCall,
        steps: Sequence[Step],
        wiring: Sequence[Wired],
        inputs: Sequence[Operand],
        *,
        fixed: bool,
    ) -> Operand:
        """All steps on some rows; or, where ranges are not fixed, exactly, and ranges widened."""
        tensors: list[Operand] = list(inputs)
        if not fixed:
            self._see(call, 0, *inputs)
        for step, wire in zip(steps, wiring, strict=True):
            assert wire.function is not None  # noqa: S101 (asked before)
            operands, spans = [], []
            for at in wire.operands:
                operand = np.asarray(at.value, np.float64) if isinstance(at, Number) else tensors[at]
                span = span_of(operand) if isinstance(at, Number) or not fixed else self.spans[call.key, at]
                operands.append(operand if wire.function.logarithms else _as_number(operand, span))
                spans.append(span)
            asked = StepCall(wire.name, wire.function, operands, spans, call.attributes)
            tensors.append(_sound(self._computed(call, step, asked, fixed=fixed)))
            if not fixed:
                self._see(call, len(tensors) - 1, tensors[-1])
        return tensors[-1]

    def _computed(self, call: OperatorCall, step: Step, asked: StepCall, *, fixed: bool) -> Operand:
        """The result of a step by what does it; or, where ranges are not fixed, what it would be without its errors."""
        unit = self._unit(step)
        try:
            with np.errstate(all="ignore"):
                return asked.exactly() if unit is None else unit.compute(asked) if fixed else unit.ideal(asked)
        except UsageError as error:
            where = f"{self.machine.file}: recipes.{call.kind}: step '{step.step}' by {step.by}, of {call.key}"
            raise ArchsimError(f"{where}: {error}, fixed by 'ranges' of the part") from None

    def _see(self, call: OperatorCall, first: int, *operands: Operand) -> None:
        for number, operand in enumerate(operands, first):
            self.spans[call.key, number] = span_of(operand, self.spans.get((call.key, number)))

    def _unit(self, step: Step) -> StepArithmetic | None:
        """The arithmetic of what does a step; None where it is exact."""
        key = f"{step.by} {step.function}" if step.by == self.machine.core else step.by
        if key not in self._units:
            name, part = self._part(step)
            unit = part.arithmetic(Setting(name, self.seed))
            cause = "formats" if isinstance(unit, InFormat) else "tables"
            self._units[key] = None if cause in self.exact else unit
        return self._units[key]

    def _part(self, step: Step) -> tuple[str, Part]:
        """A part by its name; of the core the one on its path that does the step."""
        if step.by != self.machine.core:
            return step.by, self.machine.parts[step.by]
        names = (name for name in self.machine.modules[step.by].flat if name in self.machine.parts)
        name = next(name for name in names if step.function in self.machine.parts[name].steps)
        return name, self.machine.parts[name]


def _as_number(operand: Operand, span: Span) -> Operand:
    """The logarithm of a number above 0 is a number; where it was 0, the least that there is."""
    if not isinstance(operand, Log):
        return operand
    return np.where(operand.sign > 0, operand.magnitude, span.low)


def _sound(result: Operand) -> Operand:
    """What was divided by a zero's code has that code itself."""
    if not isinstance(result, Log):
        return result
    known = np.isfinite(result.sign) & (result.sign != 0)
    if known.all():
        return result
    return Log(np.where(known, result.sign, 0.0), np.where(known, result.magnitude, 0.0))


def _pieces(inputs: Sequence[Operand], wiring: Sequence[Wired]) -> Iterator[list[Operand]]:
    """Inputs as they are; of a product of two operands that is not done at once, some rows of the first at a time."""
    shapes = [_shape(x) for x in inputs]
    if not _between(shapes) or all(step.name in PRODUCTS for step in wiring):
        yield list(inputs)
        return
    batch, rows, columns, inner = (max(sizes) for sizes in zip(*(_four(shape) for shape in shapes), strict=True))
    first, second = (_reshaped(x, (-1, *_shape(x)[-3:])) for x in inputs)
    number = max(1, _CHUNK // max(1, columns * inner))
    for one in range(batch):
        for begin in range(0, rows, number):
            yield [_taken(first, one, slice(begin, begin + number)), _taken(second, one, slice(None))]


def _between(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether two operands are rows and columns of a product."""
    return len(shapes) == 2 and len(shapes[0]) > 3 and shapes[0][-2] == 1 and shapes[1][-3] == 1  # noqa: PLR2004


def _four(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    return int(np.prod(shape[:-3])), shape[-3], shape[-2], shape[-1]


def _shape(x: Operand) -> tuple[int, ...]:
    return np.shape(x.sign if isinstance(x, Log) else x)


def _reshaped(x: Operand, shape: tuple[int, ...]) -> Operand:
    return Log(x.sign.reshape(shape), x.magnitude.reshape(shape)) if isinstance(x, Log) else x.reshape(shape)


def _taken(x: Operand, one: int, rows: slice) -> Operand:
    return Log(x.sign[one, rows], x.magnitude[one, rows]) if isinstance(x, Log) else x[one, rows]


def _numbers(result: Operand, call: OperatorCall, *, left: bool) -> Values:
    """Of a result; what a mask hides is 0."""
    numbers = (result.numbers() if left else result.magnitude) if isinstance(result, Log) else result
    visible = call.attributes.visible
    if visible is not None and numbers.shape == visible.shape:
        numbers = np.where(visible, numbers, 0)
    return numbers.astype(np.float32)


def _joined(results: Sequence[Values], inputs: Sequence[Operand]) -> Values:
    """Pieces one after the other."""
    if len(results) == 1 and not _between([_shape(x) for x in inputs]):
        return results[0]
    shapes = [_shape(x) for x in inputs]
    whole = np.broadcast_shapes(*(shape[:-1] for shape in shapes))
    return np.concatenate([result.ravel() for result in results]).reshape(*whole, 1)
