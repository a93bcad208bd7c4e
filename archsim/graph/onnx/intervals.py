"""Between which numbers those of a tensor lie, whatever comes in: interval arithmetic over the nodes of a file."""

from collections.abc import Mapping, Sequence
from functools import reduce
from math import prod

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.onnx.constants import evaluated
from archsim.graph.onnx.file import BOOLEAN, FileNode, Sizes
from archsim.graph.onnx.importer import Importer
from archsim.graph.onnx.interval_rules import ALONE, EXACT, MOVED, PAIRS, RANGES, Array, Bounds, cast, typed, where

_NODES = 256
"""That are looked at for one tensor."""
_LARGE = 1 << 24
"""Numbers of a tensor that is looked at."""
_GROWING = ("Tile", "Pad", "Gather", "GatherND", "GatherElements", "Concat")
"""Whose results may be larger than what they read."""
_REARRANGED = tuple(each for each in MOVED if each not in (*_GROWING, "Expand"))
_KNOWN = (*ALONE, *PAIRS, *MOVED, "Where", "Cast")


def bounds(importer: Importer, name: str) -> Bounds | None:
    """Of the numbers of a tensor, which may be made at run time.

    Parameters
    ----------
    importer, name
        Of the tensor.

    Returns
    -------
    Bounds | None
        Of its shape. None where its sizes or its type are not known, or it is too large.
    """
    known: dict[str, Bounds | None] = {}
    waiting = [name]
    while waiting:
        last = waiting[-1]
        node = _node(importer, last)
        missing = [each for each in node.inputs if each and each not in known] if node is not None else []
        if last not in known and missing and len(known) + len(waiting) < _NODES:
            waiting += missing
            continue
        waiting.pop()
        if last not in known:
            made = None if missing else _made(importer, last, node, known)
            known[last] = made or _any(importer, last)
    return known[name]


def _node(importer: Importer, name: str) -> FileNode | None:
    """What makes a tensor at run time, if there is a rule for it."""
    node = importer.file.makers.get(name)
    looked = node is not None and not node.domain and node.operator in _KNOWN and importer.moving(name)
    return node if looked else None


def _sizes(importer: Importer, name: str) -> Sizes | None:
    """None where they are not known, or there are too many numbers."""
    if importer.moving(name):
        sizes = importer.known_sizes(name) or importer.file.inputs.get(name)
    else:
        constant = importer.constants.get(name)
        sizes = None if constant is None else constant.shape
    return None if sizes is None or prod(sizes) > _LARGE else sizes


def _any(importer: Importer, name: str) -> Bounds | None:
    """Of a tensor of which nothing is known but its type."""
    sizes, kind = _sizes(importer, name), importer.file.types.get(name)
    if sizes is None or kind is None:
        return None
    ends = (np.bool_(0), np.bool_(1)) if kind == BOOLEAN else map(np.float64, RANGES.get(kind, (np.nan, np.nan)))
    least, most = (np.broadcast_to(end, sizes) for end in ends)
    return least, most


def _made(importer: Importer, name: str, node: FileNode | None, known: Mapping[str, Bounds | None]) -> Bounds | None:
    """Of a constant, or by the operands of a node; None where that says nothing."""
    try:
        if node is None:
            return None if importer.moving(name) else _fixed(importer, name)
        operands = [known.get(each) for each in node.inputs]
        if not _fits(importer, node, operands):
            return None
        with np.errstate(all="ignore"):
            made = _ruled(importer, node, operands)
    except (ArchsimError, ArithmeticError, LookupError, TypeError, ValueError):
        return None  # numbers are in a file that is not there, or operands are not what the node needs
    kind = importer.file.types.get(name)
    return None if made is None or kind is None else typed(made, kind)


def _fits(importer: Importer, node: FileNode, operands: Sequence[Bounds | None]) -> bool:
    """Whether a result is not too large; sizes of what comes later in the file may not be known yet."""
    sizes = importer.known_sizes(node.outputs[0])
    shapes = [each[0].shape for each in operands if each is not None]
    if sizes is None and node.operator == "Expand":
        shapes.append(tuple(importer.wholes(node, 1) or ()))
    elif sizes is None and node.operator in _GROWING:
        return False
    try:
        sizes = np.broadcast_shapes(*shapes) if sizes is None and node.operator not in _REARRANGED else sizes or ()
    except ValueError:
        return False
    return prod(sizes) <= _LARGE


def _fixed(importer: Importer, name: str) -> Bounds | None:
    constant = importer.constants.get(name)
    numbers = None if constant is None or constant.numbers > _LARGE else constant.read()
    if numbers is None or numbers.dtype.kind not in "biufV":
        return None
    if numbers.dtype.kind in "iu":
        numbers = np.where(np.abs(numbers.astype(np.float64)) > EXACT, np.nan, numbers)
    return numbers, numbers


def _ruled(importer: Importer, node: FileNode, operands: Sequence[Bounds | None]) -> Bounds | None:
    if node.operator in MOVED:
        return _moved(importer, node, operands)
    plain = [each for each in operands if each is not None]
    if len(plain) < len(operands):
        return None
    if node.operator == "Where":
        return where(plain[0], plain[1], plain[2])
    if node.operator == "Cast":
        return cast(plain[0], node.whole("to", 0))
    if node.operator in ALONE:
        return ALONE[node.operator](plain[0])
    return reduce(PAIRS[node.operator], plain)


def _moved(importer: Importer, node: FileNode, operands: Sequence[Bounds | None]) -> Bounds | None:
    """By the operator itself, of the least numbers and of the largest."""
    moved = MOVED[node.operator] or range(len(operands))
    rounded = node.operator == "CumSum" and importer.file.is_float(node.outputs[0])
    if rounded or node.word("reduction", "none") != "none":
        return None
    ends: list[Array] = []
    for end in (0, 1):
        values: dict[str, Array] = {}
        for at, (name, operand) in enumerate(zip(node.inputs, operands, strict=True)):
            constant = importer.constants.get(name) if name and at not in moved else None
            if constant is not None:
                values[name] = constant.read()
            elif operand is not None and at in moved:
                values[name] = operand[end]
            elif name:
                return None
        ends.append(np.asarray(evaluated(node, values, importer.file.opsets)[0]))
    if node.operator == "CumSum" and bool((np.abs(ends) > EXACT).any()):
        return None  # sums after one that is rounded are wrong, even if they are small
    return ends[0], ends[1]
