"""Operators of ONNX that are no work: they rearrange numbers, repeat them, or leave some out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from archsim.errors import quoted
from archsim.graph.axes import Axis, Shape, dim, size_of, sizes_of
from archsim.graph.onnx_file import FileNode, Sizes
from archsim.graph.onnx_importer import Importer, Made
from archsim.graph.onnx_rows import checked, padded
from archsim.graph.sequence_nodes import Embedding
from archsim.graph.views import Repeat

_MOST_PIECES = 64
"""Of a dimension whose indices are picked one by one."""


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


def _embedding(importer: Importer, node: FileNode, sizes: Sizes) -> str:
    builder, ids = importer.builder, importer.tensor(node.inputs[1])
    importer.bound(node.inputs[1], sizes[0])
    constant = importer.constant(node, 0, "table")
    width = prod(sizes[1:])
    name = constant.name if len(sizes) == 2 else f"{node.outputs[0]}.table"  # noqa: PLR2004 - a matrix
    numbers = importer.trained(constant)
    weight = importer.weight(name, (sizes[0], width), constant.read, numbers, constant.origin)
    own = builder.name("embedding")
    shape = (*builder.of(ids), dim(Axis(f"{builder.layer}/{own}:values", width)))
    made = builder.add(Embedding(layer=builder.layer, name=own, kind="embedding", inputs=(ids, weight), shape=shape))
    return builder.reshape(made, (*importer.sizes(node.inputs[1]), *sizes[1:]))


def _picked(importer: Importer, node: FileNode, at: int, size: int, wanted: Sequence[int]) -> str:
    """Indices at equal steps are a slice; others are put side by side, one by one."""
    builder, x = importer.builder, importer.tensor(node.inputs[0])
    indices = [index + size if index < 0 else index for index in wanted]
    steps = {later - index for index, later in zip(indices, indices[1:], strict=False)} or {1}
    if not indices or any(not 0 <= index < size for index in indices):
        raise importer.refused(node, f"found indices outside of {size}, or none")
    if len(steps) == 1 and min(steps) > 0:
        return builder.slice(x, at, indices[0], len(indices), step=min(steps))
    if len(indices) > _MOST_PIECES:
        raise importer.refused(node, f"picks {len(indices)} indices out of order; expected at most {_MOST_PIECES}")
    return builder.concat([builder.slice(x, at, index, 1) for index in indices], at)


def concat(importer: Importer, node: FileNode) -> Made:
    """One after the other."""
    names = [name for name in node.inputs if name]
    sizes = [importer.sizes(name) for name in names]
    at = checked(importer, node, (node.whole("axis", 1),), len(sizes[0]))[0]
    if len({(len(each), *each[:at], *each[at + 1 :]) for each in sizes}) > 1:
        raise importer.refused(node, f"shapes {' and '.join(str(list(each)) for each in sizes)} do not go together")
    if len(names) == 1:
        return importer.operand(names[0])
    return importer.builder.concat([importer.operand(name) for name in names], at)


def expand(importer: Importer, node: FileNode) -> Made:
    """Repeated to a shape."""
    sizes, wanted = importer.sizes(node.inputs[0]), importer.wholes(node, 1)
    try:
        found = np.broadcast_shapes(sizes, wanted or ())
    except ValueError:
        raise importer.refused(node, f"{list(sizes)} cannot be repeated to {list(wanted or ())}") from None
    return repeated(importer, importer.tensor(node.inputs[0]), found)


def repeated(importer: Importer, x: str, sizes: Sizes) -> str:
    """As numpy broadcasts."""
    builder = importer.builder
    given = sizes_of(builder.of(x))
    if given == sizes:
        return x
    own, old = builder.name("view"), ((),) * (len(sizes) - len(given)) + builder.of(x)
    shape: Shape = tuple(
        one if size_of(one) == size else dim(Axis(f"{builder.layer}/{own}:{at}", size, at))
        for at, (one, size) in enumerate(zip(old, sizes, strict=True))
    )
    return builder.add(Repeat(layer=builder.layer, name=own, inputs=(x,), shape=shape))


def tile(importer: Importer, node: FileNode) -> Made:
    """All of a dimension, so many times one after the other."""
    sizes, times = importer.sizes(node.inputs[0]), importer.wholes(node, 1) or ()
    if len(times) != len(sizes) or any(number < 1 for number in times):
        raise importer.refused(node, f"found {list(times)} times {list(sizes)}; expected a number for each dimension")
    x = importer.builder.reshape(importer.tensor(node.inputs[0]), [size for one in sizes for size in (1, one)])
    x = repeated(importer, x, tuple(size for pair in zip(times, sizes, strict=True) for size in pair))
    return importer.builder.reshape(x, [number * size for number, size in zip(times, sizes, strict=True)])


def pad(importer: Importer, node: FileNode) -> Made:
    """With a number before and after; negative: some left out."""
    sizes, x = importer.sizes(node.inputs[0]), importer.tensor(node.inputs[0])
    pads = importer.wholes(node, 1, "pads") or node.wholes("paddings") or ()
    dims = checked(importer, node, importer.wholes(node, 3) or range(len(sizes)), len(sizes))
    if node.word("mode", "constant") != "constant" or len(pads) != 2 * len(dims):
        raise importer.refused(
            node, f"found mode {node.word('mode', 'constant')} and {len(pads)} sizes; expected constant"
        )
    number = importer.scalar(node.input(2)) if node.input(2) else node.number_of("value", 0.0)
    if number is None:
        raise importer.refused(node, "its number is no constant")
    before, after = [0] * len(sizes), [0] * len(sizes)
    for at, one, other in zip(dims, pads, pads[len(dims) :], strict=False):
        before[at], after[at] = one, other
    if any(size + one + other < 1 for size, one, other in zip(sizes, before, after, strict=True)):
        raise importer.refused(node, f"leaves nothing of {list(sizes)}")
    return padded(importer, x, before, after, number) if any(pads) else x


def depth_to_space(importer: Importer, node: FileNode) -> Made:
    """Channels as blocks of a map: the block first, or the channel first."""
    batch, channels, height, width = importer.sizes(node.inputs[0])
    block = node.whole("blocksize", 1)
    if block < 1 or channels % block**2:
        raise importer.refused(node, f"{channels} channels are no blocks of {block} x {block}")
    left = channels // block**2
    first = node.word("mode", "DCR") == "DCR"
    parts = (block, block, left) if first else (left, block, block)
    x = importer.builder.reshape(importer.tensor(node.inputs[0]), (batch, *parts, height, width))
    x = importer.builder.transpose(x, (0, 3, 4, 1, 5, 2) if first else (0, 1, 4, 2, 5, 3))
    return importer.builder.reshape(x, (batch, left, height * block, width * block))


def same(importer: Importer, node: FileNode) -> Made:
    """What is read; of a dropout, unless it is one of training."""
    training = importer.constants.value(node.input(2)) if node.input(2) else None
    if any(node.outputs[1:]) or (node.input(2) and (training is None or bool(training.any()))):
        raise importer.refused(node, "drops numbers by chance, as in training; expected inference")
    return importer.tensor(node.inputs[0])


def resize(importer: Importer, node: FileNode) -> Made:
    """Each index of a map repeated a whole number of times, as the nearest; other ways are approximated if allowed."""
    x, sizes = importer.tensor(node.inputs[0]), importer.sizes(node.inputs[0])
    found = _resized(importer, node, sizes)
    times = [new // old for new, old in zip(found, sizes, strict=True)]
    if found == sizes:
        return x
    whole = all(number * size == new for number, size, new in zip(times, sizes, found, strict=True))
    if not whole or node.word("mode", "nearest") != "nearest" or not all(map(_repeats(importer, node), times, sizes)):
        if importer.approximate and found == importer.file.sizes.get(node.outputs[0]):
            importer.approximated[node.operator] += 1
            return importer.other(node, node.outputs[0])
        way = f"{node.word('mode', 'nearest')} from {list(sizes)} to {list(found)}"
        raise importer.refused(node, f"found {way}; expected the nearest by whole factors. Try --approximate.")
    builder = importer.builder
    own, shape = builder.name("view"), list(builder.of(x))
    for at, number in enumerate(times):
        if number > 1:
            order = shape[at][0].axis.order if shape[at] else at
            shape[at] = dim(Axis(f"{builder.layer}/{own}:{at}", found[at], order))
    return builder.add(Repeat(layer=builder.layer, name=own, inputs=(x,), shape=tuple(shape), times=tuple(times)))


def _resized(importer: Importer, node: FileNode, sizes: Sizes) -> Sizes:
    older = node.operator == "Upsample" or importer.file.opset < 11  # noqa: PLR2004 - with a region, since then
    scales = node.attributes.get("scales")
    name = node.input(1 if older else 2)
    if scales is None and name:
        value = importer.constants.value(name)
        scales = None if value is None else value.reshape(-1).tolist()
    wanted = None if older else importer.wholes(node, 3)
    dims = checked(importer, node, node.wholes("axes") or range(len(sizes)), len(sizes))
    if "axes" not in node.attributes and not scales and not wanted:
        raise importer.refused(node, "its scales or sizes are not known before the run")
    if node.word("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise importer.refused(node, "keeps the ratio of sizes; expected sizes or scales of all")
    found = list(sizes)
    for at, number in zip(dims, wanted or scales or (), strict=True):
        found[at] = int(number) if wanted else int(np.floor(sizes[at] * number))
    if min(found) < 1:
        raise importer.refused(node, f"leaves nothing of {list(sizes)}")
    return tuple(found)


def _repeats(importer: Importer, node: FileNode) -> Callable[[int, int], bool]:
    """Whether the nearest to an index i of the result is i // times, by the coordinates that the node says."""
    older = node.operator == "Upsample" or importer.file.opset < 11  # noqa: PLR2004
    way = "asymmetric" if older else node.word("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if older else node.word("nearest_mode", "round_prefer_floor")
    nearest = {
        "floor": np.floor,
        "ceil": np.ceil,
        "round_prefer_floor": lambda x: np.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    }.get(rounding)

    def repeats(times: int, size: int) -> bool:
        index = np.arange(size * times)
        at = {
            "asymmetric": index / times,
            "half_pixel": (index + 0.5) / times - 0.5,
            "pytorch_half_pixel": (index + 0.5) / times - 0.5 if size * times > 1 else index * 0.0,
            "align_corners": index * (size - 1) / max(1, size * times - 1),
        }.get(way)
        if nearest is None or at is None:
            return False
        return bool((np.clip(nearest(at), 0, size - 1) == index // times).all())

    return repeats


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
    "Concat": concat,
    "Tile": tile,
    "Pad": pad,
    "DepthToSpace": depth_to_space,
    "Dropout": same,
    "Resize": resize,
    "Upsample": resize,
}
