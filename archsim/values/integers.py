"""Staged networks in integers, fast: the same images again and again, each time with other bits.

Products are those of `QuantisedArithmetic`, bit for bit: sums of whole numbers below 2^24 are exact in float32, and
those of longer products are done in float64. Only what comes after them is rounded in another order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.kernels.draws import generator
from archsim.values.arithmetic import FloatArithmetic, Product, Values
from archsim.values.ranges import InputRange, fitted_range, top, weight_codes
from archsim.values.stages import Staged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archsim.values.ranges import Bits
    from archsim.values.stages import Stage

_EXACT = 1 << 24
"""Whole numbers up to it are exact in float32."""
_CHUNK = 1 << 21
"""Values of windows that are made at a time: 8 MiB, which caches hold."""
_SAMPLES = 1 << 16
"""Inputs of a projection, drawn, by which its ranges are fitted."""


class IntegerNetwork:
    """A network on a fixed set of images, kept as they are before each stage as far as `memory` bytes go.

    Where only later stages have other bits than in the run before, earlier ones are not run again.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        images: Values,
        ranges: Mapping[str, Mapping[int, InputRange]],
        *,
        memory: int = 2 << 30,
    ) -> None:
        """images: (batch, height, width, channels); ranges: of `input_ranges`."""
        self.stages, self.ranges, self.memory = tuple(stages), ranges, memory
        self._weights: dict[tuple[int, int], tuple[Values, Values]] = {}
        self._states: list[tuple[Values, Values] | None] = [(images, images)]
        self._seen: list[tuple[int, int]] = []

    def logits(self, bits: Bits) -> Values:
        """(batch, values). bits: of every projection."""
        wanted = [bits[stage.key] for stage in self.stages]
        begin = next((at for at, (a, b) in enumerate(zip(self._seen, wanted, strict=False)) if a != b), len(self._seen))
        while (state := self._states[min(begin, len(self.stages) - 1)]) is None:
            begin -= 1
        begin = min(begin, len(self.stages) - 1)
        del self._states[begin + 1 :]
        self._seen = wanted[:begin]  # all that holds, should this run fail
        room = self.memory - sum(kept[0].nbytes for kept in self._states[1:] if kept is not None)
        before, x = state
        for at in range(begin, len(self.stages)):
            before, x = x, self._stage(at, before, x, *wanted[at])
            room -= x.nbytes
            self._states.append((before, x) if room > 0 else None)
        self._states.pop()
        self._seen = wanted
        return x.reshape(len(x), -1)

    def _stage(self, at: int, before: Values, x: Values, weight_bits: int, input_bits: int) -> Values:
        stage = self.stages[at]
        if stage.pooled:
            x = x.mean(axis=(1, 2), keepdims=True)
        weights, scale = self._codes(at, weight_bits)
        span = self.ranges[stage.key][input_bits]
        exact = len(weights) * top(weight_bits) * span.top(input_bits) < _EXACT
        weights = weights if exact else weights.astype(np.float64)
        height, width = (
            (n + 2 * stage.pad - k) // stage.stride + 1
            for n, k in zip(x.shape[1:3], stage.weight.shape[2:], strict=True)
        )
        out = np.empty((len(x), height, width, len(stage.weight)), np.float32)
        rows = max(1, _CHUNK // (height * width * len(weights)))
        for first in range(0, len(x), rows):
            part = x[first : first + rows]
            codes = _windows(_inputs(part, span, input_bits, stage.pad), stage)
            sums = codes.astype(weights.dtype, copy=False) @ weights
            _finish(out[first : first + rows], sums, span.unit(input_bits) * scale, stage, before[first : first + rows])
        return out

    def _codes(self, at: int, bits: int) -> tuple[Values, Values]:
        """Weights (height x width x channels, out), and what one is worth."""
        if (at, bits) not in self._weights:
            weight = self.stages[at].weight
            codes, scale = weight_codes(weight.transpose(0, 2, 3, 1).reshape(len(weight), -1), bits, fitted=True)
            self._weights[at, bits] = np.ascontiguousarray(codes.T), scale
        return self._weights[at, bits]


def _inputs(x: Values, span: InputRange, bits: int, pad: int) -> Values:
    """Codes, with zeros around."""
    batch, height, width, channels = x.shape
    padded = np.zeros((batch, height + 2 * pad, width + 2 * pad, channels), np.float32)
    inner = padded[:, pad : pad + height, pad : pad + width]
    np.divide(x, span.unit(bits), out=inner)
    np.rint(padded, out=padded)
    return np.clip(padded, span.low(bits), span.top(bits), out=padded)


def _windows(codes: Values, stage: Stage) -> Values:
    """(batch x out height x out width, height x width x channels)."""
    kernel = stage.weight.shape[2:]
    views = np.lib.stride_tricks.sliding_window_view(codes, kernel, axis=(1, 2))
    picked = views[:, :: stage.stride, :: stage.stride].transpose(0, 1, 2, 4, 5, 3)
    return np.ascontiguousarray(picked).reshape(-1, codes.shape[3] * kernel[0] * kernel[1])


def _finish(out: Values, sums: Values, worth: Values, stage: Stage, before: Values) -> None:
    """Scale, bias, shortcut and function, on whole rows of pixels at a time."""
    batch, height, width, channels = out.shape
    lines = out.reshape(batch * height, width * channels)
    np.multiply(sums.reshape(lines.shape), np.tile(worth, width), out=lines, casting="same_kind")
    lines += np.tile(stage.bias, width)
    if stage.shortcut:
        skipped = before[:, :: stage.shortcut, :: stage.shortcut]
        more = (channels - skipped.shape[3]) // 2
        out[..., more : more + skipped.shape[3]] += skipped
    if stage.function == "relu":
        np.maximum(lines, np.float32(0), out=lines)
    elif stage.function is not None:
        lines[:] = FloatArithmetic().function(stage.function, lines)


class _Probe(FloatArithmetic):
    """In float32; keeps some of the inputs of each product."""

    def __init__(self) -> None:
        self.inputs: dict[str, Values] = {}
        self.signed: dict[str, bool] = {}

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        multiply = super().linear(key, weight, bias)

        def product(x: Values) -> Values:
            flat = x.reshape(-1)
            self.signed[key] = bool(flat.min(initial=0) < 0)
            drawn = generator(0, key, "samples of inputs").integers(0, len(flat), min(len(flat), _SAMPLES))
            self.inputs[key] = flat[drawn]  # in equal strides they would be of few columns
            return multiply(x)

        return product


def input_ranges(stages: Sequence[Stage], images: Values, choices: Sequence[int]) -> dict[str, dict[int, InputRange]]:
    """Ranges with the least squared error for each number of bits, by the inputs that some images bring.

    images: (batch, height, width, channels).
    """
    probe = _Probe()
    Staged(stages, probe)(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    return {
        key: {bits: fitted_range(inputs, bits, signed=probe.signed[key]) for bits in choices}
        for key, inputs in probe.inputs.items()
    }
