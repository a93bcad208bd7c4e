"""Products of two results in arrays that the second one is written into during the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.kernels.crossbar import program

if TYPE_CHECKING:
    from archsim.kernels.spec import ArraySpec
    from archsim.steps.arithmetic import Span
    from archsim.values.arithmetic import Values


def written_product(
    key: str, a: Values, b: Values, spec: ArraySpec, spans: tuple[Span, Span], seed: int
) -> tuple[Values, int, int]:
    """Each matrix of the second operand is written, then multiplied by the rows of the first.

    Parameters
    ----------
    key
        Of the node, by which errors are drawn.
    a, b
        (batch, shared, rows, summed) and (batch, shared, summed, columns).
    spec
        Of the arrays; weights and inputs have its bits.
    spans
        Over which each operand has its codes.
    seed
        Of all errors.

    Returns
    -------
    (batch, shared, rows, columns), conversions that were saturated, and all conversions.
    """
    tops = (1 << (spec.input_bits - 1)) - 1, (1 << (spec.weight_bits - 1)) - 1
    units = [span.limit(top) / top or 1.0 for span, top in zip(spans, tops, strict=True)]
    inputs, cells = (
        np.clip(np.rint(x.astype(np.float64) / unit), -top, top).astype(np.int64)
        for x, unit, top in zip((a, b), units, tops, strict=True)
    )
    out = np.empty((*a.shape[:-1], b.shape[-1]), np.float32)
    saturated = conversions = 0
    for number, at in enumerate(np.ndindex(a.shape[:2])):
        array = program(spec, cells[at], seed=seed, part=f"{key} {number}", samples=inputs[at][:64])
        sums, lost = array.multiply(inputs[at])
        out[at] = (sums * (units[0] * units[1])).astype(np.float32)
        saturated += lost
        conversions += len(inputs[at]) * array.conversions
    return out, saturated, conversions
