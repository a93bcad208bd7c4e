"""Arithmetic on integers: weights and inputs are quantised, products are done in crossbar arrays or exactly."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.arithmetic import FloatArithmetic, Product, Values
from archsim.values.ranges import InputRange, weight_codes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from archsim.kernels.encode import Ints
    from archsim.kernels.spec import ArraySpec


_FEWEST = 2
"""Bits of a number with a sign that is not 0."""


def clipped(weight: Values, deviations: float | None) -> Values:
    """Weights of any shape, none farther from 0 than so many standard deviations (of the population) of them all."""
    if deviations is None:
        return weight
    limit = np.float32(deviations * weight.std(dtype=np.float64))
    return np.clip(weight, -limit, limit)


def whole_weights(weight: Values, bits: int, *, fitted: bool = False) -> tuple[Ints, Values]:
    """Weights (out, in) as signed integers (in, out), and what 1 is worth, (out,); as `weight_codes`."""
    codes, scale = weight_codes(weight, bits, fitted=fitted)
    return codes.astype(np.int64).T, scale


@dataclass
class QuantisedArithmetic(FloatArithmetic):
    """Products of integers; everything else in float32.

    weight_bits: signed, symmetric, a scale for each output. input_bits: over the projection's range where one is known
    (from a pass while `calibrating`), else signed, up to the largest of each input vector.
    bits: of weights and inputs, for projections that have bits of their own; ranges of their weights are fitted.
    spec: the arrays that products are done in; None does them exactly. seed: of errors of programming and reading.
    clip: weights are cut off at so many standard deviations of the whole matrix before they are scaled; None: never.
    only: whose products are done so; the others are done in float32. None: all.
    """

    weight_bits: int = 8
    input_bits: int = 8
    spec: ArraySpec | None = None
    seed: int = 0
    only: Callable[[str], bool] | None = None
    clip: float | None = None
    bits: dict[str, tuple[int, int]] = field(default_factory=dict)
    calibrating: bool = False
    ranges: dict[str, InputRange] = field(default_factory=dict)
    saturated: dict[str, int] = field(default_factory=dict)
    conversions: dict[str, int] = field(default_factory=dict)

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        """A product in integers, scaled back."""
        if self.only is not None and not self.only(key):
            return super().linear(key, weight, bias)
        weight_bits = self._bits(key)[0]
        if weight_bits < _FEWEST:
            raise ArchsimError(f"{key}: found weights of {weight_bits} bit; expected {_FEWEST} or more, with a sign")
        whole, scale = whole_weights(clipped(weight, self.clip), weight_bits, fitted=key in self.bits)
        multiply = self._in_arrays(key, whole) if self.spec is not None else self._exactly(whole)

        def product(x: Values) -> Values:
            if self.calibrating:
                self.ranges[key] = _wider(self.ranges.get(key, InputRange(0.0, signed=False)), x)
            codes, unit = self._codes(key, x)
            out: Values = (multiply(codes) * unit * scale).astype(np.float32)
            return out if bias is None else out + bias

        return product

    def _bits(self, key: str) -> tuple[int, int]:
        return self.bits.get(key, (self.weight_bits, self.input_bits))

    def _codes(self, key: str, x: Values) -> tuple[Ints, Values]:
        """Codes of inputs (n, in), and what one is worth, (n, 1)."""
        bits, known = self._bits(key)[1], self._range(key)
        span = known or InputRange(1.0)
        if not span.top(bits):
            raise ArchsimError(f"{key}: found inputs of {bits} bit; expected {_FEWEST} or more, as they have a sign")
        if known is not None:
            unit = np.full((len(x), 1), span.unit(bits), np.float32)
        else:
            unit = np.abs(x).max(axis=1, keepdims=True) / np.float32(span.top(bits))
        unit = np.where(unit == 0, np.float32(1), unit)
        return np.clip(np.rint(x / unit), span.low(bits), span.top(bits)).astype(np.int64), unit

    def _range(self, key: str) -> InputRange | None:
        """Of a projection's inputs; none where each vector has its own."""
        return None if self.calibrating else self.ranges.get(key)

    @staticmethod
    def _exactly(weights: Ints) -> Callable[[Ints], NDArray[np.float64]]:
        """In float64, which holds all sums of these integers."""
        held = weights.astype(np.float64)
        return lambda codes: codes.astype(np.float64) @ held  # codes are whole: every sum is exact

    def _in_arrays(self, key: str, weights: Ints) -> Callable[[Ints], NDArray[np.float64]]:
        """In arrays that are programmed once; a calibrated converter is set by the first inputs that come."""
        from archsim.kernels.crossbar import Crossbar, program
        from archsim.kernels.spec import used_bits

        assert self.spec is not None  # noqa: S101 (asked before)
        known = self._range(key)
        spec = replace(self.spec, signed_inputs=known is None or known.signed)
        if key in self.bits:
            held, read = self.bits[key]
            cells = used_bits(spec.cell_bits, held, paired=spec.signs != "offset")
            spec = replace(
                spec, weight_bits=held, cell_bits=cells, input_bits=read, read_bits=min(spec.read_bits, read)
            )
        array: list[Crossbar] = []
        done = [0]

        def multiply(codes: Ints) -> NDArray[np.float64]:
            if not array:
                array.append(program(spec, weights, seed=self.seed, part=key, samples=codes[:64]))
            found, lost = array[0].multiply(codes, first=done[0])
            done[0] += len(codes)
            self.saturated[key] = self.saturated.get(key, 0) + lost
            self.conversions[key] = self.conversions.get(key, 0) + len(codes) * array[0].conversions
            return found

        return multiply


def _wider(span: InputRange, x: Values) -> InputRange:
    """With more inputs in it."""
    largest = max(span.largest, float(np.abs(x).max(initial=0)))
    return InputRange(largest, span.signed or bool(x.min(initial=0) < 0))
