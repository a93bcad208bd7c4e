"""Numbers as narrower formats hold them: floating-point numbers rounded, whole numbers cut off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError

Values = NDArray[Any]
SATURATES, INFINITE, NO_NUMBER, FINITE = 0, 1, 2, 3
"""What becomes of a number that is too large: the largest, infinity, NaN; the largest, and zero of NaN."""
_WORD = 64


def rounded(x: Values, mantissa: float, least: float, largest: float, beyond: float) -> Values:
    """To the nearest number of a floating-point format, of two that are as near the even one.

    mantissa: bits after the point. least: exponent of the smallest normal number. beyond: what becomes of numbers that
    are larger than `largest` when they are rounded.
    """
    numbers = x.astype(np.float64)
    _, exponent = np.frexp(np.where(np.isfinite(numbers), numbers, 0))
    unit = np.exp2(np.maximum(exponent - 1, least) - mantissa)
    found = np.where(np.isfinite(numbers), np.rint(numbers / unit) * unit, numbers)
    over = {INFINITE: np.inf, NO_NUMBER: np.nan}.get(int(beyond), float(largest))
    found = np.where(np.abs(found) > largest, np.copysign(over, found), found)
    return np.where(np.isnan(found), 0, found).astype(np.float32) if beyond == FINITE else found.astype(np.float32)


def wrapped(x: Values, bits: float, signed: float) -> Values:
    """The lowest bits of whole numbers, as a number in two's complement where it has a sign.

    Raises ArchsimError for whole numbers of 2^63 or more, which only 64 bits without a sign hold, and for others.
    """
    if x.dtype.kind not in "iub":
        raise ArchsimError("found floating-point numbers where the file says whole ones")
    if bits == _WORD:
        if not signed and x.size and x.min() < 0:
            raise ArchsimError("found a whole number below 0, or of 2^63 or more, where 64 bits have no sign")
        return x
    low = x & ((1 << int(bits)) - 1)
    return np.where(low >> int(bits - 1), low - (1 << int(bits)), low) if signed else low


def bits_of(x: Values) -> Values:
    """The 32 bits of floating-point numbers as whole numbers with a sign."""
    return np.ascontiguousarray(x, np.float32).view(np.int32).astype(np.int64)


def of_bits(x: Values) -> Values:
    """Floating-point numbers of 32 bits."""
    return np.ascontiguousarray(x.astype(np.uint32)).view(np.float32)
