"""Operators of ONNX that are no work: they rearrange numbers, repeat them, or leave some out."""

from collections.abc import Callable
from math import prod

import numpy as np

from archsim.graph.onnx.file import FileNode
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.onnx.maps import expand
from archsim.graph.onnx.picking import listed
from archsim.graph.spreading import tiled


def reshape(importer: Importer, node: FileNode) -> Made:
    """The sizes may have one -1, for what is left, and zeros, for what was there."""
    sizes = importer.sizes(node.inputs[0])
    wanted = importer.wholes(node, 1, "shape")
    if wanted is None:
        raise importer.refused(node, "has no shape")
    found = list(wanted)
    if not node.whole("allowzero", 0):
        found = [sizes[at] if size == 0 and at < len(sizes) else size for at, size in enumerate(found)]
    rest = prod(size for size in found if size != -1)
    if found.count(-1) == 1 and rest > 0 and prod(sizes) % rest == 0:
        found[found.index(-1)] = prod(sizes) // rest
    if prod(found) != prod(sizes) or any(size < 1 for size in found):
        raise importer.refused(node, f"{list(sizes)} cannot have the shape {list(wanted)}")
    return importer.builder.reshape(importer.tensor(node.inputs[0]), found)


def transpose(importer: Importer, node: FileNode) -> Made:
    """Dimensions in another order; in reverse where none is said."""
    rank = len(importer.sizes(node.inputs[0]))
    order = checked(importer, node, node.wholes("perm") or range(rank)[::-1], rank)
    if len(order) != rank:
        raise importer.refused(node, f"found an order {list(order)} of {rank} dimensions; expected each once")
    return importer.builder.transpose(importer.tensor(node.inputs[0]), order)


def flatten(importer: Importer, node: FileNode) -> Made:
    """As a matrix."""
    sizes = importer.sizes(node.inputs[0])
    at = node.whole("axis", 1)
    at = at + len(sizes) if at < 0 else at
    if not 0 <= at <= len(sizes):
        raise importer.refused(node, f"found axis {at} of {len(sizes)} dimensions")
    return importer.builder.reshape(importer.tensor(node.inputs[0]), (prod(sizes[:at]), prod(sizes[at:])))


def squeeze(importer: Importer, node: FileNode) -> Made:
    """Without dimensions of one index: those named, or all."""
    sizes = importer.sizes(node.inputs[0])
    dims = importer.wholes(node, 1, "axes")
    single = [at for at, size in enumerate(sizes) if size == 1]
    gone = single if dims is None else checked(importer, node, dims, len(sizes))
    if not set(gone) <= set(single):
        raise importer.refused(node, f"{list(sizes)} has more than one index in dimensions {list(gone)}")
    left = [size for at, size in enumerate(sizes) if at not in gone]
    return importer.builder.reshape(importer.tensor(node.inputs[0]), left)


def unsqueeze(importer: Importer, node: FileNode) -> Made:
    """With more dimensions, of one index."""
    sizes = list(importer.sizes(node.inputs[0]))
    dims = importer.wholes(node, 1, "axes") or ()
    for at in sorted(checked(importer, node, dims, len(sizes) + len(dims))):
        sizes.insert(at, 1)
    return importer.builder.reshape(importer.tensor(node.inputs[0]), sizes)


def sliced(importer: Importer, node: FileNode) -> Made:
    """Some indices of some dimensions, forward."""
    sizes, x = importer.sizes(node.inputs[0]), importer.tensor(node.inputs[0])
    starts, ends = importer.wholes(node, 1, "starts"), importer.wholes(node, 2, "ends")
    if starts is None or ends is None:
        raise importer.refused(node, "has no starts or ends")
    dims = checked(importer, node, importer.wholes(node, 3, "axes") or range(len(starts)), len(sizes))
    steps, left = importer.wholes(node, 4) or (1,) * len(starts), list(sizes)
    if not len(starts) == len(ends) == len(dims) == len(steps):
        raise importer.refused(node, f"found {len(starts)} starts and {len(ends)} ends; expected one each")
    for at, start, end, step in zip(dims, starts, ends, steps, strict=True):
        chosen = range(sizes[at])[slice(start, end, step)] if step else range(0)
        if step == 0:
            raise importer.refused(node, "found steps of 0; expected others")
        left[at] = len(chosen)
        if len(chosen) > 1 and step < 0:
            x = importer.builder.pick(x, at, chosen)
        elif chosen:
            x = importer.builder.slice(x, at, chosen[0], len(chosen), step=max(step, 1))
    if 0 in left:
        importer.empty[node.outputs[0]] = tuple(left)
        return ""
    return x


def split(importer: Importer, node: FileNode) -> Made:
    """A dimension in pieces: of sizes that are said, or equal ones."""
    sizes, pieces = importer.sizes(node.inputs[0]), importer.wholes(node, 1, "split")
    at, x = checked(importer, node, (node.whole("axis", 0),), len(sizes))[0], importer.tensor(node.inputs[0])
    if pieces is None:
        number = len(node.outputs)
        size = -(-sizes[at] // number)
        pieces = (*(size,) * (number - 1), sizes[at] - size * (number - 1))
    if sum(pieces) != sizes[at] or min(pieces) < 0 or len(pieces) != len(node.outputs):
        raise importer.refused(node, f"found pieces {list(pieces)} of {sizes[at]} indices")
    starts = np.cumsum((0, *pieces)).tolist()
    rows = list(zip(node.outputs, starts, pieces, strict=False))
    importer.empty |= {name: (*sizes[:at], 0, *sizes[at + 1 :]) for name, _, size in rows if name and not size}
    return [importer.builder.slice(x, at, start, size) if name and size else "" for name, start, size in rows]


def concat(importer: Importer, node: FileNode) -> Made:
    """One after the other."""
    names = [name for name in node.inputs if name]
    sizes = [importer.sizes(name) for name in names]
    at = checked(importer, node, (node.whole("axis", 1),), len(sizes[0]))[0]
    names = [name for name, each in zip(names, sizes, strict=True) if each[at : at + 1] != (0,)] or names[:1]
    if len({(len(each), *each[:at], *each[at + 1 :]) for each in sizes}) > 1:
        raise importer.refused(node, f"shapes {' and '.join(str(list(each)) for each in sizes)} do not go together")
    if len(set(names)) == 1:
        return tiled(importer.builder, importer.operand(names[0]), at, len(names), at)
    return importer.builder.concat([importer.operand(name) for name in names], at)


def same(importer: Importer, node: FileNode) -> Made:
    """What is read; of a dropout, unless it is one of training."""
    training = importer.constants.value(node.input(2)) if node.input(2) else None
    ratio = importer.constants.value(node.input(1)) if node.input(1) else np.array(node.number_of("ratio", 0.5))
    none = ratio is not None and not ratio.any()
    if node.input(2) and (training is None or bool(training.any())) and not none:
        raise importer.refused(node, "drops numbers by chance, as in training; expected inference")
    x = importer.tensor(node.inputs[0])
    if not any(node.outputs[1:]):
        return x
    return [x, listed(importer, np.broadcast_to(np.int64(1), importer.sizes(node.inputs[0])), "mask")]


def _clear(handler: Callable[[Importer, FileNode], Made]) -> Callable[[Importer, FileNode], Made]:
    """A view that passes on by what its numbers are still to be multiplied."""

    def handled(importer: Importer, node: FileNode) -> Made:
        if node.inputs[0] in importer.scales:
            importer.scales[node.outputs[0]] = importer.scales[node.inputs[0]]
        return handler(importer, node)

    return handled


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    "Reshape": _clear(reshape),
    "Transpose": _clear(transpose),
    "Flatten": _clear(flatten),
    "Squeeze": _clear(squeeze),
    "Unsqueeze": _clear(unsqueeze),
    "Expand": _clear(expand),
    "Slice": sliced,
    "Split": split,
    "Concat": concat,
    "Dropout": same,
}
