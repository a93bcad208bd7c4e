"""One projection on a machine, with one cause of error at a time, or all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from archsim.kernels.spec import NonIdeal
from archsim.profile.effective import effective
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.arrays import array_spec
from archsim.values.quantised import QuantisedArithmetic, clipped, whole_weights

if TYPE_CHECKING:
    from archsim.kernels.spec import ArraySpec
    from archsim.machine.machine import Machine
    from archsim.values.arithmetic import Product, Values

Cause = Literal["clip", "conversion", "programming", "drift", "all"]
CAUSES: Final[tuple[Cause, ...]] = ("clip", "conversion", "programming", "drift", "all")


@dataclass(frozen=True)
class Analog:
    """How a machine computes a projection. clip: in standard deviations; None: not at all."""

    spec: ArraySpec
    input_bits: int
    clip: float | None

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Those that the machine has, `all` the last."""
        cells = self.spec.non_ideal
        there = {
            "clip": self.clip is not None,
            "programming": cells.programming.model != "none",
            "drift": cells.drift.time_s > cells.drift.t0_s,
        }
        return tuple(cause for cause in CAUSES if there.get(cause, True))

    def drawn(self, cause: Cause) -> bool:
        """Whether another seed gives other values."""
        adc, cells = self.spec.adc, self.spec.non_ideal
        if cause == "all":
            return cells.any or adc.noisy
        return cause in ("programming", "drift")

    def product(self, cause: Cause, seed: int, key: str, weight: Values, bias: Values | None) -> Product:
        """The product with `weight` (out, in); `key` and `seed` are what errors are drawn by.

        clip: in float, weights cut off. conversion: weights, inputs and sums as the machine's integers and converters
        have them, in faultless cells. programming, drift: in float, with the weights that the cells then act as, but
        without their rounding. all: as `evaluate` has it.
        """
        if cause == "clip":
            return FloatArithmetic().linear(key, clipped(weight, self.clip), bias)
        if cause in ("programming", "drift"):
            return FloatArithmetic().linear(key, weight + self.error(cause, seed, key, weight), bias)
        spec, clip = self.spec, self.clip
        if cause == "conversion":
            adc = replace(spec.adc, noise=0.0, offset=0.0, bounds=0.0, search=0.0)
            spec, clip = replace(spec, adc=adc, non_ideal=NonIdeal(activity=spec.non_ideal.activity)), None
        made = QuantisedArithmetic(
            weight_bits=self.spec.weight_bits, input_bits=self.input_bits, spec=spec, seed=seed, clip=clip
        )
        return made.linear(key, weight, bias)

    def error(self, cause: Cause, seed: int, key: str, weight: Values) -> Values:
        """What is wrong with the weights (out, in): their rounding is left out, but for `all`, which has it."""
        cells = self.spec.non_ideal
        if cause != "all":
            programming, drift = cells.programming, cells.drift
            cells = NonIdeal(programming=programming) if cause == "programming" else NonIdeal(drift=drift)
        held = clipped(weight, self.clip) if cause == "all" else weight
        whole, scale = whole_weights(held, self.spec.weight_bits)
        acts = effective(self.spec, whole, cells, seed, key)
        wrong = (acts - whole).T * scale[:, None] if cause != "all" else acts.T * scale[:, None] - weight
        return wrong.astype(np.float32)


def analog(machine: Machine) -> Analog:
    """Of a machine's core; raises ArchsimError where its arrays cannot be simulated."""
    clip = machine.choices.clip
    return Analog(array_spec(machine), int(machine.precision.inputs), None if clip is None else float(clip))
