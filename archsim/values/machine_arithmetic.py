"""What a machine computes: each operator by the unit that its file names."""

from __future__ import annotations

from functools import cached_property
from math import log
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.attention import ACTIVATION_KINDS
from archsim.kernels.acam_functions import FUNCTIONS
from archsim.kernels.acam_table import Table, compile_table
from archsim.kernels.acam_uses import apply, log_matmul, softmax
from archsim.parts.acam import Acam
from archsim.values.arrays import array_spec
from archsim.values.integer_arithmetic import IntegerArithmetic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archsim.machine.machine import Machine
    from archsim.values.arithmetic import Values
    from archsim.values.ranges import InputRange

_SMALLEST = 2.0**-8
"""Of a magnitude whose logarithm is stored, over the largest: what is smaller counts as this."""


class MachineArithmetic(IntegerArithmetic):
    """Projections in the core's arrays; functions, softmax and products in its analog CAMs where recipes say `core`.

    All else digital units compute in float32: their precision is not modelled.
    """

    def __init__(self, machine: Machine, seed: int = 0, ranges: Mapping[str, InputRange] | None = None) -> None:
        """seed: of all errors; ranges: of inputs of projections, where they are known beforehand."""
        super().__init__(machine, seed, ranges, array_spec(machine))
        self.tables: dict[tuple[str, float, float], Table] = {}

    def _analog(self, operator: str) -> bool:
        """Whether the core does a step of the operator."""
        return any(step.by == self.machine.core for step in self.machine.recipes.get(operator, ()))

    @cached_property
    def _acam(self) -> Acam:
        core = self.machine.modules[self.machine.core]
        parts = (self.machine.parts[name] for name in core.flat if name in self.machine.parts)
        found = next((part for part in parts if isinstance(part, Acam)), None)
        if found is None:
            raise ArchsimError(f"{self.machine.file}: recipes give functions to the core, which has no analog CAM")
        return found

    def _table(self, name: str, start: float, stop: float) -> Table:
        key = (name, start, stop)
        if key not in self.tables:
            table = compile_table(FUNCTIONS[name], int(self._acam.bits), depth=1, start=start, stop=stop)
            sigma = float(self._acam.errors.bounds)
            self.tables[key] = table.disturbed(sigma, self.seed) if sigma else table
        return self.tables[key]

    def function(self, name: str, x: Values) -> Values:
        """By a table over the function's own range where the core does it."""
        kind = ACTIVATION_KINDS.get(name, name)
        held = name if name in FUNCTIONS else kind
        if not self._analog(kind) or held not in FUNCTIONS:
            return super().function(name, x)
        known = FUNCTIONS[held]
        inside = apply(self._table(held, known.start, known.stop), x.astype(np.float64))
        # Beyond the table's ends an activation is a straight line, which digital logic passes on.
        beyond = (x < known.start) | (x > known.stop)
        return np.where(beyond, super().function(name, x), inside).astype(np.float32)

    def softmax(self, x: Values) -> Values:
        """By stored exponentials and logarithms where the core does them."""
        if not self._analog("softmax"):
            return super().softmax(x)
        span = 12.0
        exp = self._table("exp", -span, 0.0)
        total = self._table("log", 1.0, float(1 << max(1, (x.shape[-1] - 1).bit_length())))
        held = np.maximum(x - x.max(axis=-1, keepdims=True), -span)
        found = softmax(held.astype(np.float64), exp, total)
        return np.where(np.isneginf(x), 0, found).astype(np.float32)

    def matmul(self, a: Values, b: Values) -> Values:
        """By logarithms where the core does them: every product of two numbers apart, then summed digitally."""
        if not any(self._analog(name) for name in ("matmul", "scores", "context")):
            return super().matmul(a, b)
        largest = (float(np.abs(a).max(initial=0)) or 1.0, float(np.abs(b).max(initial=0)) or 1.0)
        logs = self._table("log", _SMALLEST, 1.0)
        exps = self._table("exp", 2 * log(_SMALLEST), 0.0)
        left, right = a.astype(np.float64) / largest[0], b.astype(np.float64) / largest[1]
        pairs = zip(left.reshape(-1, *a.shape[-2:]), right.reshape(-1, *b.shape[-2:]), strict=True)
        out = np.stack([log_matmul(one, other, exps, logs) for one, other in pairs])
        return (out * largest[0] * largest[1]).astype(np.float32).reshape(*a.shape[:-1], b.shape[-1])
