"""ONNX's operators between numbers and whole ones with a scale and a zero point: other codes of them are no work."""

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from archsim.graph.onnx.file import FLOATS, FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.spreading import repeated

RANGES = {
    2: (0, 255),
    3: (-128, 127),
    4: (0, 65535),
    5: (-32768, 32767),
    21: (0, 15),
    22: (-8, 7),
    25: (0, 3),
    26: (-2, 1),
}
"""By ONNX's number of a type, its smallest and largest number: unsigned and signed, of 8, 16, 4 and 2 bits."""
_INT32 = 6


def quantize(importer: Importer, node: FileNode) -> Made:
    """Divided by a scale, rounded to the nearest (halves to even), with a zero point, as large as the type lets it."""
    x = node.inputs[0]
    kind = importer.file.types.get(node.input(2), 0) if node.input(2) else node.whole("output_dtype", 0) or 2
    if kind not in RANGES:
        raise importer.refused(node, f"makes numbers of ONNX's type {kind}; expected whole ones of 2 to 16 bits")
    if node.whole("precision", FLOATS[0]) not in (0, FLOATS[0]):
        raise importer.refused(node, "divides in another type than float32")
    return _coded(importer, "quantize", x, _beside(importer, node), RANGES[kind])


def dequantize(importer: Importer, node: FileNode) -> Made:
    """Less a zero point, by a scale."""
    x = node.inputs[0]
    kind = importer.file.types.get(x, _INT32)
    if kind not in RANGES and kind != _INT32:
        raise importer.refused(node, f"reads numbers of ONNX's type {kind}; expected whole ones of 2 to 32 bits")
    return _coded(importer, "dequantize", x, _beside(importer, node))


def _coded(importer: Importer, function: str, x: str, others: Sequence[str], parameters: Sequence[float] = ()) -> str:
    """A function that is no work."""
    builder, first = importer.builder, importer.tensor(x)
    return builder.elementwise("view", "view", first, *others, function=function, parameters=parameters)


def _beside(importer: Importer, node: FileNode) -> list[str]:
    """The scale and the zero point in as many dimensions as the operand has."""
    sizes, scale = importer.sizes(node.inputs[0]), node.inputs[1]
    own = importer.sizes(scale)
    if prod(own) == 1 and len(own) < 2:  # noqa: PLR2004 - per tensor
        wanted: Sizes = ()
    else:
        at = checked(importer, node, (node.whole("axis", 1),), len(sizes))[0]
        block = node.whole("block_size", 0)
        if block:
            wanted = (*sizes[:at], -(-sizes[at] // block), *sizes[at + 1 :])
        else:
            wanted = tuple(size if here == at else 1 for here, size in enumerate(sizes))
        if own != (wanted if block else (sizes[at],)):
            raise importer.refused(node, f"found scales {list(own)} for {list(sizes)}; expected one for each of {at}")
    names = [scale, *([node.input(2)] if node.input(2) else [])]
    made = [_spread(importer, node, name, wanted, sizes) for name in names]
    return made if len(made) > 1 else [*made, _none(importer)]


def _spread(importer: Importer, node: FileNode, name: str, wanted: Sizes, sizes: Sizes) -> str:
    """A number for each index or block of a dimension, spread over blocks."""
    builder = importer.builder
    if prod(importer.sizes(name)) != prod(wanted):
        raise importer.refused(node, f"found {list(importer.sizes(name))} of '{name}'; expected {list(wanted)}")
    blocks = [size != own for size, own in zip(sizes, wanted, strict=False)] if node.whole("block_size", 0) else []
    times = [node.whole("block_size", 0) if block else 1 for block in blocks]
    if importer.moving(name):
        made = builder.reshape(importer.tensor(name), wanted)
        if not any(blocks):
            return made
        made = repeated(builder, made, times)
        for at, size in enumerate(sizes):
            made = made if not blocks[at] else builder.slice(made, at, 0, size)
        return made
    constant = importer.constant(node, node.inputs.index(name), "scale or zero point")

    def read() -> np.ndarray:
        found = constant.read().reshape(wanted)
        for at, number in enumerate(times):
            found = found if number == 1 else np.repeat(found, number, axis=at).take(range(sizes[at]), axis=at)
        return found if found.dtype.kind in "fV" else found.astype(np.int64)

    shape = sizes if any(blocks) else wanted
    return importer.weight(f"{builder.layer}/{node.outputs[0]}.{name}", shape, read, 0)


def _none(importer: Importer) -> str:
    """No zero point."""
    return importer.weight("zero point*", (), lambda: np.zeros((), np.int64), 0)


def requantized(importer: Importer, node: FileNode) -> Made:
    """Sums by a scale, with a zero point, rounded, as large as the zero point's type lets them."""
    sums, scale, *zero = node.inputs
    kind = importer.file.types.get(zero[0] if zero else node.outputs[0], 2)
    others = [importer.operand(scale), importer.operand(zero[0]) if zero else _none(importer)]
    return _coded(importer, "requantize", sums, others, RANGES[kind])


def plainly(function: str) -> Callable[[Importer, FileNode], Made]:
    """A function of all operands that is no work."""

    def made(importer: Importer, node: FileNode) -> Made:
        return _coded(importer, function, node.inputs[0], [importer.operand(name) for name in node.inputs[1:]])

    return made


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
}
MEANINGS: dict[str, Callable[[Importer, FileNode], Made]] = {
    "requantized": requantized,
    **{name: plainly(name) for name in ("sub", "add", "mul", "div", "rescale", "range_scale", "range_zero")},
}
"""Of nodes that stand for sums of whole numbers, or their scales: by what they are, whatever they look like."""
