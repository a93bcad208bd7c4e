"""Operators of ONNX that are no work: they rearrange numbers, repeat them, or leave some out."""

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from archsim.errors import quoted
from archsim.graph.axes import Axis, dim
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.onnx.maps import expand
from archsim.graph.sequence_nodes import Embedding
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
    steps = importer.wholes(node, 4) or (1,) * len(starts)
    for at, start, end, step in zip(dims, starts, ends, steps, strict=True):
        chosen = range(sizes[at])[slice(start, end, step)] if step else range(0)
        if not chosen:
            raise importer.refused(node, f"leaves nothing of {list(sizes)}")
        if step < 0 and len(chosen) > 1:
            raise importer.refused(node, "takes indices in reverse; expected steps forward")
        x = importer.builder.slice(x, at, chosen[0], len(chosen), step=max(step, 1))
    return x


def split(importer: Importer, node: FileNode) -> Made:
    """A dimension in pieces: of sizes that are said, or equal ones."""
    sizes, x = importer.sizes(node.inputs[0]), importer.tensor(node.inputs[0])
    at = checked(importer, node, (node.whole("axis", 0),), len(sizes))[0]
    pieces = importer.wholes(node, 1, "split")
    if pieces is None:
        number = len(node.outputs)
        size = -(-sizes[at] // number)
        pieces = (*(size,) * (number - 1), sizes[at] - size * (number - 1))
    if sum(pieces) != sizes[at] or min(pieces) < 1 or len(pieces) != len(node.outputs):
        raise importer.refused(node, f"found pieces {list(pieces)} of {sizes[at]} indices")
    starts = np.cumsum((0, *pieces)).tolist()
    rows = zip(node.outputs, starts, pieces, strict=False)
    return [importer.builder.slice(x, at, start, size) if name else "" for name, start, size in rows]


def gather(importer: Importer, node: FileNode) -> Made:
    """Rows of a table by whole numbers that come in; or indices that are known before the run."""
    table, indices = node.inputs
    sizes = importer.sizes(table)
    at = checked(importer, node, (node.whole("axis", 0),), len(sizes))[0]
    if importer.moving(indices):
        if importer.moving(table) or at:
            raise importer.refused(node, "picks at run time of what is made at run time; expected a constant table")
        return _embedding(importer, node, sizes)
    wanted = importer.constants.value(indices)
    if wanted is None:
        raise importer.refused(node, f"{quoted(indices)} are more indices than are picked one by one")
    x = _picked(importer, node, at, sizes[at], wanted.reshape(-1).tolist())
    return importer.builder.reshape(x, (*sizes[:at], *wanted.shape, *sizes[at + 1 :]))


def gather_nd(importer: Importer, node: FileNode) -> Made:
    """Numbers, or rows, at places that are known before the run."""
    sizes = importer.sizes(node.inputs[0])
    wanted = importer.constants.value(node.inputs[1])
    if wanted is None or node.whole("batch_dims", 0):
        raise importer.refused(node, "picks at places that are made at run time, or batch by batch; expected constants")
    depth = wanted.shape[-1]
    own = np.array(sizes[:depth], np.int64)
    places = np.where(wanted < 0, wanted + own, wanted).reshape(-1, depth)
    if not ((places >= 0) & (places < own)).all():
        raise importer.refused(node, f"found places outside of {list(sizes)}")
    inner = np.array([prod(sizes[at + 1 : depth]) for at in range(depth)], np.int64)
    flat = (places @ inner).tolist()
    table = importer.builder.reshape(importer.tensor(node.inputs[0]), (prod(sizes[:depth]), *sizes[depth:]))
    x = _picked(importer, node, 0, prod(sizes[:depth]), flat, table)
    return importer.builder.reshape(x, (*wanted.shape[:-1], *sizes[depth:]))


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


def _picked(importer: Importer, node: FileNode, at: int, size: int, wanted: Sequence[int], table: str = "") -> str:
    """Indices that are known; each so many times in a row is a repetition."""
    builder, x = importer.builder, table or importer.tensor(node.inputs[0])
    indices = [index + size if index < 0 else index for index in wanted]
    if not indices or any(not 0 <= index < size for index in indices):
        raise importer.refused(node, f"found indices outside of {size}, or none")
    times = len(indices) // size
    if times > 1 and indices == [index for index in range(size) for _ in range(times)]:
        return tiled(builder, x, at + 1, times, at)
    return builder.pick(x, at, indices)


def concat(importer: Importer, node: FileNode) -> Made:
    """One after the other."""
    names = [name for name in node.inputs if name]
    sizes = [importer.sizes(name) for name in names]
    at = checked(importer, node, (node.whole("axis", 1),), len(sizes[0]))[0]
    if len({(len(each), *each[:at], *each[at + 1 :]) for each in sizes}) > 1:
        raise importer.refused(node, f"shapes {' and '.join(str(list(each)) for each in sizes)} do not go together")
    if len(set(names)) == 1:
        return tiled(importer.builder, importer.operand(names[0]), at, len(names), at)
    return importer.builder.concat([importer.operand(name) for name in names], at)


def same(importer: Importer, node: FileNode) -> Made:
    """What is read; of a dropout, unless it is one of training."""
    training = importer.constants.value(node.input(2)) if node.input(2) else None
    if any(node.outputs[1:]) or (node.input(2) and (training is None or bool(training.any()))):
        raise importer.refused(node, "drops numbers by chance, as in training; expected inference")
    return importer.tensor(node.inputs[0])


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
    "Gather": gather,
    "GatherND": gather_nd,
    "Concat": concat,
    "Dropout": same,
}
