"""Windows of ONNX's convolutions and poolings: strides, dilations, padding on both sides or as much as is needed."""

from typing import NamedTuple

from archsim.errors import quoted
from archsim.graph.bounds import LARGEST_SIZE
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer
from archsim.graph.windows import Interval

_PADDINGS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


class Span(NamedTuple):
    """Of one dimension: what an index of the result needs, how many of these there are, and padding at the end."""

    interval: Interval
    size: int
    end: int


def windows(importer: Importer, node: FileNode, sizes: Sizes, kernel: Sizes) -> tuple[Span, ...]:
    """Of each dimension of a map. Raises ArchsimError where attributes do not fit, or nothing would be left."""
    dims = len(sizes)
    strides = node.wholes("strides") or (1,) * dims
    apart = node.wholes("dilations") or (1,) * dims
    pads = node.wholes("pads") or (0,) * 2 * dims
    auto, rounded_up = node.word("auto_pad", "NOTSET"), bool(node.whole("ceil_mode", 0))
    if auto not in _PADDINGS:
        raise importer.refused(node, f"found auto_pad {quoted(auto)}; expected one of {', '.join(_PADDINGS)}")
    fits = len(kernel) == len(strides) == len(apart) == dims and len(pads) == 2 * dims
    if (
        not fits
        or min((*kernel, *strides, *apart)) < 1
        or min(pads) < 0
        or max((*kernel, *strides, *apart, *pads)) > LARGEST_SIZE
        or (node.wholes("kernel_shape") or kernel) != kernel
    ):
        found = f"kernel {list(kernel)}, strides {list(strides)}, dilations {list(apart)}, pads {list(pads)}"
        said = f", kernel_shape {list(node.wholes('kernel_shape') or ())}" if node.wholes("kernel_shape") else ""
        expected = "expected one each for its dimensions, and a kernel_shape like the weights"
        raise importer.refused(node, f"found {found}{said} on a map {list(sizes)}; {expected}")
    spans = []
    for at, size in enumerate(sizes):
        reach, stride = (kernel[at] - 1) * apart[at] + 1, strides[at]
        begin, end = pads[at], pads[at + dims]
        if auto.startswith("SAME"):
            needed = max(0, (-(-size // stride) - 1) * stride + reach - size)
            begin = needed // 2 if auto == "SAME_UPPER" else needed - needed // 2
            end = needed - begin
        elif auto == "VALID":
            begin = end = 0
        room = size + begin + end - reach
        out = (-(-room // stride) if rounded_up else room // stride) + 1
        if rounded_up and (out - 1) * stride >= size + begin:  # a window would begin in the padding at the end
            out -= 1
        if out < 1 or room < 0:
            raise importer.refused(
                node, f"a kernel of {reach} does not fit {size} indices with padding {begin} and {end}"
            )
        spans.append(Span(Interval(kernel[at], stride, begin, apart[at]), out, end))
    return tuple(spans)


def entering(node: FileNode, result: Sizes, channels: int, kernel: Sizes) -> Sizes:
    """Sizes of a map whose convolution has this result, where nobody says them."""
    dims = len(kernel)
    strides = node.wholes("strides") or (1,) * dims
    apart = node.wholes("dilations") or (1,) * dims
    pads = node.wholes("pads") or (0,) * 2 * dims
    if node.word("auto_pad", "NOTSET").startswith("SAME"):
        return (result[0], channels, *(size * stride for size, stride in zip(result[2:], strides, strict=True)))
    rows = zip(result[2:], strides, kernel, apart, pads[:dims], pads[dims:], strict=True)
    return (
        result[0],
        channels,
        *((size - 1) * stride + (k - 1) * a + 1 - begin - end for size, stride, k, a, begin, end in rows),
    )
