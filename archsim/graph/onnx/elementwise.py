"""Operators of ONNX on numbers at the same index."""

from collections.abc import Callable
from functools import partial
from math import inf

from archsim.graph.onnx.affine import batchnorm
from archsim.graph.onnx.attention import before_product, hides_by_mask, scaling
from archsim.graph.onnx.file import BOOLEAN, FLOATS, FileNode
from archsim.graph.onnx.importer import Importer, Made

PLAIN = {
    "Relu": ("relu", "relu"),
    "PRelu": ("relu", "prelu"),
    "HardSwish": ("hardswish", "hardswish"),
    "Sigmoid": ("sigmoid", "sigmoid"),
    "Tanh": ("tanh", "tanh"),
    "Erf": ("gelu", "erf"),
    **{name: ("exp", name.lower()) for name in ("Exp", "Log", "Sin", "Cos", "Sqrt", "Reciprocal")},
    **{name: ("clip", name.lower()) for name in ("Neg", "Abs", "Sign", "Round", "Floor", "Ceil", "Min", "Max")},
    **{name: ("clip", name.lower()) for name in ("Where", "Equal", "Less", "Greater", "And", "Or", "Not", "IsNaN")},
    "Add": ("add", "add"),
    "Sum": ("add", "add"),
    "Sub": ("sub", "sub"),
    "Mul": ("mul", "mul"),
    "Div": ("div", "div"),
    "Pow": ("mul", "pow"),
}
"""(kind, function) by operator. The kind says of which work it is: a minimum is as much as a clip."""


def plain(importer: Importer, node: FileNode) -> Made:
    """A function without parameters. What it multiplies by, a product that alone reads it may do."""
    kind, function = PLAIN[node.operator]
    if node.operator in ("Div", "Pow") and not importer.file.is_float(node.inputs[0]):
        raise importer.refused(node, "works on whole numbers at run time; expected floating-point numbers")
    if "axis" in node.attributes or node.whole("broadcast", 0):
        raise importer.refused(node, "repeats operands by the rules of files older than version 7")
    importer.require_together(node, *node.inputs)
    moving = [name for name in node.inputs if importer.moving(name)]
    if len(moving) == 1 and len(node.inputs) == 2:  # noqa: PLR2004 - one of them a constant
        number = scaling(importer, node, moving[0], len(importer.sizes(moving[0])))
        if number is not None and before_product(importer, node.outputs[0]):
            importer.scales[node.outputs[0]] = importer.scales.get(moving[0], 1.0) * number
            return importer.tensor(moving[0])
    if len(node.inputs) == 1 and node.operator in ("Sum", "Min", "Max"):
        return importer.tensor(node.inputs[0])
    if any(name in importer.softened and hides_by_mask(importer, node, name) for name in node.inputs):
        kind = "view"  # zeros for what is hidden
    xs = [importer.operand(name) for name in node.inputs]
    return importer.builder.elementwise(kind, kind, *xs, function=function)


def with_numbers(
    kind: str, function: str, numbers: tuple[tuple[str, float], ...], importer: Importer, node: FileNode
) -> Made:
    """A function with parameters, which are attributes: (name, default)."""
    parameters = [node.number_of(name, default) for name, default in numbers]
    x = importer.tensor(node.inputs[0])
    return importer.builder.elementwise(kind, kind, x, function=function, parameters=parameters)


def clip(importer: Importer, node: FileNode) -> Made:
    """Between two bounds: attributes in older files, inputs in newer ones."""
    if not importer.file.is_float(node.inputs[0]):
        raise importer.refused(node, "works on whole numbers at run time; expected floating-point numbers")
    bounds = []
    for at, (name, none) in enumerate((("min", -inf), ("max", inf)), 1):
        bound = node.number_of(name, none)
        if node.input(at):
            value = importer.constants.value(node.input(at))
            if value is None or value.size != 1:
                raise importer.refused(node, f"its bound {name} is no single number that is known before the run")
            bound = float(value.reshape(-1)[0])
        bounds.append(bound)
    return importer.builder.elementwise("clip", "clip", importer.tensor(node.inputs[0]), parameters=bounds)


def gelu(importer: Importer, node: FileNode) -> Made:
    """Exact, or by a tanh."""
    function = "gelu_tanh" if node.word("approximate", "none") == "tanh" else "gelu"
    return importer.builder.elementwise("gelu", "gelu", importer.tensor(node.inputs[0]), function=function)


def normalised(importer: Importer, node: FileNode) -> Made:
    """A scale and a shift of each channel that no product took in."""
    builder, x = importer.builder, importer.tensor(node.inputs[0])
    sizes = importer.sizes(node.inputs[0])
    affine = batchnorm(importer, node, sizes[1] if len(sizes) > 1 else 1)
    shape = (sizes[1], *(1,) * (len(sizes) - 2))
    assert affine.scale is not None  # noqa: S101
    assert affine.shift is not None  # noqa: S101
    name = f"{builder.layer}/{node.outputs[0]}"
    scale = importer.weight(f"{name}.scale", shape, affine.scale, affine.numbers)
    shift = importer.weight(f"{name}.shift", shape, affine.shift, 0)
    return builder.elementwise("batchnorm", "batchnorm", x, scale, shift)


def cast(importer: Importer, node: FileNode) -> Made:
    """Numbers of another type are no work."""
    kind, x = node.whole("to", FLOATS[0]), importer.tensor(node.inputs[0])
    given = importer.file.types.get(node.inputs[0], FLOATS[0])
    function = "cast" if kind in FLOATS else "truth" if kind == BOOLEAN else "whole"
    if function == "whole" and given not in FLOATS:
        return x
    return importer.builder.elementwise("view", "view", x, function=function)


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    **dict.fromkeys(PLAIN, plain),
    "LeakyRelu": partial(with_numbers, "relu", "leaky_relu", (("alpha", 0.01),)),
    "Elu": partial(with_numbers, "exp", "elu", (("alpha", 1.0),)),
    "HardSigmoid": partial(with_numbers, "clip", "hardsigmoid", (("alpha", 0.2), ("beta", 0.5))),
    "Clip": clip,
    "Gelu": gelu,
    "BatchNormalization": normalised,
    "Cast": cast,
}
