"""Operators of ONNX that make one number of each row: sums, means, norms, the largest and its index."""

from collections.abc import Callable
from functools import partial

import numpy as np

from archsim.graph.nodes import Reduction
from archsim.graph.onnx.casts import held
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.onnx.picking import listed

_HARDMAX_OF_ONE_AXIS = 13
"""Version from which a hardmax is along one axis."""


def _rows(importer: Importer, node: FileNode) -> Sizes:
    """Dimensions that make a row; all where none is named, or none at all if the node says so."""
    rank = len(importer.sizes(node.inputs[0]))
    dims = importer.wholes(node, 1, "axes")
    if not dims and node.whole("noop_with_empty_axes", 0):
        return ()
    return checked(importer, node, dims or range(rank), rank)


def _reduced(importer: Importer, node: FileNode, rows: Sizes, x: str, kind: str, function: Reduction) -> str:
    if not rows:
        return x
    return importer.builder.reduce(kind, kind, x, function, rows, kept=bool(node.whole("keepdims", 1)))


def reduce(kind: str, function: Reduction, importer: Importer, node: FileNode) -> Made:
    """Of some dimensions, or of all where none is named."""
    rows, x = _rows(importer, node), importer.tensor(node.inputs[0])
    if function in ("mean", "l2", "log_sum_exp") and not importer.file.is_float(node.inputs[0]):
        raise importer.refused(node, "works on whole numbers; expected floating-point numbers")
    if function == "l2" and not rows:
        return importer.builder.elementwise("clip", "clip", x, function="abs")
    return held(importer, node, _reduced(importer, node, rows, x, kind, function))


def composed(before: tuple[str, str] | None, after: tuple[str, str] | None, importer: Importer, node: FileNode) -> Made:
    """A sum with a function (kind, function) of each number before it, or of each sum after it."""
    rows, builder, x = _rows(importer, node), importer.builder, importer.tensor(node.inputs[0])
    if before is not None:
        x = builder.elementwise(before[0], before[0], x, function=before[1])
    x = _reduced(importer, node, rows, x, "add", "sum")
    if after is not None:
        x = builder.elementwise(after[0], after[0], x, function=after[1])
    return held(importer, node, x)


def place(first: Reduction, last: Reduction, importer: Importer, node: FileNode) -> Made:
    """The index of the largest or smallest; of equal ones the first, or the last."""
    x = importer.tensor(node.inputs[0])
    at = checked(importer, node, (node.whole("axis", 0),), len(importer.builder.of(x)))
    word = last if node.whole("select_last_index", 0) else first
    return importer.builder.reduce("argmax", "argmax", x, word, at, kept=bool(node.whole("keepdims", 1)))


def hardmax(importer: Importer, node: FileNode) -> Made:
    """One at the first of the largest numbers of a row, zero elsewhere."""
    builder, x, sizes = importer.builder, importer.tensor(node.inputs[0]), importer.sizes(node.inputs[0])
    older = importer.file.opset < _HARDMAX_OF_ONE_AXIS
    at = checked(importer, node, (node.whole("axis", 1 if older else -1),), len(sizes))[0]
    if older and at != len(sizes) - 1:
        raise importer.refused(node, "takes several dimensions as one row; expected the last")
    index = builder.reduce("argmax", "argmax", x, "argmax", (at,), kept=True)
    places = listed(importer, np.arange(sizes[at]).reshape(-1, *(1,) * (len(sizes) - at - 1)))
    here = builder.elementwise("clip", "clip", index, places, function="equal")
    return builder.elementwise("view", "view", here, function="cast")


def lp_normalised(importer: Importer, node: FileNode) -> Made:
    """Divided by the sum of the magnitudes of a row, or by the root of the sum of squares; zero where that is zero."""
    builder, x, power = importer.builder, importer.tensor(node.inputs[0]), node.whole("p", 2)
    dims = checked(importer, node, (node.whole("axis", -1),), len(importer.sizes(node.inputs[0])))
    if power == 1:
        sizes = builder.elementwise("clip", "clip", x, function="abs")
        norm = builder.reduce("add", "add", sizes, "sum", dims, kept=True)
    elif power == 2:  # noqa: PLR2004 - the other that ONNX has
        norm = builder.reduce("rmsnorm", "rmsnorm", x, "l2", dims, kept=True)
    else:
        raise importer.refused(node, f"found p {power}; expected 1 or 2")
    return builder.elementwise("div", "div", x, norm, function="per_norm")


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    "ReduceMean": partial(reduce, "avgpool", "mean"),
    "ReduceMax": partial(reduce, "maxpool", "maximum"),
    "ReduceMin": partial(reduce, "maxpool", "minimum"),
    "ReduceSum": partial(reduce, "add", "sum"),
    "ReduceProd": partial(reduce, "mul", "prod"),
    "ReduceL2": partial(reduce, "rmsnorm", "l2"),
    "ReduceLogSumExp": partial(reduce, "softmax", "log_sum_exp"),
    "ReduceL1": partial(composed, ("clip", "abs"), None),
    "ReduceSumSquare": partial(composed, ("mul", "square"), None),
    "ReduceLogSum": partial(composed, None, ("exp", "log")),
    "ArgMax": partial(place, "argmax", "argmax_last"),
    "ArgMin": partial(place, "argmin", "argmin_last"),
    "Hardmax": hardmax,
    "LpNormalization": lp_normalised,
}
