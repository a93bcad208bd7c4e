"""Operators of com.microsoft on whole numbers with a scale and a zero point, in ONNX's own operators."""

from collections.abc import Callable, Sequence

from archsim.graph.onnx.integers import product, rescaled
from archsim.graph.onnx.microsoft.attention import of_one_projection
from archsim.graph.onnx.writing import Write, Writing

_SOFTMAX_OF_ONE_AXIS = 13
"""Version from which a softmax is along one axis."""


def floats(writing: Writing, x: str, scale: str, zero: str) -> str:
    """What whole numbers stand for."""
    return writing.op("DequantizeLinear", x, scale, *([zero] if zero else []), axis=-1)


def codes(writing: Writing, x: str, scale: str, zero: str, *, to: str = "") -> str:
    """Numbers as whole ones."""
    return writing.op("QuantizeLinear", x, scale, *([zero] if zero else []), axis=-1, to=to)


def of_one(function: Callable[[Writing, str], str]) -> Write:
    """A function of one operand: its numbers, scale and zero point, then those of the result."""

    def write(writing: Writing) -> None:
        x, scale, zero, own, other = (writing.node.input(at) for at in range(5))
        made = function(writing, floats(writing, x, scale, zero))
        codes(writing, made, own, other or _zero(writing, x), to=writing.node.outputs[0])

    return write


def of_two(operator: str) -> Write:
    """An operator of two operands, each with its scale and zero point."""

    def write(writing: Writing) -> None:
        names = [writing.node.input(at) for at in range(8)]
        made = writing.op(operator, floats(writing, *names[:3]), floats(writing, *names[3:6]))
        codes(writing, made, names[6], names[7] or _zero(writing, names[0]), to=writing.node.outputs[0])

    return write


def _zero(writing: Writing, x: str) -> str:
    """A zero point of the operand's type: a result that names none is of that type."""
    return writing.number(0, x)


def leaky_relu(writing: Writing, x: str) -> str:
    """What is below 0, by a slope."""
    return writing.op("LeakyRelu", x, alpha=writing.node.number_of("alpha", 0.01))


def softmax(writing: Writing, x: str) -> str:
    """Along one axis, in the form that the version of the model has."""
    node = writing.node
    axis, rank = node.whole("axis", -1), len(writing.sizes(node.inputs[0]))
    one_axis = node.whole("opset", _SOFTMAX_OF_ONE_AXIS) >= _SOFTMAX_OF_ONE_AXIS
    if axis % rank != rank - 1 and one_axis != (writing.file.opset >= _SOFTMAX_OF_ONE_AXIS):
        raise writing.refused(f"found axis {axis} by the rules of another version; expected the last")
    return writing.op("Softmax", x, axis=axis)


def average(writing: Writing, x: str) -> str:
    """Of windows of a map."""
    names = ("auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides")
    given = {name: writing.node.attributes[name] for name in names if name in writing.node.attributes}
    return _channels_first(writing, x, lambda turned: writing.op("AveragePool", turned, **given))


def average_of_all(writing: Writing, x: str) -> str:
    """Of a map."""
    return _channels_first(writing, x, lambda turned: writing.op("GlobalAveragePool", turned))


def mean(writing: Writing, x: str) -> str:
    """Over some dimensions."""
    node = writing.node
    dims = node.wholes("axes") or range(len(writing.sizes(node.inputs[0])))
    return writing.over("ReduceMean", x, dims, keepdims=node.whole("keepdims", 1))


def _channels_first(writing: Writing, x: str, made: Callable[[str], str], to: str = "") -> str:
    """What is made of a map whose channels may come last."""
    if not writing.node.whole("channels_last", 0):
        return made(x)
    rank = len(writing.sizes(writing.node.inputs[0]))
    found = made(writing.op("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)]))
    return writing.op("Transpose", found, perm=[0, *range(2, rank), 1], to=to)


def _triples(names: Sequence[str]) -> list[Sequence[str]]:
    """Tensors, each with its scale and zero point."""
    return [names[at : at + 3] for at in range(0, len(names), 3)]


def concat(writing: Writing) -> None:
    """Operands with a scale and a zero point each."""
    node = writing.node
    scale, zero, *names = node.inputs
    parts = [floats(writing, *each) for each in _triples(names)]
    made = writing.op("Concat", *parts, axis=node.whole("axis", 0))
    codes(writing, made, scale, zero, to=node.outputs[0])


def where(writing: Writing) -> None:
    """One or the other."""
    condition, *names, scale, zero = writing.node.inputs
    parts = [floats(writing, *each) for each in _triples(names)]
    codes(writing, writing.op("Where", condition, *parts), scale, zero, to=writing.node.outputs[0])


def conv(writing: Writing) -> None:
    """ONNX's own, of a map whose channels may come last."""
    node = writing.node
    names = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
    given = {name: node.attributes[name] for name in names if name in node.attributes}
    last = bool(node.whole("channels_last", 0))

    def made(x: str) -> str:
        return writing.op("QLinearConv", x, *node.inputs[1:], to="" if last else node.outputs[0], **given)

    _channels_first(writing, node.inputs[0], made, node.outputs[0])


def gemm(writing: Writing) -> None:
    """A product of matrices, as whole numbers or as what they stand for."""
    node = writing.node
    a, a_scale, a_zero, b, b_scale, b_zero, added, scale, zero = (node.input(at) for at in range(9))
    turned = (bool(node.whole("transA", 0)), bool(node.whole("transB", 0)))
    made = product(writing, a, a_zero, b, b_zero, turned=turned)
    if added:
        made = writing.free("add", "Add", made, added)
    alpha = node.number_of("alpha", 1.0)
    worth = writing.free("mul", "Mul", a_scale, b_scale)
    worth = worth if alpha == 1 else writing.free("mul", "Mul", worth, writing.number(alpha, a_scale))
    if not scale:
        rescaled(writing, made, worth, to=node.outputs[0])
        return
    worth = writing.free("div", "Div", worth, scale)
    writing.free("requantized", "QuantizeLinear", made, worth, zero, to=node.outputs[0])


def to_float(writing: Writing) -> None:
    """A product of whole numbers as what it stands for."""
    node = writing.node
    a, b, a_scale, b_scale, a_zero, b_zero, bias = (node.input(at) for at in range(7))
    _scaled(writing, (a, a_zero, a_scale), (b, b_zero, b_scale), bias, node.outputs[0])


def dynamic(writing: Writing) -> None:
    """The same of numbers, over whose range they are made whole at run time."""
    node = writing.node
    a, b, b_scale, b_zero, bias = (node.input(at) for at in range(5))
    found = _dynamic(writing, a)
    _scaled(writing, found, (b, b_zero, b_scale), bias, node.outputs[0])


def _dynamic(writing: Writing, a: str) -> tuple[str, str, str]:
    """Whole numbers, their zero point, and their scale."""
    from onnx import helper

    made = tuple(f"{writing.name()} {word}" for word in ("codes", "scale", "zero"))
    writing.nodes.append(helper.make_node("DynamicQuantizeLinear", [a], list(made), writing.node.name))
    return made[0], made[2], made[1]


def _scaled(
    writing: Writing, first: tuple[str, str, str], second: tuple[str, str, str], bias: str, to: str = ""
) -> str:
    """A product of whole numbers by both scales, with a bias."""
    made = product(writing, *first[:2], *second[:2])
    worth = writing.free("mul", "Mul", first[2], second[2])
    found = rescaled(writing, made, worth, to="" if bias else to)
    return writing.op("Add", found, bias, to=to) if bias else found


def attention(writing: Writing) -> None:
    """Attention of values that a product of whole numbers makes."""
    node = writing.node
    x, weights, bias, scale, own, mask, zero, other, past = (node.input(at) for at in range(9))
    made = _scaled(writing, (x, zero, scale), (weights, other, own), bias)
    of_one_projection(writing, made, writing.sizes(weights)[1], (mask, past, "", ""))


def plain(operator: str) -> Write:
    """ONNX's own operator: per tensor, unless an axis is said."""

    def write(writing: Writing) -> None:
        node = writing.node
        writing.op(operator, *node.inputs, to=node.outputs[0], axis=node.whole("axis", 1))

    return write


QUANTISED: dict[str, Write] = {
    "QLinearAdd": of_two("Add"),
    "QLinearMul": of_two("Mul"),
    "QLinearSigmoid": of_one(lambda writing, x: writing.op("Sigmoid", x)),
    "QLinearLeakyRelu": of_one(leaky_relu),
    "QLinearSoftmax": of_one(softmax),
    "QLinearAveragePool": of_one(average),
    "QLinearGlobalAveragePool": of_one(average_of_all),
    "QLinearReduceMean": of_one(mean),
    "QLinearConcat": concat,
    "QLinearWhere": where,
    "QLinearConv": conv,
    "QGemm": gemm,
    "MatMulIntegerToFloat": to_float,
    "DynamicQuantizeMatMul": dynamic,
    "QAttention": attention,
    "QuantizeLinear": plain("QuantizeLinear"),
    "DequantizeLinear": plain("DequantizeLinear"),
}
