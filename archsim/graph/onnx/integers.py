"""ONNX's products of whole numbers, written out as products of numbers less their zero points, then scaled."""

from archsim.graph.onnx.writing import Write, Writing

_FLOAT, _UINT8, _INT32 = 1, 2, 6
_WINDOWS = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")


def centred(writing: Writing, x: str, zero: str, at: int | None = None) -> str:
    """Whole numbers less their zero point, or one for each index of a dimension."""
    value = writing.known(zero) if zero else None
    if not zero or (value is not None and not value.any()):
        return writing.cast(x, _INT32)
    if at is not None:
        zero = beside(writing, zero, at, len(writing.sizes(x)))
    operands = writing.cast(x, _INT32), writing.cast(zero, _INT32)
    return writing.op("Sub", *operands) if x in writing.file.constant else writing.free("sub", "Sub", *operands)


def beside(writing: Writing, x: str, at: int, rank: int) -> str:
    """A number for each index of a dimension, in as many dimensions as a tensor has; a single one stays."""
    sizes = writing.sizes(x)
    if not sizes or sizes == (1,):
        return x
    return writing.reshape(x, [-1 if here == at else 1 for here in range(rank)])


def product(
    writing: Writing, a: str, a_zero: str, b: str, b_zero: str, *, turned: tuple[bool, bool] = (False, False)
) -> str:
    """Of two tensors of whole numbers; turned: whether the last two dimensions of each are in the other order."""
    operands = [centred(writing, a, a_zero), centred(writing, b, b_zero)]
    if turned[1] and b_zero and len(writing.sizes(b_zero)) == 1 and writing.sizes(b_zero) != (1,):
        operands[1] = centred(writing, b, b_zero, 0)
    operands = [
        writing.op("Transpose", x, perm=[1, 0]) if other else x for x, other in zip(operands, turned, strict=True)
    ]
    return writing.op("MatMul", *operands)


def rescaled(writing: Writing, x: str, scale: str, *, to: str = "") -> str:
    """What sums of whole numbers stand for."""
    return writing.free("rescale", "Mul", writing.cast(x, _FLOAT), scale, to=to)


def matmul_integer(writing: Writing) -> None:
    """Sums of products of whole numbers."""
    node = writing.node
    operands = [centred(writing, node.inputs[at], node.input(at + 2)) for at in range(2)]
    writing.op("MatMul", *operands, to=node.outputs[0])


def qlinear_matmul(writing: Writing) -> None:
    """The same, with a scale, made whole again."""
    node = writing.node
    a, a_scale, a_zero, b, b_scale, b_zero, scale, zero = node.inputs
    made = product(writing, a, a_zero, b, b_zero)
    worth = writing.free("div", "Div", writing.free("mul", "Mul", a_scale, b_scale), scale)
    writing.free("requantized", "QuantizeLinear", made, worth, zero, to=node.outputs[0])


def conv_integer(writing: Writing) -> None:
    """Sums under windows; what lies outside is the zero point."""
    node = writing.node
    x, weights, x_zero, zero = (node.input(at) for at in range(4))
    _convolved(writing, (x, x_zero), (weights, zero), node.outputs[0])


def _convolved(writing: Writing, first: tuple[str, str], second: tuple[str, str], to: str = "") -> str:
    node = writing.node
    given = {name: node.attributes[name] for name in _WINDOWS if name in node.attributes}
    return writing.op("Conv", centred(writing, *first), centred(writing, *second, 0), to=to, **given)


def qlinear_conv(writing: Writing) -> None:
    """The same, with a bias and a scale for each channel, made whole again."""
    node = writing.node
    x, x_scale, x_zero, weights, w_scale, w_zero, scale, zero, bias = (node.input(at) for at in range(9))
    rank = len(writing.sizes(weights))
    made = _convolved(writing, (x, x_zero), (weights, w_zero))
    if bias:
        made = writing.free("add", "Add", made, beside(writing, bias, 1, rank))
    worth = writing.free("div", "Div", writing.free("mul", "Mul", x_scale, w_scale), scale)
    if writing.sizes(w_scale) not in ((), (1,)):
        worth = writing.reshape(worth, [-1 if here == 1 else 1 for here in range(rank)])
    writing.free("requantized", "QuantizeLinear", made, worth, zero, to=node.outputs[0])


def dynamic_quantize(writing: Writing) -> None:
    """The smallest and the largest number, 0 included, are 0 and 255."""
    node = writing.node
    x = node.inputs[0]
    dims = range(len(writing.sizes(x)))
    ends = [writing.over(word, x, dims, keepdims=0) for word in ("ReduceMin", "ReduceMax")]
    scale = writing.free("range_scale", "Sub", *ends, to=writing.wanted(1))
    zero = writing.cast(writing.free("range_zero", "Sub", ends[0], scale), _UINT8, to=writing.wanted(2))
    writing.op("QuantizeLinear", x, scale, zero, to=node.outputs[0])


def scaled_sums(writing: Writing) -> None:
    """A product with what sums of products of whole numbers are worth: it is no work, as it is the sums' scale."""
    node = writing.node
    for x, scale in (node.inputs, node.inputs[::-1]):
        cast = writing.file.makers.get(x)
        sums = None if cast is None or cast.operator != "Cast" or cast.domain else cast.inputs[0]
        maker = writing.file.makers.get(sums) if sums else None
        if sums and maker is not None and maker.operator in ("MatMulInteger", "ConvInteger") and writing.is_float(x):
            rescaled(writing, sums, scale, to=node.outputs[0])
            return


INTEGERS: dict[str, Write] = {
    "MatMulInteger": matmul_integer,
    "QLinearMatMul": qlinear_matmul,
    "ConvInteger": conv_integer,
    "QLinearConv": qlinear_conv,
    "DynamicQuantizeLinear": dynamic_quantize,
    "Mul": scaled_sums,
}
