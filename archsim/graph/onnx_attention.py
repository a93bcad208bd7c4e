"""Around products of two tensors made at run time: scales and masks that a product takes in, as they cost nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.nodes import Mask
from archsim.graph.onnx_file import FileNode
from archsim.graph.onnx_importer import HIDDEN, Importer

CLEAR = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Expand")
"""Views of which it does not matter whether a scale comes before or after."""
_LARGE = 1 << 24
"""Numbers of a mask that is looked at."""


def after(importer: Importer, node: FileNode, sizes: Sequence[int], *, whole: bool) -> tuple[str, float, Mask | None]:
    """What follows a product: multiplications by single numbers, then a mask, if a softmax alone reads it.

    Parameters
    ----------
    node, sizes
        The product and the sizes of its result.
    whole
        Whether the result is all that the node makes; else nothing is taken in.

    Returns
    -------
    tuple[str, float, Mask | None]
        The tensor that the last of these nodes makes, the scale, and the mask.
    """
    name, scale = node.outputs[0], 1.0
    while whole and (reader := importer.file.only(name)) is not None and reader.number not in importer.done:
        number = scaling(importer, reader, name, len(sizes))
        seen = _seen(importer, reader, name, sizes) if number is None else None
        mask = None if seen is None or seen.all() else _mask(seen, sizes)
        if number is None and (seen is None or not (mask or seen.all())):
            break
        importer.done.add(reader.number)
        name, scale = reader.outputs[0], scale * (number or 1.0)
        if mask:
            return name, scale, mask
    return name, scale, None


def _mask(seen: NDArray[Any], sizes: Sequence[int]) -> Mask | None:
    """Keys behind the query, or further off than some, are hidden. None: any others."""
    queries, keys = sizes[-2:] if len(sizes) > 1 else (0, 1)
    if queries != keys or seen.shape[-2:] != (queries, keys):
        return None
    span = int(seen[..., -1, :].sum() // max(1, seen[..., -1, 0].size))
    causal = np.tri(keys, dtype=np.bool_) & ~np.tri(keys, k=-span, dtype=np.bool_)
    return Mask(causal=True, span=None if span == keys else span) if span and bool((seen == causal).all()) else None


def _seen(importer: Importer, node: FileNode, name: str, sizes: Sequence[int]) -> NDArray[Any] | None:
    """True for keys that a constant shows, which is added, or by which it is chosen, before a softmax. None: others."""
    last = importer.file.only(node.outputs[0])
    if last is None or last.operator != "Softmax" or node.domain or node.operator not in ("Add", "Where"):
        return None
    added, first = node.operator == "Add", node.inputs[1] == name
    constant = importer.constants.get(node.inputs[0 if first or not added else 1])
    low = HIDDEN if added else importer.scalar(node.inputs[2 if first else 1])
    if constant is None or constant.numbers > _LARGE or not importer.fixed(constant) or low is None or low > HIDDEN:
        return None
    padded = (1,) * (len(sizes) - len(constant.shape)) + constant.shape
    if len(padded) != len(sizes) or any(size not in (1, own) for size, own in zip(padded, sizes, strict=True)):
        return None
    found = constant.read()
    if not added:
        return np.asarray(found == first)
    return None if bool(((found != 0) & (found > HIDDEN)).any()) else np.asarray(found == 0)


def scaling(importer: Importer, node: FileNode, name: str, dims: int) -> float | None:
    """By which single number a node multiplies what it reads, of so many dimensions; None: it does anything else."""
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
        clear = node.operator in CLEAR and node.inputs[0] == name
        if not clear and scaling(importer, node, name, 1) is None:
            return False
        name = node.outputs[0]
    return False
