"""Scales and masks of scores: what stands before or after a product of two tensors, and is made part of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.nodes import Mask
from archsim.graph.onnx_constants import LARGE
from archsim.graph.onnx_file import FileNode, Sizes
from archsim.graph.onnx_importer import HIDDEN, Importer

_CLEAR = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Expand")
"""Views of which it does not matter whether a scale comes before or after."""
_SOFTENING = {"Softmax", "ReduceMax", "Sub", "Exp"}
"""What may read scores whose hidden ones are as good as minus infinity."""


def scaled_after(importer: Importer, name: str, dims: int) -> tuple[str, float]:
    """Multiplications of a product by single numbers, as long as nothing else reads what is between."""
    scale = 1.0
    while (node := importer.file.only(name)) is not None and node.number not in importer.done:
        number = scaling(importer, node, name, dims)
        if number is None:
            break
        importer.done.add(node.number)
        name, scale = node.outputs[0], scale * number
    return name, scale


def scaling(importer: Importer, node: FileNode, name: str, dims: int) -> float | None:
    """By which single number a node multiplies what it reads, of so many dimensions; None where it does anything else."""
    if node.domain or node.operator not in ("Mul", "Div"):
        return None
    first = node.inputs[0] == name
    other = node.inputs[1 if first else 0]
    number, constant = importer.scalar(other), importer.constants.get(other)
    if number is None or constant is None or len(constant.shape) > dims:
        return None
    if node.operator == "Mul":
        return number
    return 1 / number if first and number else None


def before_product(importer: Importer, name: str) -> bool:
    """Whether a tensor is read by a product of two operands made at run time alone, maybe in another view."""
    while (node := importer.file.only(name)) is not None and node.number not in importer.done and not node.domain:
        if node.operator in ("MatMul", "Einsum"):
            return all(map(importer.moving, node.inputs))
        clear = node.operator in _CLEAR and node.inputs[0] == name
        if not clear and scaling(importer, node, name, 1) is None:
            return False
        name = node.outputs[0]
    return False


def masked_after(importer: Importer, name: str, sizes: Sizes) -> tuple[str, Mask | None]:
    """A constant that is added to scores, or selects them, where it hides those of later keys, or none."""
    node = importer.file.only(name)
    added = None if node is None or node.domain or node.number in importer.done else _added(importer, node, name)
    fits = added is not None and added.ndim <= len(sizes)
    if node is None or added is None or not fits or np.broadcast_shapes(added.shape, sizes) != sizes:
        return name, None
    made, mask, visible = node.outputs[0], None, np.atleast_2d(added == 0)
    if not visible.all():
        queries, keys = sizes[-2:]
        ahead = np.arange(queries)[:, None] - np.arange(keys)
        span = int(np.count_nonzero(visible[..., -1:, :].reshape(-1)[:keys]))
        readers = {reader.operator for reader in importer.file.readers.get(made, ())}
        hides = (
            np.atleast_2d(added)[~visible].max() <= HIDDEN
            and readers <= _SOFTENING
            and made not in importer.file.outputs
        )
        if queries != keys or not hides or (visible != ((ahead >= 0) & (ahead < span))).any():
            return name, None
        mask = Mask(causal=True, span=None if span == keys else span)
    importer.done.add(node.number)
    return made, mask


def _added(importer: Importer, node: FileNode, name: str) -> NDArray[Any] | None:
    """The constant that a node adds, or as good as adds, to a tensor; None where it does anything else."""
    others = [importer.constants.get(other) for other in node.inputs if other != name]
    constants = [each for each in others if each is not None and each.numbers <= LARGE and importer.fixed(each)]
    if len(constants) < len(node.inputs) - 1:
        return None
    values = [each.read() for each in constants]
    if node.operator == "Add" and len(values) == 1 and values[0].dtype.kind == "f":
        return values[0]
    low = values[1] if node.operator == "Where" and len(values) == 2 and node.inputs[0] != name else None  # noqa: PLR2004
    if low is None or low.size != 1 or low.reshape(-1)[0] > HIDDEN:
        return None
    hides = values[0] if node.inputs[2] == name else ~values[0]
    return np.where(hides, -np.inf, 0)
