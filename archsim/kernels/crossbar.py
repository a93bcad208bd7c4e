"""Crossbar arrays that are programmed once and multiply many times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.kernels import exact, noisy
from archsim.kernels.acam_noise import Converters, converters
from archsim.kernels.conductance import conductances, residual_conductances
from archsim.kernels.conversion import Range, clipped_range, make_range, sums
from archsim.kernels.draws import key
from archsim.kernels.encode import Cells, Ints, blocks, digits, encode
from archsim.kernels.spec import ArraySpec


@dataclass(frozen=True, eq=False)
class Crossbar:
    """Programmed arrays. `packed` where they are ideal, else `held`."""

    spec: ArraySpec
    shape: tuple[int, int]
    span: Range
    packed: exact.Packed | None
    held: noisy.Held
    flipped: list[NDArray[np.bool_]]
    factors: list[float]
    word: int
    cams: Converters | None

    @property
    def conversions(self) -> int:
        """Conversions of one product."""
        halves = 2 if self.spec.signs == "sign_magnitude" else 1
        return halves * len(sums(self.spec)) * len(self.flipped) * self.shape[1]

    def multiply(self, inputs: Ints, first: int = 0) -> tuple[NDArray[np.float64], int]:
        """Product of integer inputs (batch, rows): float64 (batch, cols), and how many conversions were saturated.

        first: number of the first of these inputs among all that the array will get; equal numbers get equal noise.
        Raises ArchsimError for inputs of another length, or that `input_bits` cannot hold.
        """
        if inputs.ndim != 2 or inputs.shape[1] != self.shape[0]:  # noqa: PLR2004
            raise ArchsimError(f"array: found inputs {inputs.shape}; expected (any, {self.shape[0]})")
        if self.packed is not None:
            return exact.multiply(self.spec, self.packed, self.span, inputs)
        held = noisy.Arrays(self.held, self.flipped, self.factors, self.cams)
        return noisy.multiply(self.spec, held, self.span, inputs, self.word, first)


def program(
    spec: ArraySpec, weights: Ints, *, seed: int = 0, part: str = "array", samples: Ints | None = None
) -> Crossbar:
    """Put integer weights (rows, cols) into as many arrays as they need.

    seed, part: what errors of programming and reading are drawn by. samples: inputs (n, rows) for a calibrated range.
    Raises ArchsimError for weights that `weight_bits` cannot hold.
    """
    cells = encode(spec, weights)
    ideal = not spec.non_ideal.any and not spec.adc.noisy
    held: noisy.Held = []
    factors = []
    for index, block in enumerate(() if ideal else cells):
        hold = residual_conductances if spec.slicing == "analog" else conductances
        made, factor = hold(spec, block, seed, f"{part}/{index}")
        held.append([made[0] - made[1]] if spec.signs == "differential" else made)
        factors.append(factor)
    span = _range(spec, cells, samples)
    halves = 2 if spec.signs == "sign_magnitude" else 1
    return Crossbar(
        spec=spec,
        shape=(weights.shape[0], weights.shape[1]),
        span=span,
        packed=exact.pack(spec, cells) if ideal else None,
        held=held,
        flipped=[block.flipped for block in cells],
        factors=factors,
        word=key(seed, part, "read"),
        cams=converters(spec, span, (len(cells), halves, weights.shape[1]), seed, part),
    )


def _range(spec: ArraySpec, cells: list[Cells], samples: Ints | None) -> Range:
    if spec.adc.range != "calibrated" or spec.adc.bits is None:
        return clipped_range(spec)
    if samples is None or not len(samples):
        raise ArchsimError("array: a calibrated range needs samples of inputs; found none")
    driven = digits(spec, samples)
    rows = blocks(spec, samples.shape[1])
    lows, highs = [], []
    for found in sums(spec):
        seen = []
        for place_rows, block in zip(rows, cells, strict=True):
            x = driven[:, :, place_rows]
            kept = [block.plus, block.minus] if spec.signs == "sign_magnitude" else [block.difference]
            held = [numbers for numbers in kept if numbers is not None]
            seen += [sum(weight * (x[read] @ n[place]) for read, place, weight in found.parts) for n in held]
        every = np.concatenate([np.ravel(each) for each in seen])
        lows.append(np.floor(np.quantile(every, 1 - spec.adc.share)))
        highs.append(np.ceil(np.quantile(every, spec.adc.share)))
    low = np.array(lows)
    return make_range(spec, low, np.maximum(np.array(highs), low + 1))
