"""What a machine computes: projections in its arrays, all else by its recipes, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from archsim.graph.operators import Matmul
from archsim.steps.arithmetic import Span, span_of
from archsim.steps.functions import Attributes
from archsim.values.arithmetic import FloatArithmetic, OperatorCall, node_of
from archsim.values.arrays import array_spec
from archsim.values.integer_arithmetic import IntegerArithmetic, coded
from archsim.values.recipes import CAUSES, RecipeRunner
from archsim.values.written import written_product

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from archsim.graph.graph import Graph
    from archsim.machine.machine import Machine
    from archsim.values.arithmetic import Product, Values
    from archsim.values.ranges import InputRange

_MOVED = ("gather", "embedding")
"""Operators that need not compute anything."""
_WRITTEN = ("write", "mvm")
"""A product in arrays that its second operand is written into."""


@dataclass(frozen=True)
class Calibration:
    """Ranges that a run has been calibrated to, which do not change afterwards.

    Parameters
    ----------
    inputs
        Of inputs of projections, by key; where one is missing each vector has its own.
    moved
        Of results, and of operands that are written into arrays, by key and what they are.
    spans
        Of operands of steps, by a node's key and the operand's number.
    """

    inputs: Mapping[str, Span] = field(default_factory=dict)
    moved: Mapping[str, Span] = field(default_factory=dict)
    spans: Mapping[tuple[str, int], Span] = field(default_factory=dict)


class MachineArithmetic(IntegerArithmetic):
    """Projections in the core's arrays; operators by the recipes of the machine's file.

    Ranges of operands, of tables and of results are those of the first numbers that come where they are not known
    beforehand; they do not change afterwards.

    Parameters
    ----------
    machine
        Whose file says how.
    seed
        Of all errors.
    known
        Ranges that are known beforehand.
    ranges
        Of codes of inputs of projections, where they are given.
    exact
        Causes of loss that are left out, of `products` (in arrays), `tables`, `formats` (of digital units) and
        `outputs` (bits of what is moved).
    calibrating
        Whether all is computed in floats, and ranges are widened by what comes.
    """

    def __init__(
        self,
        machine: Machine,
        seed: int = 0,
        known: Calibration | None = None,
        *,
        ranges: Mapping[str, InputRange] | None = None,
        exact: Collection[str] = (),
        calibrating: bool = False,
    ) -> None:
        known = known or Calibration()
        super().__init__(machine, seed, ranges, array_spec(machine), known.inputs)
        self.calibrating = calibrating
        self.exact = frozenset(exact)
        assert self.exact <= set(CAUSES)  # noqa: S101
        self.moved, self.spans = dict(known.moved), dict(known.spans)
        self.runner = RecipeRunner(machine, seed, self.spans, self.exact, calibrating=calibrating)
        self.roles: dict[str, tuple[str, str]] = {}
        self.kinds: dict[str, str] = {}
        self.done: set[str] = set()

    @property
    def calibration(self) -> Calibration:
        """The ranges so far."""
        return Calibration(self.read, self.moved, self.spans)

    def begin(self, graph: Graph) -> None:
        """Nodes that are operators have recipes."""
        super().begin(graph)
        if {"tables", "formats", "outputs"} <= self.exact:
            return  # then all but products with weights is in float32, as without a machine
        self.roles = {
            operator.key: (operator.kind, operator.role)
            for operator in graph.operators
            if operator.role in self.machine.recipes or operator.kind in self.machine.recipes
        }
        self.kinds = {operator.key: operator.kind for operator in graph.operators if operator.kind not in _MOVED}
        self.products = {operator.key for operator in graph.operators if isinstance(operator, Matmul)}

    def does(self, key: str) -> bool:
        """Whether there is a recipe."""
        return key in self.roles and key not in self.products

    def operator(self, call: OperatorCall) -> Values:
        """By its recipe."""
        self.done.add(call.key)
        kind, role = self.roles[call.key]
        result = self.runner.run(call, role)
        return result if self.runner.leaves_logarithm(kind, role) else self._left(call.key, result)

    def matmul(self, key: str, a: Values, b: Values) -> Values:
        """By the recipe of the product's role, or, where nothing of the Graph is known, in float32."""
        if key not in self.roles:
            return super().matmul(key, a, b)
        self.done.add(key)
        kind, role = self.roles[key]
        steps = [step.function for step in self.machine.recipe(kind, role)]
        if tuple(steps) == _WRITTEN:
            return self._left(key, self._written(key, a, b))
        call = OperatorCall(key, kind, kind, (a[..., None, :], b.swapaxes(-1, -2)[..., None, :, :]), Attributes())
        return self._left(key, self.runner.run(call, role)[..., 0])

    def remarks(self) -> tuple[str, ...]:
        """What does not fit into the machine's parts, and what is computed in float32."""
        left = [kind for key, kind in self.kinds.items() if key not in self.done]
        if not left:
            return self.runner.remarks()
        most = ", ".join(sorted(set(left)))
        return (*self.runner.remarks(), f"{len(left)} operators are computed in float32: {most}")

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        """In arrays; what is moved of its results has the machine's bits."""
        self.done.add(node_of(key))
        if self.calibrating:
            product = self._calibrating(key, FloatArithmetic().linear(key, weight, bias))
        elif "products" in self.exact:
            product = FloatArithmetic().linear(key, weight, bias)
        else:
            product = super().linear(key, weight, bias)
        return lambda x: self._left(key, product(x))

    def _calibrating(self, key: str, product: Product) -> Product:
        def seen(x: Values) -> Values:
            self.read[key] = span_of(x, self.read.get(key))
            return product(x)

        return seen

    def _left(self, key: str, x: Values) -> Values:
        """A result with the bits of `precision.outputs`, over its own range."""
        x = x.astype(np.float32, copy=False)
        own = node_of(key)
        if own not in self.roles or ("outputs" in self.exact and not self.calibrating):
            return x
        if self.calibrating or own not in self.moved:
            self.moved[own] = span_of(x, self.moved.get(own))
        if self.calibrating:
            return x
        bits = self._output_bits
        span = coded(self.moved[own], bits)
        unit = span.unit(bits) or np.float32(1)
        codes = np.clip(np.rint(x / unit), span.low(bits), span.top(bits))
        return np.where(np.isfinite(x), codes * unit, x).astype(np.float32)

    @cached_property
    def _output_bits(self) -> int:
        return int(self.machine.precision.outputs)

    def _written(self, key: str, a: Values, b: Values) -> Values:
        """In arrays that the second operand is written into."""
        names = f"{key} first", f"{key} second"
        for name, x in zip(names, (a, b), strict=True):
            if self.calibrating or name not in self.moved:
                self.moved[name] = span_of(x, self.moved.get(name))
        if self.calibrating or "products" in self.exact:
            return FloatArithmetic().matmul(key, a, b)
        assert self.spec is not None  # noqa: S101 (a machine has arrays)
        spans = self.moved[names[0]], self.moved[names[1]]
        result, saturated, conversions = written_product(key, a, b, self.spec, spans, self.seed)
        self.saturated[key] = self.saturated.get(key, 0) + saturated
        self.conversions[key] = self.conversions.get(key, 0) + conversions
        return result
