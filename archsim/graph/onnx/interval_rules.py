"""Interval arithmetic: bounds of what an operator makes, by those of its operands, number by number.

A bound that is not a number says that nothing is known: the value may be any number, or none.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.onnx.file import BOOLEAN, FLOATS, WHOLES

Array = NDArray[Any]
Bounds = tuple[Array, Array]
"""The least and the largest number at each index."""
Rule = Callable[[Bounds, Bounds], Bounds]
RANGES: Mapping[int, tuple[int, int]] = {**WHOLES, 13: (0, 2**64 - 1)}
"""The smallest and largest of element types of whole numbers."""
EXACT = 2.0**53 - 1
"""Whole numbers up to this are exact in float64, and no other becomes one of them."""


def typed(bounds: Bounds, kind: int) -> Bounds | None:
    """As numbers of a type of ONNX, to which they are rounded; None for other types.

    Nothing is known of a whole number beyond its type, or of infinities of both signs: their sum is no number.
    """
    least, most = bounds
    if kind == BOOLEAN:
        return (least, most) if least.dtype == most.dtype == np.bool_ else None
    if kind in RANGES:
        low, high = (float(end) for end in RANGES[kind])
        inside = (least >= max(low, -EXACT)) & (most <= min(high, EXACT))
        return np.where(inside, least, low), np.where(inside, most, high)
    if kind not in FLOATS:
        return None
    from onnx.helper import tensor_dtype_to_np_dtype

    dtype = tensor_dtype_to_np_dtype(kind)
    with np.errstate(all="ignore"):
        least, most = least.astype(dtype), most.astype(dtype)
    nothing = np.isnan(least) | np.isnan(most) | (np.isinf(least) & np.isinf(most) & (least != most))
    nan = dtype.type(np.nan)
    return np.where(nothing, nan, least), np.where(nothing, nan, most)


def cast(bounds: Bounds, kind: int) -> Bounds:
    """Before it is rounded to the new type."""
    least, most = (end.astype(np.float64) for end in bounds)
    if kind == BOOLEAN:
        return (least > 0) | (most < 0), ~((least == 0) & (most == 0))
    return (np.trunc(least), np.trunc(most)) if kind in WHOLES else (least, most)


def where(condition: Bounds, first: Bounds, second: Bounds) -> Bounds:
    """Those of the operand that is surely chosen; else of both together."""
    sure, possible = condition
    least = np.where(sure, first[0], np.where(possible, np.minimum(first[0], second[0]), second[0]))
    most = np.where(sure, first[1], np.where(possible, np.maximum(first[1], second[1]), second[1]))
    return least, most


def _product(a: Bounds, b: Bounds) -> Bounds:
    corners = [x * y for x in a for y in b]
    return np.minimum.reduce(corners), np.maximum.reduce(corners)


def _less(a: Bounds, b: Bounds) -> Bounds:
    return a[1] < b[0], ~(a[0] >= b[1])


def _less_or_equal(a: Bounds, b: Bounds) -> Bounds:
    return a[1] <= b[0], ~(a[0] > b[1])


def _equal(a: Bounds, b: Bounds) -> Bounds:
    return (a[0] == a[1]) & (b[0] == b[1]) & (a[0] == b[0]), ~((a[1] < b[0]) | (b[1] < a[0]))


def _xor(a: Bounds, b: Bounds) -> Bounds:
    return (a[0] & ~b[1]) | (~a[1] & b[0]), ~((a[0] & b[0]) | (~a[1] & ~b[1]))


ALONE: Mapping[str, Callable[[Bounds], Bounds]] = {
    "Not": lambda a: (~a[1], ~a[0]),
    "Neg": lambda a: (-a[1], -a[0]),
}
"""Of one operand."""
PAIRS: Mapping[str, Rule] = {
    "And": lambda a, b: (a[0] & b[0], a[1] & b[1]),
    "Or": lambda a, b: (a[0] | b[0], a[1] | b[1]),
    "Xor": _xor,
    "Add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "Sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "Mul": _product,
    "Min": lambda a, b: (np.minimum(a[0], b[0]), np.minimum(a[1], b[1])),
    "Max": lambda a, b: (np.maximum(a[0], b[0]), np.maximum(a[1], b[1])),
    "Less": _less,
    "LessOrEqual": _less_or_equal,
    "Greater": lambda a, b: _less(b, a),
    "GreaterOrEqual": lambda a, b: _less_or_equal(b, a),
    "Equal": _equal,
}
"""Of two operands; Min and Max of any number, one after the other."""
MOVED: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Expand", "Tile"), (0,)),
    **dict.fromkeys(("Slice", "Gather", "GatherND", "GatherElements", "Trilu", "ReduceMax", "ReduceMin"), (0,)),
    **dict.fromkeys(("Pad", "ScatterND", "ScatterElements"), (0, 2)),
    "CumSum": (0,),
    "Concat": (),
}
"""Operators whose results grow with these of their inputs (of Concat, with all); the others have to be constants."""
