"""Norms, activations, embeddings and sums of com.microsoft in ONNX's own operators."""

from math import pi, sqrt

from archsim.graph.onnx.writing import Write, Writing

_POSITIONS = 1
_INT32 = 6


def layernorm(writing: Writing, x: str, scale: str, shift: str, epsilon: float, to: str) -> str:
    """Rows of the last dimension, as files have it that know no operator for it."""
    centred = writing.op("Sub", x, writing.over("ReduceMean", x, [-1]))
    variance = writing.over("ReduceMean", writing.op("Mul", centred, centred), [-1])
    root = writing.op("Sqrt", writing.op("Add", variance, writing.number(epsilon, x)))
    scaled = writing.op("Mul", writing.op("Div", centred, root), scale, to="" if shift else to)
    return writing.op("Add", scaled, shift, to=to) if shift else scaled


def rmsnorm(writing: Writing, x: str, scale: str, epsilon: float, to: str = "") -> str:
    """The same without a mean."""
    mean = writing.over("ReduceMean", writing.op("Mul", x, x), [-1])
    root = writing.op("Sqrt", writing.op("Add", mean, writing.number(epsilon, x)))
    return writing.op("Mul", writing.op("Div", x, root), scale, to=to)


def summed(writing: Writing, bias: str) -> str:
    """The input and what skips layers; the bias goes to the input, of which a product may take it in."""
    x, skip = writing.node.inputs[:2]
    to = writing.wanted(3)
    return writing.op("Add", writing.op("Add", x, bias) if bias else x, skip, to=to)


def skip_layernorm(writing: Writing) -> None:
    """A sum, which may be a result, and its norm."""
    _require_no_statistics(writing)
    node = writing.node
    total = summed(writing, node.input(4))
    layernorm(writing, total, node.inputs[2], node.input(3), node.number_of("epsilon", 1e-12), node.outputs[0])


def skip_rmsnorm(writing: Writing) -> None:
    """The same without a mean."""
    _require_no_statistics(writing)
    node = writing.node
    total = summed(writing, node.input(3))
    rmsnorm(writing, total, node.inputs[2], node.number_of("epsilon", 1e-12), node.outputs[0])


def simplified(writing: Writing) -> None:
    """A norm by the mean square of the last dimensions; onnxruntime has it among ONNX's own operators."""
    node = writing.node
    if writing.wanted(1):
        raise writing.refused("its statistics are read, which are not known")
    if node.whole("axis", -1) not in (-1, len(writing.sizes(node.inputs[0])) - 1):
        raise writing.refused(f"found axis {node.whole('axis', -1)}; expected the last, -1")
    rmsnorm(writing, node.inputs[0], node.inputs[1], node.number_of("epsilon", 1e-5), node.outputs[0])


def _require_no_statistics(writing: Writing) -> None:
    if writing.wanted(1) or writing.wanted(2):
        raise writing.refused("its mean or deviation is read, as in training; expected inference")


def embed(writing: Writing) -> None:
    """Rows of tables of words, positions and segments added, then a norm."""
    node = writing.node
    ids, segments, words, places, kinds, scale, shift, mask, positions = (node.input(at) for at in range(9))
    rows = writing.op("Gather", words, ids)
    if positions:
        placed = writing.op("Gather", places, positions)
    else:
        placed = writing.slice(places, 0, 0, writing.sizes(ids)[_POSITIONS])
    total = writing.op("Add", rows, placed, to="" if segments else writing.wanted(2))
    if segments:
        total = writing.op("Add", total, writing.op("Gather", kinds, segments), to=writing.wanted(2))
    layernorm(writing, total, scale, shift, node.number_of("epsilon", 1e-12), node.outputs[0])
    if writing.wanted(1):
        counted = mask or ids
        number = writing.over("ReduceSum", counted, [1], keepdims=0)
        if not mask:
            number = writing.op("Sub", number, number)
        writing.cast(number, _INT32, to=writing.wanted(1))


def erf_gelu(writing: Writing, x: str, to: str = "") -> str:
    """Half of x (1 + erf(x / sqrt 2))."""
    curve = writing.op("Erf", writing.op("Div", x, writing.number(sqrt(2), x)))
    more = writing.op("Add", curve, writing.number(1.0, x))
    return writing.op("Mul", writing.op("Mul", x, more), writing.number(0.5, x), to=to)


def tanh_gelu(writing: Writing, x: str, to: str = "") -> str:
    """Half of x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."""
    cube = writing.op("Mul", writing.op("Mul", x, x), x)
    bent = writing.op("Add", writing.op("Mul", cube, writing.number(0.044715, x)), x)
    curve = writing.op("Tanh", writing.op("Mul", bent, writing.number(sqrt(2 / pi), x)))
    more = writing.op("Add", curve, writing.number(1.0, x))
    return writing.op("Mul", writing.op("Mul", x, more), writing.number(0.5, x), to=to)


def gelu(writing: Writing) -> None:
    """Of a tensor."""
    erf_gelu(writing, writing.node.inputs[0], writing.node.outputs[0])


def bias_gelu(writing: Writing) -> None:
    """Of a sum."""
    erf_gelu(writing, writing.op("Add", *writing.node.inputs[:2]), writing.node.outputs[0])


def fast_gelu(writing: Writing) -> None:
    """By a tanh, of a tensor or a sum."""
    x, bias = writing.node.inputs[0], writing.node.input(1)
    tanh_gelu(writing, writing.op("Add", x, bias) if bias else x, writing.node.outputs[0])


def quick_gelu(writing: Writing) -> None:
    """By a sigmoid."""
    x = writing.node.inputs[0]
    slope = writing.number(writing.node.number_of("alpha", 1.702), x)
    writing.op("Mul", x, writing.op("Sigmoid", writing.op("Mul", x, slope)), to=writing.node.outputs[0])


def bias_split_gelu(writing: Writing) -> None:
    """The first half of a sum by the curve of the other half."""
    x, bias = writing.node.inputs
    half = writing.sizes(bias)[-1] // 2
    total = writing.op("Add", x, bias)
    first, second = (writing.slice(total, -1, start, start + half) for start in (0, half))
    writing.op("Mul", first, erf_gelu(writing, second), to=writing.node.outputs[0])


def bias_add(writing: Writing) -> None:
    """A sum of three."""
    x, bias, skip = writing.node.inputs
    writing.op("Add", writing.op("Add", x, bias), skip, to=writing.node.outputs[0])


ROWS: dict[str, Write] = {
    "SkipLayerNormalization": skip_layernorm,
    "SkipSimplifiedLayerNormalization": skip_rmsnorm,
    "SimplifiedLayerNormalization": simplified,
    "EmbedLayerNormalization": embed,
    "Gelu": gelu,
    "BiasGelu": bias_gelu,
    "FastGelu": fast_gelu,
    "QuickGelu": quick_gelu,
    "BiasSplitGelu": bias_split_gelu,
    "BiasAdd": bias_add,
}
