"""Operators of ONNX that repeat numbers, or put some around them; they are no work."""

from collections.abc import Callable
from typing import Any

import numpy as np

from archsim.graph.graph import WIDEST
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.spreading import expanded, padded

_BEYOND: dict[str, Callable[[Any, int], Any]] = {
    "edge": lambda at, size: np.clip(at, 0, size - 1),
    "reflect": lambda at, size: np.abs((at + size - 1) % max(1, 2 * size - 2) - (size - 1)),
    "wrap": lambda at, size: at % size,
}
"""By mode of a pad: which index stands at a place beyond the first or last."""


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
    if any(abs(each) > WIDEST for each in pads):
        raise importer.refused(node, f"found pads of more than {WIDEST:,}; expected fewer")
    if any(size + one + other < 1 for size, one, other in zip(sizes, before, after, strict=True)):
        raise importer.refused(node, f"leaves nothing of {list(sizes)}")
    if mode != "constant":
        for at, (one, other, size) in enumerate(zip(before, after, sizes, strict=True)):
            places = _BEYOND[mode](np.arange(-one, size + other), size)
            x = importer.builder.pick(x, at, places.tolist()) if one or other else x
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


def _map(importer: Importer, node: FileNode) -> Sizes:
    sizes = importer.sizes(node.inputs[0])
    if len(sizes) != 4:  # noqa: PLR2004
        raise importer.refused(node, f"found {list(sizes)}; expected batch, channels, height and width")
    return sizes


def space_to_depth(importer: Importer, node: FileNode) -> Made:
    """Blocks of a map as channels."""
    batch, channels, height, width = _map(importer, node)
    block = node.whole("blocksize", 1)
    if block < 1 or height % block or width % block:
        raise importer.refused(node, f"a map of {height} x {width} is no blocks of {block} x {block}")
    down, across = height // block, width // block
    x = importer.builder.reshape(importer.tensor(node.inputs[0]), (batch, channels, down, block, across, block))
    x = importer.builder.transpose(x, (0, 3, 5, 1, 2, 4) if node.word("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4))
    return importer.builder.reshape(x, (batch, channels * block**2, down, across))


def depth_to_space(importer: Importer, node: FileNode) -> Made:
    """Channels as blocks of a map: the block first, or the channel first."""
    batch, channels, height, width = _map(importer, node)
    block = node.whole("blocksize", 1)
    if block < 1 or channels % block**2:
        raise importer.refused(node, f"{channels} channels are no blocks of {block} x {block}")
    left = channels // block**2
    first = node.word("mode", "DCR") == "DCR"
    parts = (block, block, left) if first else (left, block, block)
    x = importer.builder.reshape(importer.tensor(node.inputs[0]), (batch, *parts, height, width))
    x = importer.builder.transpose(x, (0, 3, 4, 1, 5, 2) if first else (0, 1, 4, 2, 5, 3))
    return importer.builder.reshape(x, (batch, left, height * block, width * block))


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    "Tile": tile,
    "Pad": pad,
    "CenterCropPad": center_crop_pad,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
