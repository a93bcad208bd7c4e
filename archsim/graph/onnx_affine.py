"""What follows a product with weights and is a scale and a shift of each output: it is made part of the weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.onnx_attention import before_product, scaling
from archsim.graph.onnx_constants import Constant, Reader
from archsim.graph.onnx_file import FileNode, Sizes
from archsim.graph.onnx_importer import Importer


@dataclass(frozen=True)
class Affine:
    """scale * x + shift, a number of each for every output; None: there is none.

    numbers: trained ones that both stand for.
    """

    scale: Reader | None = None
    shift: Reader | None = None
    numbers: int = 0

    def then(self, other: "Affine") -> "Affine":
        """Both, one after the other."""
        shift = self.shift if self.shift is None else _both(np.multiply, self.shift, other.scale)
        return Affine(
            _both(np.multiply, self.scale, other.scale),
            _both(np.add, shift, other.shift),
            self.numbers + other.numbers,
        )


def _both(function: Callable[..., Any], one: Reader | None, other: Reader | None) -> Reader | None:
    if one is None or other is None:
        return one or other
    return lambda: function(one(), other())


def times(number: float) -> Affine:
    """The same scale of all outputs."""
    return Affine() if number == 1 else Affine(scale=lambda: np.array(number, np.float32))


def scaled(affine: Affine, number: float) -> Affine:
    """With a shift so many times as large."""
    shift = affine.shift
    return affine if number == 1 or shift is None else replace(affine, shift=lambda: shift() * np.float32(number))


def fold(importer: Importer, name: str, sizes: Sizes, at: int) -> tuple[str, Affine]:
    """Take in all nodes that scale or shift a product's outputs, as long as nothing else reads what is between.

    Parameters
    ----------
    name, sizes
        Of the product's tensor in the file.
    at
        Dimension of its outputs.

    Returns
    -------
    tuple[str, Affine]
        The tensor that the last of them makes, and what they do.
    """
    whole = Affine()
    while (node := importer.file.only(name)) is not None and node.number not in importer.done and not node.domain:
        step = of_node(importer, node, name, sizes, at)
        if step is None or (scaling(importer, node, name, len(sizes)) and before_product(importer, node.outputs[0])):
            break
        whole = whole.then(step)
        importer.done.add(node.number)
        name = node.outputs[0]
    return name, whole


def of_node(importer: Importer, node: FileNode, name: str, sizes: Sizes, at: int) -> Affine | None:
    """What a node does to each index of a dimension of what it reads; None where it is anything else."""
    if node.operator == "BatchNormalization":
        return batchnorm(importer, node) if at == 1 and name == node.inputs[0] else None
    first = node.inputs[0] == name
    if node.operator not in ("Add", "Sub", "Mul", "Div") or (node.operator == "Div" and not first):
        return None
    number = importer.constants.get(node.inputs[1 if first else 0])
    if number is None or number.whole or not along(number.shape, sizes, at):
        return None
    own = of_number(importer, number, sizes[at])
    vector = own.shift
    assert vector is not None  # noqa: S101
    if node.operator == "Sub":
        return replace(own, shift=lambda: -vector()) if first else replace(own, scale=lambda: np.array(-1, np.float32))
    scales = {"Mul": vector, "Div": lambda: 1 / vector()}
    return own if node.operator == "Add" else Affine(scale=scales[node.operator], numbers=own.numbers)


def of_number(importer: Importer, number: Constant, size: int) -> Affine:
    """A constant, one number or one for each output, as a shift."""
    return Affine(
        shift=lambda: np.broadcast_to(number.read().reshape(-1).astype(np.float32), (size,)),
        numbers=importer.trained(number),
    )


def along(shape: Sizes, sizes: Sizes, at: int) -> bool:
    """Whether a constant has a number for each index of a dimension, or a single one."""
    padded = (1,) * (len(sizes) - len(shape)) + shape
    others = all(size == 1 for here, size in enumerate(padded) if here != at)
    return len(padded) == len(sizes) and others and padded[at] in (1, sizes[at])


def batchnorm(importer: Importer, node: FileNode) -> Affine:
    """A scale and a shift of each channel, by statistics that are known. Mean and variance are not trained.

    Raises ArchsimError where it takes them of what it reads.
    """
    if node.whole("training_mode", 0) or any(node.outputs[1:]) or not node.whole("spatial", 1):
        raise importer.refused(node, "normalises by what it reads, or position by position; expected inference")
    scale, shift, mean, variance = (
        importer.constant(node, at, what) for at, what in enumerate(("scale", "shift", "mean", "variance"), 1)
    )
    epsilon = node.number_of("epsilon", 1e-5)

    def slope() -> NDArray[Any]:
        found: NDArray[Any] = _numbers(scale) / np.sqrt(_numbers(variance) + epsilon)
        return found

    numbers = importer.learned(scale) + importer.learned(shift)
    return Affine(slope, lambda: _numbers(shift) - _numbers(mean) * slope(), numbers)


def _numbers(constant: Constant) -> NDArray[Any]:
    return constant.read().astype(np.float64)
