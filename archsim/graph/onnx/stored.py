"""How many bits the file's own numbers have: of weights, and of what comes into products."""

from archsim.graph.onnx.file import FileNode, ModelFile
from archsim.graph.weights import Stored

BITS = {2: 8, 3: 8, 4: 16, 5: 16, 21: 4, 22: 4, 25: 2, 26: 2}
"""By ONNX's number of a type of whole numbers."""
_SAME = (
    *("Identity", "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Split", "Expand"),
    *("Pad", "MaxPool", "Relu", "Dropout", "DequantizeLinear", "Sub"),
)
"""Operators whose results have the codes of their first operand, with or without a scale and a zero point."""
_MOST = 64
"""Operators that are gone back through."""


def stored(file: ModelFile, node: FileNode) -> Stored:
    """Of a product with weights: bits of the weights and of the other operand, as far as types say them."""
    first, second = node.inputs[:2]
    weights, given = (first, second) if first in file.constant else (second, first)
    return Stored(_bits(file, weights), _bits(file, given))


def _bits(file: ModelFile, name: str) -> int | None:
    """Of a tensor that stands for whole numbers; None where it does not."""
    for _ in range(_MOST):
        if name in file.bits:
            return file.bits[name]
        kind = file.types.get(name, 0)
        if kind in BITS:
            return BITS[kind]
        node = file.makers.get(name)
        if node is None or node.domain or not node.inputs:
            return None
        if node.operator == "Concat":
            parts = [_bits(file, each) for each in node.inputs]
            known = [each for each in parts if each is not None]
            return max(known) if len(known) == len(parts) else None
        centred = node.operator != "Sub" or file.meanings.get(name) == "sub" or _whole(file, name)
        if node.operator not in _SAME or not centred:
            return None
        name = node.inputs[0]
    return None


def _whole(file: ModelFile, name: str) -> bool:
    """Whether a difference is of whole numbers, as of codes less their zero point."""
    return not file.is_float(name)
