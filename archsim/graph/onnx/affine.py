"""What follows a product with weights and is a scale and a shift of each output: it is made part of the weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import quoted
from archsim.graph.axes import Axis, Factor, Shape, dim, reshaped, size_of
from archsim.graph.onnx.attention import before_product, scaling
from archsim.graph.onnx.constants import Constant, Reader
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer

VIEWS = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Slice")


@dataclass(frozen=True)
class Affine:
    """scale * x + shift, a number of each for every output; None: there is none.

    numbers: trained ones that both stand for. origin: the tensor that the shift alone is.
    """

    scale: Reader | None = None
    shift: Reader | None = None
    numbers: int = 0
    origin: str = ""

    def then(self, other: "Affine") -> "Affine":
        """Both, one after the other."""
        shift = self.shift if self.shift is None else _both(np.multiply, self.shift, other.scale)
        if Affine() in (self, other):
            return other if self == Affine() else self
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
    return (
        affine
        if number == 1 or shift is None
        else replace(affine, shift=lambda: shift() * np.float32(number), origin="")
    )


def fold(importer: Importer, name: str, sizes: Sizes, at: int) -> tuple[str, Affine]:
    """Take in all nodes that scale or shift a product's outputs, as long as nothing else reads what is between.

    Views may lie between; what comes after them is then the last view itself.

    Parameters
    ----------
    name, sizes
        Of the product's tensor in the file.
    at
        Dimension of its outputs.

    Returns
    -------
    tuple[str, Affine]
        The tensor that the last of them before any view makes, and what they do.
    """
    whole, last = Affine(), name
    outputs, shape = axes_of(sizes, at)
    while (node := importer.file.only(name)) is not None and node.number not in importer.done and not node.domain:
        if node.operator in VIEWS and node.inputs[0] == name:
            viewed = _viewed(importer, node, shape)
            if viewed is None:
                break
            name, shape = node.outputs[0], viewed
            continue
        step = of_node(importer, node, name, shape, outputs)
        if step is None or (scaling(importer, node, name, len(shape)) and before_product(importer, node.outputs[0])):
            break
        whole = whole.then(step)
        importer.done.add(node.number)
        if name == last:
            last = node.outputs[0]
        else:
            importer.fused[node.number] = partial(Importer.tensor, name=name)
        name = node.outputs[0]
    return last, whole


def axes_of(sizes: Sizes, at: int) -> tuple[Axis, Shape]:
    """The axis of a product's outputs, which is a dimension of these sizes; and all dimensions."""
    outputs = Axis("outputs", sizes[at])
    return outputs, tuple(dim(outputs if here == at else Axis(str(here), size)) for here, size in enumerate(sizes))


def _viewed(importer: Importer, node: FileNode, shape: Shape) -> Shape | None:
    """What a view makes of dimensions; None where that is not known."""
    if node.operator == "Transpose":
        order = node.wholes("perm") or range(len(shape))[::-1]
        return tuple(shape[at] for at in order) if sorted(order) == list(range(len(shape))) else None
    sizes = importer.file.sizes.get(node.outputs[0])
    if sizes is None or node.operator != "Slice":
        return None if sizes is None else reshaped(shape, sizes)
    whole = zip(shape, sizes, strict=True)
    return tuple(one if size_of(one) == size else dim(Axis("some of them", size)) for one, size in whole)


def of_node(importer: Importer, node: FileNode, name: str, shape: Shape, outputs: Axis) -> Affine | None:
    """What a node does to each index of an axis of what it reads; None where it is anything else."""
    if node.operator == "BatchNormalization":
        if len(shape) < 2 or name != node.inputs[0] or any(one.axis != outputs for one in shape[1]):  # noqa: PLR2004
            return None
        channels = size_of(shape[1]) or 1
        affine, sizes = batchnorm(importer, node, channels), (1, channels, *(1,) * (len(shape) - 2))
        slope, shift = (_spread(read, sizes, shape, outputs) for read in (affine.scale, affine.shift))
        return replace(affine, scale=slope, shift=shift)
    first = node.inputs[0] == name
    if node.operator not in ("Add", "Sub", "Mul", "Div") or (node.operator == "Div" and not first):
        return None
    number = importer.constants.get(node.inputs[1 if first else 0])
    if number is None or number.whole or not along(number.shape, shape, outputs):
        return None
    own = of_number(importer, number, shape, outputs)
    vector = own.shift
    assert vector is not None  # noqa: S101
    if node.operator == "Sub":
        negative = replace(own, shift=lambda: -vector(), origin="")
        return negative if first else replace(own, scale=lambda: np.array(-1, np.float32), origin="")
    scales = {"Mul": vector, "Div": lambda: 1 / vector()}
    return own if node.operator == "Add" else Affine(scale=scales[node.operator], numbers=own.numbers)


def of_number(importer: Importer, number: Constant, shape: Shape, outputs: Axis) -> Affine:
    """A constant, along an axis, as a shift."""
    padded = (1,) * (len(shape) - len(number.shape)) + number.shape
    order = [one.inner for each, one in _digits(padded, shape, outputs)]
    same = number.numbers == outputs.size and order == sorted(order, reverse=True)
    vector = _spread(number.read, padded, shape, outputs)
    return Affine(shift=vector, numbers=importer.trained(number), origin=number.origin if same else "")


def _digits(sizes: Sizes, shape: Shape, outputs: Axis) -> list[tuple[int, Factor]]:
    """Digits of an axis that dimensions have, each with the size of its dimension in a constant."""
    return [(n, each) for n, one in zip(sizes, shape, strict=True) for each in one if each.axis == outputs]


def _spread(read: Reader | None, sizes: Sizes, shape: Shape, outputs: Axis) -> Reader:
    """The numbers of a constant of these sizes, for each index of an axis of which dimensions have digits.

    They are the same for digits that no dimension has.
    """
    digits = _digits(sizes, shape, outputs)
    order = sorted(range(len(digits)), key=lambda at: -digits[at][1].inner)
    own: list[int] = []
    wide: list[int] = []
    left = outputs.size or 1
    for n, each in [digits[at] for at in order]:
        size = each.size or 1
        own += [1, 1 if n == 1 else size]
        wide += [left // (each.inner * size), size]
        left = each.inner
    assert read is not None  # noqa: S101

    def vector() -> NDArray[Any]:
        found = read().astype(np.float32).reshape([1 if n == 1 else each.size or 1 for n, each in digits])
        return np.broadcast_to(found.transpose(order).reshape([*own, 1]), [*wide, left]).reshape(-1)

    return vector


def along(sizes: Sizes, shape: Shape, outputs: Axis) -> bool:
    """Whether a constant has a number for each index of an axis, or some of its digits, or a single one."""
    padded = (1,) * (len(shape) - len(sizes)) + sizes
    return len(padded) == len(shape) and all(
        size == 1 or (size == size_of(one) and all(factor.axis == outputs for factor in one))
        for size, one in zip(padded, shape, strict=True)
    )


def batchnorm(importer: Importer, node: FileNode, channels: int) -> Affine:
    """A scale and a shift of each channel, by statistics that are known. Mean and variance are not trained.

    Raises ArchsimError where it takes them of what it reads.
    """
    if node.whole("training_mode", 0) or any(node.outputs[1:]) or not node.whole("spatial", 1):
        raise importer.refused(node, "normalises by what it reads, or position by position; expected inference")
    scale, shift, mean, variance = (
        importer.constant(node, at, what) for at, what in enumerate(("scale", "shift", "mean", "variance"), 1)
    )
    if {each.shape for each in (scale, shift, mean, variance)} != {(channels,)}:
        found = " and ".join(f"{list(each.shape)} of {quoted(each.name)}" for each in (scale, shift, mean, variance))
        raise importer.refused(node, f"found {found}; expected one each for {channels} channels")
    epsilon = node.number_of("epsilon", 1e-5)

    def slope() -> NDArray[Any]:
        found: NDArray[Any] = _numbers(scale) / np.sqrt(_numbers(variance) + epsilon)
        return found

    numbers = importer.learned(scale) + importer.learned(shift)
    return Affine(slope, lambda: _numbers(shift) - _numbers(mean) * slope(), numbers)


def _numbers(constant: Constant) -> NDArray[Any]:
    return constant.read().astype(np.float64)
