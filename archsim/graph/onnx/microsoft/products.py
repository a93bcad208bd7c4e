"""Products of com.microsoft, with what follows them, in ONNX's own operators."""

from typing import Any

from archsim.graph.onnx.microsoft.packed import unpacked
from archsim.graph.onnx.microsoft.rows import tanh_gelu
from archsim.graph.onnx.writing import Write, Writing

_FROM_INPUTS = 11
"""Version from which a clip has its bounds among the inputs."""
_PARAMETERS = {
    "LeakyRelu": ("alpha",),
    "Elu": ("alpha",),
    "ThresholdedRelu": ("alpha",),
    "HardSigmoid": ("alpha", "beta"),
    "Clip": ("min", "max"),
}
"""Of activations, in the order in which a product says them."""
_PLAIN = ("Relu", "Sigmoid", "Tanh", "Softplus", "HardSwish")


def activated(writing: Writing, x: str, numbers: list[float]) -> None:
    """The activation that the node names, as its result; numbers: its parameters, in order."""
    function, to = writing.node.word("activation", ""), writing.node.outputs[0]
    names = _PARAMETERS.get(function, ())
    if function == "Clip" and writing.file.opset >= _FROM_INPUTS and len(numbers) == len(names):
        writing.op("Clip", x, *(writing.number(each, x) for each in numbers), to=to)
    elif (function in _PLAIN and not numbers) or (names and len(numbers) <= len(names)):
        writing.op(function, x, to=to, **dict(zip(names, numbers, strict=False)))
    elif not function:
        writing.op("Identity", x, to=to)
    else:
        known = ", ".join((*_PLAIN, *_PARAMETERS))
        raise writing.refused(f"found activation {function!r} with {len(numbers)} parameters; expected one of {known}")


def _numbers(writing: Writing) -> list[float]:
    """Parameters of an activation, of which each has a name."""
    names = ("activation_alpha", "activation_beta", "activation_gamma")
    return [writing.node.number_of(name, 0.0) for name in names if name in writing.node.attributes]


def matmul(writing: Writing) -> None:
    """Two tensors, each as it is or transposed, by a single number; then an activation, if there is one."""
    node = writing.node
    operands = [_turned(writing, name, which) for name, which in zip(node.inputs, "AB", strict=True)]
    alpha = node.number_of("alpha", 1.0)
    activation = bool(node.word("activation", ""))
    to = "" if activation else node.outputs[0]
    made = writing.op("MatMul", *operands, to="" if alpha != 1 else to)
    if alpha != 1:
        made = writing.op("Mul", made, writing.number(alpha, node.inputs[0]), to=to)
    if activation:
        activated(writing, made, _numbers(writing))


def _turned(writing: Writing, name: str, which: str) -> str:
    """An operand with its last two dimensions, or those before the last, in another order."""
    node = writing.node
    last, batch = (node.whole(f"{word}{which}", 0) for word in ("trans", "transBatch"))
    if not last and not batch:
        return name
    rank = len(writing.sizes(name))
    order = list(range(rank))
    if rank < 2:  # noqa: PLR2004 - a vector has one order
        return name
    if batch:
        order = [*order[1:-1], 0, order[-1]]
    if last:
        order[-2:] = order[:-3:-1]
    return writing.op("Transpose", name, perm=order)


def gemm(writing: Writing) -> None:
    """Two matrices and a third, then an activation."""
    node = writing.node
    given: dict[str, Any] = {
        name: node.attributes[name] for name in ("alpha", "beta", "transA", "transB") if name in node.attributes
    }
    activated(writing, writing.op("Gemm", *filter(None, node.inputs), **given), _numbers(writing))


def conv(writing: Writing) -> None:
    """A convolution, maybe with another map added, then an activation."""
    node = writing.node
    names = ("group", "pads", "strides", "dilations", "kernel_shape", "auto_pad")
    given: dict[str, Any] = {name: node.attributes[name] for name in names if name in node.attributes}
    made = writing.op("Conv", *node.inputs[: 3 if node.input(2) else 2], **given)
    if node.input(3):
        made = writing.op("Add", made, node.inputs[3])
    activated(writing, made, [float(each) for each in node.attributes.get("activation_params", ())])


def gemm_fast_gelu(writing: Writing) -> None:
    """A product, a bias, and a curve."""
    made = writing.op("MatMul", *writing.node.inputs[:2])
    if writing.node.input(2):
        made = writing.op("Add", made, writing.node.inputs[2])
    tanh_gelu(writing, made, writing.node.outputs[0])


def matmul_of_bits(writing: Writing) -> None:
    """A product with weights of a few bits, packed in blocks: they are unpacked when their numbers are asked for."""
    node = writing.node
    weights = unpacked(writing)
    bias = node.input(5)
    made = writing.op("MatMul", node.inputs[0], weights, to="" if bias else node.outputs[0])
    if bias:
        writing.op("Add", made, bias, to=node.outputs[0])


PRODUCTS: dict[str, Write] = {
    "FusedMatMul": matmul,
    "TransposeMatMul": matmul,
    "FusedMatMulActivation": matmul,
    "FusedGemm": gemm,
    "FusedConv": conv,
    "GemmFastGelu": gemm_fast_gelu,
    "MatMulNBits": matmul_of_bits,
}
