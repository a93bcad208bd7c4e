"""Operators of ONNX on numbers at the same index."""

from collections.abc import Callable
from functools import partial
from math import inf

from archsim.errors import ArchsimError, quoted
from archsim.graph.onnx.affine import batchnorm
from archsim.graph.onnx.attention import before_product, hides_by_mask, scaling
from archsim.graph.onnx.casts import held
from archsim.graph.onnx.file import FileNode
from archsim.graph.onnx.importer import Importer, Made

_OF_ONE = ("Sqrt", "Reciprocal", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Asin", "Acos", "Atan", "Asinh", "Acosh", "Atanh")
_LOGIC = ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "Where")
_BITS = ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot")
PLAIN = {
    "Relu": ("relu", "relu"),
    "PRelu": ("relu", "prelu"),
    "HardSwish": ("hardswish", "hardswish"),
    "Sigmoid": ("sigmoid", "sigmoid"),
    "Tanh": ("tanh", "tanh"),
    "Erf": ("gelu", "erf"),
    "Softplus": ("softplus", "softplus"),
    "Softsign": ("softsign", "softsign"),
    "Mish": ("mish", "mish"),
    **{name: ("exp", name.lower()) for name in ("Exp", "Log", *_OF_ONE)},
    **{name: ("clip", name.lower()) for name in ("Neg", "Abs", "Sign", "Round", "Floor", "Ceil", "Min", "Max")},
    **{name: ("clip", name.lower()) for name in (*_LOGIC, *_BITS)},
    "Add": ("add", "add"),
    "Sum": ("add", "add"),
    "Mean": ("add", "mean"),
    "Sub": ("sub", "sub"),
    "Mul": ("mul", "mul"),
    "Div": ("div", "div"),
    "Pow": ("mul", "pow"),
}
"""(kind, function) by operator. The kind says of which work it is: a minimum is as much as a clip."""
_VARIADIC = ("Sum", "Min", "Max", "Mean")


def plain(importer: Importer, node: FileNode) -> Made:
    """A function without parameters. What it multiplies by, a product that alone reads it may do."""
    kind, function = PLAIN[node.operator]
    if "axis" in node.attributes or node.whole("broadcast", 0):
        raise importer.refused(node, "repeats operands by the rules of files older than version 7")
    importer.require_together(node, *node.inputs)
    moving = [name for name in node.inputs if importer.moving(name)]
    if len(moving) == 1 and len(node.inputs) == 2:  # noqa: PLR2004 - one of them a constant
        number = scaling(importer, node, moving[0], len(importer.sizes(moving[0])))
        if number is not None and before_product(importer, node.outputs[0]):
            importer.scales[node.outputs[0]] = importer.scales.get(moving[0], 1.0) * number
            return importer.tensor(moving[0])
    if len(node.inputs) == 1 and node.operator in _VARIADIC:
        return importer.tensor(node.inputs[0])
    if any(name in importer.softened and hides_by_mask(importer, node, name) for name in node.inputs):
        kind = "view"  # zeros for what is hidden
    xs = [importer.operand(name) for name in node.inputs]
    return held(importer, node, importer.builder.elementwise(kind, kind, *xs, function=function))


def chosen(kind: str, choose: Callable[[FileNode], str], importer: Importer, node: FileNode) -> Made:
    """One of several functions, by an attribute."""
    importer.require_together(node, *node.inputs)
    xs = [importer.operand(name) for name in node.inputs]
    return held(importer, node, importer.builder.elementwise(kind, kind, *xs, function=choose(node)))


def _direction(node: FileNode) -> str:
    word = node.word("direction", "")
    if word not in ("LEFT", "RIGHT"):
        raise ArchsimError(f"{node.label} ({node.operator}): found direction {quoted(word)}; expected LEFT or RIGHT")
    return f"shift_{word.lower()}"


def _infinite(node: FileNode) -> str:
    """Which infinities count. Of none nothing does: a number is never above and below another."""
    above, below = node.whole("detect_positive", 1), node.whole("detect_negative", 1)
    return "isinf" if above and below else "isposinf" if above else "isneginf" if below else "never"


def with_numbers(
    kind: str, function: str, numbers: tuple[tuple[str, float], ...], importer: Importer, node: FileNode
) -> Made:
    """A function with parameters, which are attributes: (name, default)."""
    if not importer.file.is_float(node.inputs[0]):
        raise importer.refused(node, "works on whole numbers; expected floating-point numbers")
    parameters = [node.number_of(name, default) for name, default in numbers]
    x = importer.tensor(node.inputs[0])
    return importer.builder.elementwise(kind, kind, x, function=function, parameters=parameters)


def clip(importer: Importer, node: FileNode) -> Made:
    """Between two bounds: attributes in older files, inputs in newer ones."""
    builder, x = importer.builder, importer.tensor(node.inputs[0])
    names = [node.input(1), node.input(2)]
    known = [importer.constants.value(name) if name else None for name in names]
    fixed = all(not name or (value is not None and value.size == 1) for name, value in zip(names, known, strict=True))
    if importer.file.is_float(node.inputs[0]) and fixed:
        least, most = node.number_of("min", -inf), node.number_of("max", inf)
        least, most = (
            default if value is None else float(value.reshape(-1)[0])
            for value, default in zip(known, (least, most), strict=True)
        )
        return builder.elementwise("clip", "clip", x, parameters=(least, most))
    for name, function in zip(names, ("max", "min"), strict=True):
        if name:
            importer.require_together(node, node.inputs[0], name, to=importer.sizes(node.inputs[0]))
            x = builder.elementwise("clip", "clip", x, importer.operand(name), function=function)
    return x


def gelu(importer: Importer, node: FileNode) -> Made:
    """Exact, or by a tanh."""
    function = "gelu_tanh" if node.word("approximate", "none") == "tanh" else "gelu"
    return importer.builder.elementwise("gelu", "gelu", importer.tensor(node.inputs[0]), function=function)


def swish(importer: Importer, node: FileNode) -> Made:
    """X times the sigmoid of alpha times x."""
    if node.number_of("alpha", 1.0) == 1:
        return importer.builder.elementwise("silu", "silu", importer.tensor(node.inputs[0]))
    return with_numbers("silu", "swish", (("alpha", 1.0),), importer, node)


def normalised(importer: Importer, node: FileNode) -> Made:
    """A scale and a shift of each channel that no product took in."""
    builder, x = importer.builder, importer.tensor(node.inputs[0])
    sizes = importer.sizes(node.inputs[0])
    shape = (sizes[1] if len(sizes) > 1 else 1, *(1,) * (len(sizes) - 2))
    if any(importer.moving(name) for name in node.inputs[1:]):
        return _by_operands(importer, node, x, shape)
    affine = batchnorm(importer, node, shape[0])
    assert affine.scale is not None  # noqa: S101
    assert affine.shift is not None  # noqa: S101
    name = f"{builder.layer}/{node.outputs[0]}"
    scale = importer.weight(f"{name}.scale", shape, affine.scale, affine.numbers)
    shift = importer.weight(f"{name}.shift", shape, affine.shift, 0)
    return builder.elementwise("batchnorm", "batchnorm", x, scale, shift)


def _by_operands(importer: Importer, node: FileNode, x: str, shape: tuple[int, ...]) -> str:
    """A batch norm of which something is made at run time."""
    builder = importer.builder
    if node.whole("training_mode", 0) or any(node.outputs[1:]) or not node.whole("spatial", 1):
        raise importer.refused(node, "normalises by what it reads, or position by position; expected inference")
    if any(importer.sizes(name) != shape[:1] for name in node.inputs[1:]):
        raise importer.refused(node, f"found no number each for {shape[0]} channels")
    vectors = [builder.reshape(importer.operand(name), shape) for name in node.inputs[1:]]
    numbers = (node.number_of("epsilon", 1e-5),)
    return builder.elementwise("batchnorm", "batchnorm", x, *vectors, function="normalised", parameters=numbers)


_ONE = ("alpha", 1.0)
_SELU = (("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875))
HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    **dict.fromkeys(PLAIN, plain),
    "LeakyRelu": partial(with_numbers, "relu", "leaky_relu", (("alpha", 0.01),)),
    "ThresholdedRelu": partial(with_numbers, "relu", "thresholdedrelu", (_ONE,)),
    "Elu": partial(with_numbers, "exp", "elu", (_ONE,)),
    "Celu": partial(with_numbers, "exp", "celu", (_ONE,)),
    "Selu": partial(with_numbers, "exp", "selu", _SELU),
    "Shrink": partial(with_numbers, "clip", "shrink", (("bias", 0.0), ("lambd", 0.5))),
    "HardSigmoid": partial(with_numbers, "clip", "hardsigmoid", (("alpha", 0.2), ("beta", 0.5))),
    "Mod": partial(chosen, "clip", lambda node: "fmod" if node.whole("fmod", 0) else "mod"),
    "BitShift": partial(chosen, "clip", _direction),
    "IsInf": partial(chosen, "clip", _infinite),
    "Swish": swish,
    "Clip": clip,
    "Gelu": gelu,
    "BatchNormalization": normalised,
}
