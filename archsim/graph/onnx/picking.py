"""Operators of ONNX that pick numbers by their index, put them at an index, or rank them."""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from archsim.graph.axes import Axis, dim
from archsim.graph.graph import WIDEST
from archsim.graph.onnx.casts import held
from archsim.graph.onnx.file import FLOATS, WHOLES, FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.picking import cumulated, gathered, ranked, scattered
from archsim.graph.sequence_nodes import Embedding
from archsim.graph.spreading import expanded

_LARGEST_BACKGROUND = 1 << 22
"""Numbers of a constant that are looked at."""
_FUNCTIONS: dict[str, Literal["replace", "add", "mul", "min", "max"]] = {
    "none": "replace",
    "add": "add",
    "mul": "mul",
    "min": "min",
    "max": "max",
}


def listed(importer: Importer, numbers: Any, word: str = "list") -> str:  # noqa: ANN401 - what an array can be made of
    """A weight of numbers that are none of the file's."""
    array = np.asarray(numbers)
    name = f"{importer.builder.layer}/{importer.builder.name(word)}"
    return importer.weight(name, array.shape, lambda: array, 0)


def gather(importer: Importer, node: FileNode) -> Made:
    """Rows of a table, or of what is made at run time, by whole numbers that come in; or indices that are known."""
    table, indices = node.inputs
    sizes = importer.sizes(table)
    at = checked(importer, node, (node.whole("axis", 0),), len(sizes))[0]
    if importer.moving(indices):
        if importer.moving(table) or at or len(sizes) == 1:
            return gathered(importer.builder, importer.operand(table), importer.tensor(indices), "axis", at)
        return _embedding(importer, node, sizes)
    known = importer.constants.value(indices)
    if known is None:
        return gathered(importer.builder, importer.tensor(table), importer.operand(indices), "axis", at)
    wanted = [int(index) + sizes[at] if index < 0 else int(index) for index in known.reshape(-1)]
    if not wanted or any(not 0 <= index < sizes[at] for index in wanted):
        raise importer.refused(node, f"found indices outside of {sizes[at]}, or none")
    times = len(wanted) // sizes[at]
    if times > 1 and wanted == [index for index in range(sizes[at]) for _ in range(times)]:
        x = repeated_in_rows(importer, table, at, times)
    else:
        x = importer.builder.pick(importer.tensor(table), at, wanted)
    return importer.builder.reshape(x, (*sizes[:at], *known.shape, *sizes[at + 1 :]))


def repeated_in_rows(importer: Importer, name: str, at: int, times: int) -> str:
    """Each index of a dimension so often in a row."""
    from archsim.graph.spreading import tiled

    return tiled(importer.builder, importer.tensor(name), at + 1, times, at)


def _embedding(importer: Importer, node: FileNode, sizes: Sizes) -> str:
    builder, ids = importer.builder, importer.tensor(node.inputs[1])
    importer.bound(node.inputs[1], sizes[0])
    constant = importer.constant(node, 0, "table")
    width = prod(sizes[1:])
    name = constant.name if len(sizes) == 2 else f"{builder.layer}/{node.outputs[0]}.table"  # noqa: PLR2004 - a matrix
    numbers = importer.trained(constant)
    weight = importer.weight(name, (sizes[0], width), constant.read, numbers, constant.origin)
    own = builder.name("embedding")
    shape = (*builder.of(ids), dim(Axis(f"{builder.layer}/{own}:values", width)))
    made = builder.add(Embedding(layer=builder.layer, name=own, kind="embedding", inputs=(ids, weight), shape=shape))
    return builder.reshape(made, (*importer.sizes(node.inputs[1]), *sizes[1:]))


def gather_elements(importer: Importer, node: FileNode) -> Made:
    """An index along one dimension for each number of the result."""
    sizes, places = importer.sizes(node.inputs[0]), importer.sizes(node.inputs[1])
    at = checked(importer, node, (node.whole("axis", 0),), len(sizes))[0]
    fits = len(places) == len(sizes) and all(
        place <= size for here, (place, size) in enumerate(zip(places, sizes, strict=True)) if here != at
    )
    if not fits:
        raise importer.refused(node, f"found indices {list(places)} into {list(sizes)}; expected no more")
    x, indices = (importer.operand(name) for name in node.inputs)
    return gathered(importer.builder, x, indices, "element", at)


def gather_nd(importer: Importer, node: FileNode) -> Made:
    """An index of several dimensions at once, in the last dimension of the indices."""
    sizes, places = importer.sizes(node.inputs[0]), importer.sizes(node.inputs[1])
    batch = node.whole("batch_dims", 0)
    picked = places[-1] if places else 0
    if not 0 <= batch < len(places) or sizes[:batch] != places[:batch] or not 0 < picked <= len(sizes) - batch:
        raise importer.refused(
            node, f"found indices {list(places)} into {list(sizes)}; expected those of its dimensions"
        )
    known = None if importer.moving(node.inputs[1]) or batch else importer.constants.value(node.inputs[1])
    if known is not None and known.size:
        return _at_places(importer, node, sizes[:picked], known.reshape(-1, picked))
    x, indices = (importer.operand(name) for name in node.inputs)
    return gathered(importer.builder, x, indices, "tuple", batch, picked)


def _at_places(importer: Importer, node: FileNode, own: Sizes, known: NDArray[Any]) -> str:
    """Rows at places that are known: these dimensions are one, of which indices are picked."""
    places = np.where(known < 0, known + np.array(own), known)
    if not ((places >= 0) & (places < np.array(own))).all():
        raise importer.refused(node, f"found indices outside of {list(own)}")
    sizes, shape = importer.sizes(node.inputs[0]), importer.sizes(node.inputs[1])
    rows = importer.builder.reshape(importer.tensor(node.inputs[0]), (prod(own), *sizes[len(own) :]))
    x = importer.builder.pick(rows, 0, np.ravel_multi_index(tuple(places.T), own).tolist())
    return importer.builder.reshape(x, (*shape[:-1], *sizes[len(own) :]))


def scatter(by: Literal["element", "tuple"], importer: Importer, node: FileNode) -> Made:
    """Numbers put at indices; several at the same index, put together as the node says."""
    sizes, places, new = (importer.sizes(name) for name in node.inputs)
    at = checked(importer, node, (node.whole("axis", 0),), len(sizes))[0]
    if by == "element":
        fits = places == new and len(places) == len(sizes)
        fits = fits and all(n <= m for here, (n, m) in enumerate(zip(places, sizes, strict=True)) if here != at)
    else:
        fits = bool(places) and 0 < places[-1] <= len(sizes) and new == (*places[:-1], *sizes[places[-1] :])
    if not fits:
        found = f"{list(new)} numbers at indices {list(places)} of {list(sizes)}"
        raise importer.refused(node, f"found {found}; expected a number for each index")
    function = _FUNCTIONS.get(node.word("reduction", "none"))
    if function is None:
        raise importer.refused(node, f"found reduction {node.word('reduction', '')}; expected {', '.join(_FUNCTIONS)}")
    x = _background(importer, node)
    indices, numbers = (importer.operand(name) for name in node.inputs[1:])
    return held(importer, node, scattered(importer.builder, x, indices, numbers, by, function, at))


def _background(importer: Importer, node: FileNode) -> str:
    """Into what numbers are put; a constant that is the same everywhere is nothing that is trained."""
    name = node.inputs[0]
    constant = None if importer.moving(name) else importer.constants.get(name)
    if constant is None or not 0 < constant.numbers <= _LARGEST_BACKGROUND:
        return importer.operand(name)
    numbers = constant.read()
    if bool((numbers != numbers.flat[0]).any()):
        return importer.operand(name)
    return importer.weight(name, constant.shape, lambda: numbers, trained=0)


def top(importer: Importer, node: FileNode) -> Made:
    """The largest, or the smallest, along a dimension, and their indices."""
    sizes, builder = importer.sizes(node.inputs[0]), importer.builder
    at = checked(importer, node, (node.whole("axis", -1),), len(sizes))[0]
    number = importer.wholes(node, 1, "k") if "k" not in node.attributes else (node.whole("k", 1),)
    if number is None or len(number) != 1 or not 0 < number[0] <= sizes[at]:
        raise importer.refused(node, f"found k {list(number or ())}; expected 1 to {sizes[at]}")
    x = importer.tensor(node.inputs[0])
    indices = ranked(builder, x, at, number[0], largest=bool(node.whole("largest", 1)))
    return [gathered(builder, x, indices, "element", at) if node.outputs[0] else "", indices]


def one_hot(importer: Importer, node: FileNode) -> Made:
    """A number where the index is that of a new dimension, and another elsewhere."""
    builder, sizes = importer.builder, importer.sizes(node.inputs[0])
    depth = importer.scalar(node.inputs[1])
    if depth is None:
        raise importer.unsized(node, node.inputs[1])
    if not 1 <= depth <= WIDEST:
        raise importer.refused(node, f"found depth {depth:g}; expected 1 to {WIDEST:,}")
    at = checked(importer, node, (node.whole("axis", -1),), len(sizes) + 1)[0]
    places = np.arange(int(depth)).reshape(-1, *(1,) * (len(sizes) - at))
    x = builder.reshape(importer.tensor(node.inputs[0]), (*sizes[:at], 1, *sizes[at:]))
    here = builder.elementwise("clip", "clip", x, listed(importer, places), function="equal")
    behind = builder.elementwise("clip", "clip", x, listed(importer, places - int(depth)), function="equal")
    either = builder.elementwise("clip", "clip", here, behind, function="or")
    if importer.sizes(node.inputs[2]) != (2,):
        raise importer.refused(node, f"found {list(importer.sizes(node.inputs[2]))} numbers; expected two")
    off, on = (builder.reshape(builder.slice(importer.operand(node.inputs[2]), 0, part, 1), ()) for part in (0, 1))
    return builder.elementwise("clip", "clip", either, on, off, function="where")


def compress(importer: Importer, node: FileNode) -> Made:
    """Indices of a dimension, or of all numbers in a row, where a condition holds that is known before the run."""
    builder, sizes, x = importer.builder, importer.sizes(node.inputs[0]), importer.tensor(node.inputs[0])
    condition = importer.constants.value(node.inputs[1])
    if condition is None:
        raise importer.unsized(node, node.inputs[1])
    if "axis" not in node.attributes:
        x, sizes = builder.reshape(x, (prod(sizes),)), (prod(sizes),)
    at = checked(importer, node, (node.whole("axis", 0),), len(sizes))[0]
    indices = np.flatnonzero(condition.reshape(-1)[: sizes[at]]).tolist()
    if not indices:
        raise importer.refused(node, "leaves nothing")
    return builder.pick(x, at, indices)


def reverse_sequence(importer: Importer, node: FileNode) -> Made:
    """The first so many indices of time in reverse, a number for each entry of a batch."""
    builder, sizes = importer.builder, importer.sizes(node.inputs[0])
    times, batch = checked(importer, node, (node.whole("time_axis", 0), node.whole("batch_axis", 1)), len(sizes))
    if importer.sizes(node.inputs[1]) != (sizes[batch],) or max(times, batch) > 1:
        raise importer.refused(node, "found no length for each entry of the batch; expected time and batch first")
    spread = [sizes[at] if at == batch else 1 for at in range(len(sizes))]
    length = builder.reshape(importer.operand(node.inputs[1]), spread)
    steps = np.arange(sizes[times]).reshape([-1 if at == times else 1 for at in range(len(sizes))])
    at = listed(importer, steps)
    before = builder.elementwise("clip", "clip", at, length, function="less")
    mirrored = builder.elementwise("sub", "sub", length, listed(importer, steps + 1))
    index = builder.elementwise("clip", "clip", before, mirrored, at, function="where")
    return gathered(builder, importer.tensor(node.inputs[0]), expanded(builder, index, sizes), "element", times)


def tensor_scatter(importer: Importer, node: FileNode) -> Made:
    """Rows put into a cache from a position on, which each entry of the batch has of its own."""
    builder, sizes, new = importer.builder, importer.sizes(node.inputs[0]), importer.sizes(node.inputs[1])
    at = checked(importer, node, (node.whole("axis", -2),), len(sizes))[0]
    if at == 0 or new != (*sizes[:at], new[at], *sizes[at + 1 :]) or new[at] > sizes[at]:
        raise importer.refused(node, f"found {list(new)} for a cache {list(sizes)}; expected as many, and no batch")
    steps = np.arange(new[at]).reshape([-1 if here == at else 1 for here in range(len(sizes))])
    index = listed(importer, steps)
    if node.input(2):
        begin = builder.reshape(importer.operand(node.input(2)), (sizes[0], *(1,) * (len(sizes) - 1)))
        index = builder.elementwise("add", "add", begin, index)
        if node.word("mode", "linear") == "circular":
            index = builder.elementwise("clip", "clip", index, listed(importer, np.int64(sizes[at])), function="mod")
    places = expanded(builder, index, new) if index not in builder.weights else index
    if places in builder.weights:
        places = listed(importer, np.broadcast_to(steps, new))
    x, numbers = (importer.operand(name) for name in node.inputs[:2])
    return scattered(builder, x, places, numbers, "element", at=at)


def unpool(importer: Importer, node: FileNode) -> Made:
    """Numbers put back where they were the largest, with zeros around; indices count numbers of the whole result."""
    builder, sizes = importer.builder, importer.sizes(node.inputs[0])
    kernel = node.wholes("kernel_shape") or ()
    strides, pads = node.wholes("strides") or (1,) * len(kernel), node.wholes("pads") or (0,) * 2 * len(kernel)
    if not len(sizes) - 2 == len(kernel) == len(strides) == len(pads) / 2 or importer.sizes(node.inputs[1]) != sizes:
        raise importer.refused(node, f"found {len(kernel)} sizes of a kernel on {list(sizes)}; expected one each")
    rows = zip(sizes[2:], strides, kernel, pads[: len(kernel)], pads[len(kernel) :], strict=True)
    own = (*sizes[:2], *((size - 1) * stride + width - begin - end for size, stride, width, begin, end in rows))
    result = importer.wholes(node, 2) or own
    if len(result) != len(own) or result[:2] != own[:2] or min(result) < 1:
        raise importer.refused(node, f"found a result {list(result)}; expected channels of {list(own)}")
    number = prod(sizes)
    x, indices = (builder.reshape(importer.tensor(name), (number,)) for name in node.inputs[:2])
    if result != own:  # places are those in a result of its own sizes
        raise importer.refused(node, f"found a result {list(result)}; expected {list(own)}")
    zeros = listed(importer, np.broadcast_to(np.float32(0), prod(result)), "zeros")
    return builder.reshape(scattered(builder, zeros, indices, x, "element"), result)


def cumulate(function: Literal["sum", "product"], importer: Importer, node: FileNode) -> Made:
    """Sums or products up to each index."""
    at = importer.wholes(node, 1)
    if at is None or len(at) != 1:
        raise importer.refused(node, "has no axis; expected one")
    dims = checked(importer, node, at, len(importer.sizes(node.inputs[0])))
    flags = {"exclusive": bool(node.whole("exclusive", 0)), "backward": bool(node.whole("reverse", 0))}
    x = importer.tensor(node.inputs[0])
    return held(importer, node, cumulated(importer.builder, x, function, dims[0], **flags))


def triangle(importer: Importer, node: FileNode) -> Made:
    """The numbers above or below a diagonal of matrices; zeros elsewhere."""
    sizes = importer.sizes(node.inputs[0])
    if len(sizes) < 2:  # noqa: PLR2004 - matrices
        raise importer.refused(node, f"found {list(sizes)}; expected matrices")
    rows, columns = sizes[-2:]
    offset = importer.wholes(node, 1) or (0,)
    part = np.triu if node.whole("upper", 1) else np.tril
    name = f"{importer.builder.layer}/{importer.builder.name('mask')}"
    mask = importer.weight(name, (rows, columns), lambda: part(np.ones((rows, columns), np.int64), offset[0]), 0)
    zero = np.float32(0) if importer.file.is_float(node.inputs[0]) else np.int64(0)
    x = importer.tensor(node.inputs[0])
    return importer.builder.elementwise("clip", "clip", mask, x, listed(importer, zero, "zero"), function="where")


def eye(importer: Importer, node: FileNode) -> Made:
    """Ones on a diagonal, as many rows and columns as what it reads has."""
    sizes = importer.sizes(node.inputs[0])
    kind = node.whole("dtype", importer.file.types.get(node.inputs[0], FLOATS[0]))
    if len(sizes) != 2 or (kind not in WHOLES and kind not in FLOATS):  # noqa: PLR2004 - a matrix
        raise importer.refused(node, f"found {list(sizes)}; expected a matrix of numbers")
    whole, offset = np.int64 if kind in WHOLES else np.float32, node.whole("k", 0)
    name = f"{importer.builder.layer}/{importer.builder.name('eye')}"
    return importer.weight(name, sizes, lambda: np.eye(*sizes, offset, dtype=whole), 0)


def decided(importer: Importer, node: FileNode) -> Made:
    """Sizes of the result are among what it reads, which has to be known before the run."""
    raise importer.unsized(node, next((name for name in node.inputs if importer.moving(name)), node.inputs[0]))


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "ScatterElements": partial(scatter, "element"),
    "Scatter": partial(scatter, "element"),
    "ScatterND": partial(scatter, "tuple"),
    "TensorScatter": tensor_scatter,
    "TopK": top,
    "OneHot": one_hot,
    "Compress": compress,
    "ReverseSequence": reverse_sequence,
    "MaxUnpool": unpool,
    "CumSum": partial(cumulate, "sum"),
    "CumProd": partial(cumulate, "product"),
    "Trilu": triangle,
    "EyeLike": eye,
    **dict.fromkeys(("Range", "ConstantOfShape", "MelWeightMatrix"), decided),
    **dict.fromkeys(("HannWindow", "HammingWindow", "BlackmanWindow"), decided),
}
