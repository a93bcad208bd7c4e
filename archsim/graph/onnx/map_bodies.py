"""ONNX's transposed convolution, Col2Im and resizing in simpler operators."""

from dataclasses import dataclass
from math import ceil, prod

import numpy as np

from archsim.graph.onnx.file import Sizes
from archsim.graph.onnx.writing import Write, Writing

_MOST_TAPS = 1 << 12
"""Of a kernel, at each of the places between two indices of its map."""


@dataclass(frozen=True)
class _Side:
    """Of one dimension of a transposed convolution: sizes of the map, its kernel and the result; padding at the begin.

    The result is made in blocks of as many indices as the stride.
    """

    size: int
    kernel: int
    stride: int
    apart: int
    begin: int
    out: int

    @property
    def reach(self) -> int:
        """Indices from the first that a kernel covers to the last."""
        return (self.kernel - 1) * self.apart + 1

    @property
    def taps(self) -> int:
        """Indices of the map that a block needs."""
        return self.kernel if self.stride == 1 else ceil(self.reach / self.stride)

    @property
    def first(self) -> int:
        """Block of the result's first index."""
        return self.begin // self.stride

    @property
    def blocks(self) -> int:
        """How many, from the first on."""
        return -(-(self.begin + self.out) // self.stride) - self.first

    @property
    def before(self) -> int:
        """Indices before the map that the first block needs."""
        return (self.reach if self.stride == 1 else self.taps) - 1 - self.first

    @property
    def after(self) -> int:
        """Indices after the map that the last one needs."""
        return self.first + self.blocks - self.size


def conv_transpose(writing: Writing) -> None:
    """A convolution that gives a block of the result at each position of the map: the stride's indices of each channel.

    A block needs few positions of the map, the same for all blocks; so no zeros between the values of the map are
    multiplied (W. Shi et al., 2016).
    """
    node = writing.node
    x, weight, *bias = node.inputs
    sizes, shape, groups = writing.sizes(x), writing.sizes(weight), node.whole("group", 1)
    if len(sizes) != len(shape) or not 3 <= len(shape) <= 5 or shape[0] != sizes[1] or shape[0] % max(1, groups):  # noqa: PLR2004
        raise writing.refused(f"found {list(sizes)} and weights {list(shape)} in {groups} groups, which do not fit")
    sides = _sides(writing, sizes[2:], shape[2:])
    channels, dims = shape[1] * groups, range(len(sides))
    strides, blocks = [side.stride for side in sides], [side.blocks for side in sides]
    matrix = _arranged(writing, weight, (groups, shape[0] // groups, shape[1]), sides)
    edges = [(side.before, side.after) for side in sides]
    for at, (before, after) in enumerate(edges, 2):
        if min(before, after) < 0:
            x = writing.slice(x, at, max(0, -before), sizes[at] + min(0, after))
    made = writing.op(
        "Conv",
        x,
        matrix,
        group=groups,
        pads=[max(0, before) for before, _ in edges] + [max(0, after) for _, after in edges],
        dilations=[side.apart if side.stride == 1 else 1 for side in sides],
    )
    if prod(strides) > 1:
        made = writing.reshape(made, (sizes[0], channels, *strides, *blocks))
        order = [place for at in dims for place in (2 + len(sides) + at, 2 + at)]
        made = writing.op("Transpose", made, perm=[0, 1, *order])
        made = writing.reshape(made, (sizes[0], channels, *(side.blocks * side.stride for side in sides)))
    for at, side in enumerate(sides, 2):
        start = side.begin - side.first * side.stride
        if (start, side.out) != (0, side.blocks * side.stride):
            made = writing.slice(made, at, start, start + side.out)
    if bias and bias[0]:
        made = writing.op("Add", made, writing.reshape(bias[0], (channels, *(1,) * len(sides))))
    writing.op("Identity", made, to=node.outputs[0])


def _sides(writing: Writing, sizes: Sizes, kernel: Sizes) -> list[_Side]:
    """Of each dimension, by the attributes."""
    node, dims = writing.node, len(sizes)
    strides, apart = node.wholes("strides") or (1,) * dims, node.wholes("dilations") or (1,) * dims
    more, wanted = node.wholes("output_padding") or (0,) * dims, node.wholes("output_shape")
    pads, auto = node.wholes("pads") or (0,) * 2 * dims, node.word("auto_pad", "NOTSET")
    lengths = {len(kernel), len(strides), len(apart), len(more[:dims]), len((wanted or sizes)[-dims:])}
    fits = lengths == {dims} and len(pads) == 2 * dims and min(*kernel, *strides, *apart) >= 1 and min(more) >= 0
    if not fits or (node.wholes("kernel_shape") or kernel) != kernel:
        found = f"kernel {list(kernel)}, strides {list(strides)}, dilations {list(apart)}, pads {list(pads)}"
        raise writing.refused(f"found {found} on a map {list(sizes)}; expected one each for its dimensions")
    sides = []
    for at, size in enumerate(sizes):
        whole = strides[at] * (size - 1) + more[at] + (kernel[at] - 1) * apart[at] + 1
        begin, out = pads[at], whole - pads[at] - pads[at + dims]
        if auto.startswith("SAME") or wanted:
            out = wanted[-dims:][at] if wanted else size * strides[at]
            left = whole - out
            begin = left // 2 if auto == "SAME_UPPER" else left - left // 2
        elif auto == "VALID":
            begin, out = 0, whole
        if out < 1:
            raise writing.refused(f"found padding {list(pads)} that leaves nothing of {whole} indices")
        sides.append(_Side(size, kernel[at], strides[at], apart[at], begin, out))
        if sides[-1].taps > _MOST_TAPS:
            raise writing.refused(f"found a kernel {list(kernel)}; expected at most {_MOST_TAPS:,} taps a phase")
    return sides


def _arranged(writing: Writing, weight: str, channels: Sizes, sides: list[_Side]) -> str:
    """Weights [group x inputs, outputs, kernel] as [group x outputs x indices of a block, inputs, taps of a block].

    A tap that a kernel does not have is zero. channels: groups, inputs of one, outputs of one.
    """
    groups, inputs, outputs = channels
    kernel = [side.kernel for side in sides]
    x = writing.reshape(weight, (groups, inputs, outputs, *kernel))
    sizes = [groups, inputs, outputs, *kernel]

    def longer(x: str, at: int, size: int) -> str:
        missing = [0] * len(sizes)
        missing[at] = size - sizes[at]
        sizes[at] = size
        return writing.pad(x, [0] * len(sizes), missing) if any(missing) else x

    at = 3
    for side in sides:
        if side.stride > 1:
            if side.apart > 1:
                sizes[at : at + 1] = [side.kernel, 1]
                x = longer(writing.reshape(x, sizes), at + 1, side.apart)
                sizes[at : at + 2] = [side.kernel * side.apart]
                x = writing.slice(writing.reshape(x, sizes), at, 0, side.reach)
                sizes[at] = side.reach
            x = longer(x, at, side.taps * side.stride)
        sizes[at : at + 1] = [side.taps, side.stride]
        x = writing.reshape(x, sizes)
        backward = np.arange(side.taps)[::-1]
        x = writing.op("Gather", x, writing.number(backward), axis=at) if side.taps > 1 else x
        at += 2
    taps, blocks = range(3, at, 2), range(4, at, 2)
    x = writing.op("Transpose", x, perm=[0, 2, *blocks, 1, *taps])
    wide = groups * outputs * prod(side.stride for side in sides)
    return writing.reshape(x, (wide, inputs, *(side.taps for side in sides)))


MAPS: dict[str, Write] = {"ConvTranspose": conv_transpose}
