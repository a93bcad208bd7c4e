"""Operators of ONNX that change the type of numbers; and whole numbers of few bits, which wrap around."""

from collections.abc import Callable

from archsim.graph.onnx.file import BOOLEAN, FLOATS, NARROW, WHOLES, FileNode
from archsim.graph.onnx.importer import Importer, Made

FORMATS = {
    "float16": (10, -14, 65504.0, 1),
    "bfloat16": (7, -126, 255 * 2.0**120, 1),
    "float8e4m3fn": (3, -6, 448.0, 2),
    "float8e4m3fnuz": (3, -7, 240.0, 2),
    "float8e5m2": (2, -14, 57344.0, 1),
    "float8e5m2fnuz": (2, -15, 57344.0, 2),
    "float4e2m1": (1, 0, 6.0, 3),
}
"""Bits of the mantissa, exponent of the smallest normal number, the largest, and what is larger: infinity (1) or NaN
(2), or that, where there is neither (3). Of 16 bits: IEEE 754-2019, and Intel's bfloat16 (2018); of 8: P. Micikevicius
et al. 2022, and B. Noune et al. 2022; of 4: OCP Microscaling Formats 1.0."""
_NAMES = {10: "float16", 16: "bfloat16", **NARROW}
_FINITE = 3
_FLOAT32, _INT32, _UINT32 = 1, 6, 12
_SAME_BITS = ({3, 2}, {5, 4}, {6, 12}, {7, 13}, {22, 21}, {26, 25})
"""Types of whole numbers with as many bits, with and without a sign."""


def held(importer: Importer, node: FileNode, x: str, *, name: str = "") -> str:
    """What a node makes as its type holds it: of whole numbers of few bits the lowest."""
    kind = importer.file.types.get(name or node.outputs[0], _FLOAT32)
    return wrapped(importer, kind, x)


def wrapped(importer: Importer, kind: int, x: str) -> str:
    """Whole numbers as a type holds them."""
    if kind not in WHOLES or kind == BOOLEAN:
        return x
    least, most = WHOLES[kind]
    bits, signed = (most - least).bit_length(), least < 0
    bits = 64 if most >> 62 else bits
    if signed and bits == 64:  # noqa: PLR2004 - as the executor has them
        return x
    return importer.builder.elementwise("view", "view", x, function="wrapped", parameters=(bits, signed))


def cast(importer: Importer, node: FileNode) -> Made:
    """Numbers of another type are no work: they are rounded, cut off towards zero, or wrap around."""
    kind, x = node.whole("to", _FLOAT32), importer.tensor(node.inputs[0])
    builder, given = importer.builder, importer.file.types.get(node.inputs[0], _FLOAT32)
    if kind in FLOATS or kind in NARROW:
        if given in WHOLES:
            x = builder.elementwise("view", "view", x, function="cast")
        if kind not in _NAMES:
            return x
        if _NAMES[kind] not in FORMATS:
            raise importer.refused(node, f"makes numbers of format {_NAMES[kind]}, which is not known")
        mantissa, least, largest, beyond = FORMATS[_NAMES[kind]]
        saturates = kind in NARROW and beyond < _FINITE and node.whole("saturate", 1)
        numbers = (mantissa, least, largest, 0 if saturates else beyond)
        return builder.elementwise("view", "view", x, function="rounded", parameters=numbers)
    if kind == BOOLEAN:
        return builder.elementwise("view", "view", x, function="truth")
    if kind not in WHOLES:
        raise importer.refused(node, "makes texts or complex numbers; expected numbers")
    if given not in WHOLES:
        x = builder.elementwise("view", "view", x, function="whole")
    if given in WHOLES and WHOLES[kind][0] <= WHOLES[given][0] and WHOLES[given][1] <= WHOLES[kind][1]:
        return x
    return wrapped(importer, kind, x)


def bitcast(importer: Importer, node: FileNode) -> Made:
    """The same bits as a type of as many: of 32, or of whole numbers."""
    kind, x = node.whole("to", _FLOAT32), importer.tensor(node.inputs[0])
    builder, given = importer.builder, importer.file.types.get(node.inputs[0], _FLOAT32)
    if kind == given:
        return x
    if given == _FLOAT32 and kind in (_INT32, _UINT32):
        return wrapped(importer, kind, builder.elementwise("view", "view", x, function="bits"))
    if kind == _FLOAT32 and given in (_INT32, _UINT32):
        return builder.elementwise("view", "view", x, function="of_bits")
    if {given, kind} in _SAME_BITS:
        return wrapped(importer, kind, x)
    raise importer.refused(node, "reads bits as another type; expected float32, or whole numbers")


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {"Cast": cast, "BitCast": bitcast}
