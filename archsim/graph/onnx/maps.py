"""Operators of ONNX that repeat numbers, or put some around them; they are no work."""

from collections.abc import Callable

import numpy as np

from archsim.graph.onnx.file import FileNode
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.spreading import expanded, padded


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
    return padded(importer.builder, x, before, after, number) if any(pads) else x


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


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    "Tile": tile,
    "Pad": pad,
    "DepthToSpace": depth_to_space,
}
