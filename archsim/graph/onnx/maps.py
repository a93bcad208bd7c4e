"""Operators of ONNX that repeat numbers, put some around them, or resize maps; they are no work."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.onnx.picking import pick
from archsim.graph.onnx.unknown import approximated
from archsim.graph.spreading import expanded, padded, repeated

_BEYOND: dict[str, Callable[[Any, int], Any]] = {
    "edge": lambda at, size: np.clip(at, 0, size - 1),
    "reflect": lambda at, size: np.abs((at + size - 1) % max(1, 2 * size - 2) - (size - 1)),
    "wrap": lambda at, size: at % size,
}
"""By mode of a pad: which index stands at a place beyond the first or last."""
_REGIONS = 11
"""Version from which a resize has a region among its inputs, and says its coordinates."""
_NEAREST: dict[str, Callable[[Any], Any]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}


def expand(importer: Importer, node: FileNode) -> Made:
    """Repeated to a shape."""
    sizes, wanted = importer.sizes(node.inputs[0]), importer.wholes(node, 1)
    try:
        found = np.broadcast_shapes(sizes, wanted or ())
    except ValueError:
        raise importer.refused(node, f"{list(sizes)} cannot be repeated to {list(wanted or ())}") from None
    return expanded(importer.builder, importer.tensor(node.inputs[0]), found)


def tile(importer: Importer, node: FileNode) -> Made:
    """All of a dimension, so many times one after the other."""
    sizes, times = importer.sizes(node.inputs[0]), importer.wholes(node, 1) or ()
    if len(times) != len(sizes) or any(number < 1 for number in times):
        raise importer.refused(node, f"found {list(times)} times {list(sizes)}; expected a number for each dimension")
    x = importer.builder.reshape(importer.tensor(node.inputs[0]), [size for one in sizes for size in (1, one)])
    x = expanded(importer.builder, x, [size for pair in zip(times, sizes, strict=True) for size in pair])
    return importer.builder.reshape(x, [number * size for number, size in zip(times, sizes, strict=True)])


def pad(importer: Importer, node: FileNode) -> Made:
    """With a number before and after; negative: some left out."""
    sizes, x = importer.sizes(node.inputs[0]), importer.tensor(node.inputs[0])
    pads = importer.wholes(node, 1, "pads") or node.wholes("paddings") or ()
    dims = checked(importer, node, importer.wholes(node, 3) or range(len(sizes)), len(sizes))
    mode = node.word("mode", "constant")
    if mode not in (*_BEYOND, "constant") or len(pads) != 2 * len(dims):
        raise importer.refused(node, f"found mode {mode} and {len(pads)} sizes; expected two for each dimension")
    before, after = [0] * len(sizes), [0] * len(sizes)
    for at, one, other in zip(dims, pads, pads[len(dims) :], strict=False):
        before[at], after[at] = one, other
    if any(size + one + other < 1 for size, one, other in zip(sizes, before, after, strict=True)):
        raise importer.refused(node, f"leaves nothing of {list(sizes)}")
    if mode != "constant":
        for at, (one, other, size) in enumerate(zip(before, after, sizes, strict=True)):
            places = _BEYOND[mode](np.arange(-one, size + other), size)
            x = pick(importer, x, at, places.tolist()) if one or other else x
        return x
    number = importer.scalar(node.input(2)) if node.input(2) else node.number_of("value", 0.0)
    if number is None:
        raise importer.unsized(node, node.input(2))
    return padded(importer.builder, x, before, after, number) if any(pads) else x


def center_crop_pad(importer: Importer, node: FileNode) -> Made:
    """Zeros around dimensions, or indices left out on both sides; where the number is odd, one more at the end."""
    sizes = importer.sizes(node.inputs[0])
    wanted = importer.wholes(node, 1) or ()
    dims = checked(importer, node, node.wholes("axes") or range(len(sizes)), len(sizes))
    if len(wanted) != len(dims) or min(wanted, default=0) < 1:
        raise importer.refused(node, f"found sizes {list(wanted)}; expected one for each of {len(dims)} dimensions")
    before, after = [0] * len(sizes), [0] * len(sizes)
    for at, size in zip(dims, wanted, strict=True):
        more = size - sizes[at]
        before[at] = more // 2 if more > 0 else -(-more // 2)
        after[at] = more - before[at]
    x = importer.tensor(node.inputs[0])
    return padded(importer.builder, x, before, after) if any((*before, *after)) else x


def space_to_depth(importer: Importer, node: FileNode) -> Made:
    """Blocks of a map as channels."""
    batch, channels, height, width = importer.sizes(node.inputs[0])
    block = node.whole("blocksize", 1)
    if block < 1 or height % block or width % block:
        raise importer.refused(node, f"a map of {height} x {width} is no blocks of {block} x {block}")
    down, across = height // block, width // block
    x = importer.builder.reshape(importer.tensor(node.inputs[0]), (batch, channels, down, block, across, block))
    x = importer.builder.transpose(x, (0, 3, 5, 1, 2, 4) if node.word("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4))
    return importer.builder.reshape(x, (batch, channels * block**2, down, across))


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


def resize(importer: Importer, node: FileNode) -> Made:
    """Each index of a map repeated a whole number of times, as the nearest; other ways are approximated if allowed."""
    x, sizes = importer.tensor(node.inputs[0]), importer.sizes(node.inputs[0])
    factors = _factors(importer, node, sizes)
    found = tuple(int(np.floor(size * factor + 1e-6)) for size, factor in zip(sizes, factors, strict=True))
    times = tuple(int(factor) for factor in factors)
    if all(factor == 1 for factor in factors):
        return x
    nearest = times == factors and node.word("mode", "nearest") == "nearest"
    if not nearest or not all(_repeats(importer, node, *pair) for pair in zip(times, sizes, strict=True)):
        if importer.approximate and found == importer.file.sizes.get(node.outputs[0]):
            return approximated(importer, node)
        way = f"{node.word('mode', 'nearest')} from {list(sizes)} to {list(found)}"
        raise importer.refused(node, f"found {way}; expected the nearest by whole factors. Try --approximate.")
    return repeated(importer.builder, x, times)


def _factors(importer: Importer, node: FileNode, sizes: Sizes) -> tuple[float, ...]:
    """By which dimensions grow: scales among the attributes or the inputs, or sizes."""
    older = node.operator == "Upsample" or importer.file.opset < _REGIONS
    scales: Sequence[float] | None = node.attributes.get("scales")
    name = node.input(1 if older else 2)
    if scales is None and name:
        value = importer.constants.value(name)
        scales = None if value is None else value.reshape(-1).tolist()
    wanted = None if older else importer.wholes(node, 3)
    dims = checked(importer, node, node.wholes("axes") or range(len(sizes)), len(sizes))
    numbers = [new / sizes[at] for at, new in zip(dims, wanted, strict=False)] if wanted else scales or []
    if len(numbers) != len(dims) or min(numbers) <= 0 or node.word("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise importer.refused(node, "found no scales or sizes of all dimensions that are known before the run")
    grown = dict(zip(dims, numbers, strict=True))
    return tuple(grown.get(at, 1.0) for at in range(len(sizes)))


def _repeats(importer: Importer, node: FileNode, times: int, size: int) -> bool:
    """Whether the nearest to an index i of the result is i // times, by the coordinates that the node says."""
    older = node.operator == "Upsample" or importer.file.opset < _REGIONS
    way = "asymmetric" if older else node.word("coordinate_transformation_mode", "half_pixel")
    nearest = _NEAREST.get("floor" if older else node.word("nearest_mode", "round_prefer_floor"))
    index = np.arange(size * times)
    centred = (index + 0.5) / times - 0.5
    at = {
        "asymmetric": index / times,
        "half_pixel": centred,
        "pytorch_half_pixel": centred if len(index) > 1 else 0 * centred,
        "align_corners": index * (size - 1) / max(1, len(index) - 1),
    }.get(way)
    if nearest is None or at is None:
        return False
    return bool((np.clip(nearest(at), 0, size - 1) == index // times).all())


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    "Tile": tile,
    "Pad": pad,
    "CenterCropPad": center_crop_pad,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Resize": resize,
    "Upsample": resize,
}
