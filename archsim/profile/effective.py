"""The weights that programmed arrays act as: for errors that leave a product linear."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from archsim.kernels.crossbar import program
from archsim.kernels.spec import Adc, NonIdeal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from archsim.kernels.encode import Ints
    from archsim.kernels.spec import ArraySpec


def effective(spec: ArraySpec, weights: Ints, cells: NonIdeal, seed: int, part: str) -> NDArray[np.float64]:
    """What integer weights (in, out) act as, in their unit, with some errors of cells and lossless converters.

    cells: not its `read`, which is no error of weights. Draws are those of `program` by the same seed and part.
    """
    bare = replace(spec, adc=Adc(), non_ideal=replace(cells, read=0.0))
    if not bare.non_ideal.any:
        return weights.astype(np.float64)
    array = program(bare, weights, seed=seed, part=part)
    units = np.float64(2.0) ** (spec.cell_bits * np.arange(spec.n_slices))
    blocks = []
    for held, flipped, factor in zip(array.held, array.flipped, array.factors, strict=True):
        total = np.zeros(held[0].shape[1:])
        for sign, half in zip((1.0, -1.0), held, strict=False):
            kept = np.where(flipped[:, None, :], spec.top_level - half, half).astype(np.float64)
            total += sign * factor * np.tensordot(units, kept, axes=1)
        blocks.append(total)
    found = np.concatenate(blocks)
    return found - (1 << (spec.weight_bits - 1)) if spec.signs == "offset" else found
