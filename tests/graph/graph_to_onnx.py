"""A Graph of fixed sizes written as a model of ONNX, node by node from what each kind of node means."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph import nodes, sequence_nodes, views
from archsim.graph.axes import sizes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archsim.graph.graph import Graph
    from archsim.graph.nodes import Mask
    from archsim.graph.windows import Interval

Array = NDArray[Any]
_OPSET = 23
_FUNCTIONS = {
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "gelu": "Gelu",
    "exp": "Exp",
    "abs": "Abs",
    "neg": "Neg",
    "hardswish": "HardSwish",
    "add": "Add",
    "mul": "Mul",
    "sub": "Sub",
    "max": "Max",
    "min": "Min",
}
_REDUCTIONS = {"sum": "ReduceSum", "mean": "ReduceMean", "maximum": "ReduceMax", "minimum": "ReduceMin"}


class Writer:
    """Nodes and constants so far. sizes: of tensors by name, without the batch of the job."""

    def __init__(self, graph: Graph, weights: Mapping[str, Array]) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = dict(weights)
        self.sizes: dict[str, tuple[int, ...]] = {name: x.shape for name, x in weights.items()}
        tensors = [(each.name, each.shape) for each in graph.inputs] + [(node.key, node.shape) for node in graph.nodes]
        for name, shape in tensors:
            self.sizes[name] = tuple(size or 0 for size in sizes_of(shape))

    def add(self, operator: str, *inputs: str, into: str = "", **attributes: Any) -> str:  # noqa: ANN401 - as ONNX has them
        """A node, which makes the tensor `into`."""
        from onnx import helper

        name = into or f"made {len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, value: object, kind: type = np.int64) -> str:
        """A constant, as whole numbers if nothing else is said."""
        name = f"constant {len(self.constants)}"
        self.constants[name] = np.asarray(value, dtype=kind)
        return name

    def reshaped(self, x: str, sizes: Sequence[int], into: str = "") -> str:
        """In other dimensions."""
        return self.add("Reshape", x, self.constant(list(sizes)), into=into)

    def lettered(self, x: str, letters: str, wanted: str, into: str = "") -> str:
        """Dimensions in another order, by letters."""
        return self.add("Transpose", x, into=into, perm=[letters.index(letter) for letter in wanted])


def onnx_model(graph: Graph, weights: Mapping[str, Array]) -> Any:  # noqa: ANN401 - protobuf's own type
    """The model; its inputs and outputs have the Graph's names."""
    from onnx import TensorProto, helper, numpy_helper

    writer = Writer(graph, weights)
    for node in graph.nodes:
        _WRITERS[type(node)](writer, node)
    kinds = {each.name: TensorProto.FLOAT if each.whole is None else TensorProto.INT64 for each in graph.inputs}
    given = [helper.make_tensor_value_info(name, kind, writer.sizes[name]) for name, kind in kinds.items()]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, writer.sizes[name]) for name in graph.outputs]
    constants = [numpy_helper.from_array(x, name) for name, x in writer.constants.items()]
    made = helper.make_graph(writer.nodes, "written", given, results, constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=10)


def _contraction(writer: Writer, node: nodes.Contraction) -> None:
    first, second = node.inputs[:2]
    sizes = dict(zip(node.result, writer.sizes[node.key], strict=True))
    if node.stationary:
        second = writer.reshaped(second, node.second_sizes)
    if node.windows:
        x = _convolution(writer, node, first, second)
    elif (node.second, node.first[-1], node.result) == ("oi", "i", node.first[:-1] + "o"):
        x = writer.add("MatMul", first, writer.lettered(second, "oi", "io"))
    else:
        x = writer.add("Einsum", first, second, equation=f"{node.first},{node.second}->{node.result}")
    for bias in node.inputs[2:]:
        spread = [sizes[letter] if letter in node.second else 1 for letter in node.result]
        x = writer.add("Add", x, writer.reshaped(bias, spread))
    x = writer.add("Mul", x, writer.constant(node.scale, np.float32))
    if node.cap is not None:
        cap = writer.constant(node.cap, np.float32)
        x = writer.add("Mul", writer.add("Tanh", writer.add("Div", x, cap)), cap)
    if node.mask is not None:
        queries, keys = (sizes[letter] for letter in node.result[-2:])
        x = writer.add("Add", x, writer.constant(hidden(node.mask, queries, keys), np.float32))
    writer.add("Identity", x, into=node.key)


def hidden(mask: Mask, queries: int, keys: int) -> list[list[float]]:
    """Minus infinity where a key is hidden from a query, else 0."""

    def one(query: int, key: int) -> float:
        own = query + mask.past
        late, early = mask.causal and key > own, mask.span is not None and key <= own - mask.span
        return -np.inf if late or early else 0.0

    return [[one(query, key) for key in range(keys)] for query in range(queries)]


def _convolution(writer: Writer, node: nodes.Contraction, first: str, second: str) -> str:
    """As Conv: rows that no window has are its batch, letters that all share its groups."""
    intervals = {letter: interval for letter, _, interval in node.windows}
    taps = "".join(tap for _, tap, _ in node.windows)
    moved = "".join(intervals)
    batch = "".join(letter for letter in node.rows if letter not in intervals)
    channels = "".join(letter for letter in node.summed if letter not in taps)
    of_first = dict(zip(node.first, writer.sizes[first], strict=True))
    of_second = dict(zip(node.second, node.second_sizes, strict=True))
    of_result = dict(zip(node.result, writer.sizes[node.key], strict=True))

    def merged(sizes: Mapping[str, int], *groups: str) -> list[int]:
        return [prod(sizes[letter] for letter in group) for group in groups]

    x = writer.lettered(first, node.first, batch + node.shared + channels + moved)
    x = writer.reshaped(x, merged(of_first, batch, node.shared + channels, *moved))
    weight = writer.lettered(second, node.second, node.shared + node.outputs + channels + taps)
    weight = writer.reshaped(weight, merged(of_second, node.shared + node.outputs, channels, *taps))
    ends = _ends([(intervals[x], of_first[x], of_result[x]) for x in moved])
    made = writer.add(
        "Conv",
        x,
        weight,
        group=prod(of_second[letter] for letter in node.shared),
        pads=[*(intervals[letter].pad for letter in moved), *ends],
        strides=[intervals[letter].stride for letter in moved],
        dilations=[intervals[letter].apart for letter in moved],
    )
    letters = batch + node.shared + node.outputs + moved
    return writer.lettered(writer.reshaped(made, [of_result[letter] for letter in letters]), letters, node.result)


def _ends(windows: Sequence[tuple[Interval, int, int]]) -> list[int]:
    """Padding after the last index, for windows (interval, indices, indices of the result)."""
    return [max(0, (number - 1) * each.stride + each.span - size - each.pad) for each, size, number in windows]


def _pool(writer: Writer, node: nodes.Pool) -> None:
    dims = range(len(node.shape))
    windowed = [at for at, _ in node.windows]
    order = [at for at in dims if at not in windowed] + windowed
    own, of_result = writer.sizes[node.inputs[0]], writer.sizes[node.key]
    others = prod(own[at] for at in dims if at not in windowed)
    x = writer.add("Transpose", node.inputs[0], perm=order)
    x = writer.reshaped(x, [others, 1, *(own[at] for at in windowed)])
    shape: dict[str, Any] = {
        "kernel_shape": [interval.taps for _, interval in node.windows],
        "strides": [interval.stride for _, interval in node.windows],
        "dilations": [interval.apart for _, interval in node.windows],
    }
    begins = [0, 0, *(interval.pad for _, interval in node.windows)]
    pads = writer.constant([*begins, 0, 0, *_ends([(each, own[at], of_result[at]) for at, each in node.windows])])

    def padded(name: str, number: float) -> str:
        return writer.add("Pad", name, pads, writer.constant(number, np.float32))

    if node.function == "maximum":
        x = writer.add("MaxPool", padded(x, -np.inf), **shape)
    else:
        inside = writer.constant(np.ones([1, 1, *(own[at] for at in windowed)]), np.float32)
        counted = padded(inside, float(node.padding_counts))
        x = writer.add("Div", *(writer.add("AveragePool", each, **shape) for each in (padded(x, 0), counted)))
    x = writer.reshaped(x, [of_result[at] for at in order])
    writer.add("Transpose", x, into=node.key, perm=[order.index(at) for at in dims])


def _normalise(writer: Writer, node: nodes.Normalise) -> None:
    dims = [at for at in range(len(node.shape)) if at not in node.dims]
    order = [*dims, *node.dims]
    sizes = [writer.sizes[node.key][at] for at in order]
    x = writer.add("Transpose", node.inputs[0], perm=order)
    if node.function in ("softmax", "log_softmax"):
        flat = writer.reshaped(x, [*sizes[: len(dims)], prod(sizes[len(dims) :])])
        x = writer.add({"softmax": "Softmax", "log_softmax": "LogSoftmax"}[node.function], flat, axis=-1)
        x = writer.reshaped(x, sizes)
    else:
        operator = {"layernorm": "LayerNormalization", "rmsnorm": "RMSNormalization"}[node.function]
        x = writer.add(operator, x, *node.inputs[1:], axis=len(dims), epsilon=node.epsilon)
    writer.add("Transpose", x, into=node.key, perm=[order.index(at) for at in range(len(order))])


def _reduce(writer: Writer, node: nodes.Reduce) -> None:
    dims = writer.constant(list(node.dims))
    writer.add(_REDUCTIONS[node.function], node.inputs[0], dims, into=node.key, keepdims=int(node.kept))


def _elementwise(writer: Writer, node: nodes.Elementwise) -> None:
    if node.function == "silu":
        writer.add("Mul", node.inputs[0], writer.add("Sigmoid", node.inputs[0]), into=node.key)
    elif node.function == "gelu_tanh":
        writer.add("Gelu", node.inputs[0], into=node.key, approximate="tanh")
    else:
        writer.add(_FUNCTIONS[node.function], *node.inputs, into=node.key)


def _embedding(writer: Writer, node: sequence_nodes.Embedding) -> None:
    ids, table, *others = node.inputs
    x = writer.add("Mul", writer.add("Gather", table, ids, axis=0), writer.constant(node.scale, np.float32))
    if node.positions:
        rows = node.first_position + np.arange(writer.sizes[ids][-1])
        x = writer.add("Add", x, writer.add("Gather", others[0], writer.constant(rows), axis=0))
    writer.add("Identity", x, into=node.key)


def _rotary(writer: Writer, node: sequence_nodes.Rotary) -> None:
    """Number i of a head at a position is turned with its partner: by a matrix for each position."""
    positions, _, values = writer.sizes[node.key][-3:]
    matrices = np.zeros((positions, values, values), np.float32)
    half = node.turned // 2
    for position, value in product(range(positions), range(values)):
        if value >= node.turned:
            matrices[position, value, value] = 1
            continue
        pair = value % half if node.halves else value // 2
        is_first = value < half if node.halves else value % 2 == 0
        partner = (value + half if is_first else value - half) if node.halves else value ^ 1
        angle = position * node.inverse_frequencies[pair]
        matrices[position, value, value] = node.magnitude * np.cos(angle)
        matrices[position, partner, value] = node.magnitude * np.sin(angle) * (-1 if is_first else 1)
    constant = writer.constant(matrices, np.float32)
    writer.add("Einsum", node.inputs[0], constant, into=node.key, equation="...phi,pio->...pho")


def _slice(writer: Writer, node: views.Slice) -> None:
    stop = node.start + node.step * writer.sizes[node.key][node.dim]
    stop = -(1 << 31) if stop < 0 else stop  # backwards, to the first
    ends = (writer.constant([each]) for each in (node.start, stop, node.dim, node.step))
    writer.add("Slice", node.inputs[0], *ends, into=node.key)


def _pad(writer: Writer, node: views.Pad) -> None:
    pads, number = writer.constant([*node.before, *node.after]), writer.constant(node.number, np.float32)
    writer.add("Pad", node.inputs[0], pads, number, into=node.key)


def _repeat(writer: Writer, node: views.Repeat) -> None:
    x, sizes = node.inputs[0], writer.sizes[node.inputs[0]]
    if node.times:
        x = writer.reshaped(x, [each for size in sizes for each in (size, 1)])
        spread = [each for pair in zip(sizes, node.times, strict=True) for each in pair]
        x = writer.add("Expand", x, writer.constant(spread))
        writer.reshaped(x, writer.sizes[node.key], into=node.key)
    else:
        writer.add("Expand", x, writer.constant(writer.sizes[node.key]), into=node.key)


_WRITERS: dict[type[nodes.Node], Callable[[Writer, Any], object]] = {
    nodes.Contraction: _contraction,
    nodes.Pool: _pool,
    nodes.Normalise: _normalise,
    nodes.Reduce: _reduce,
    nodes.Elementwise: _elementwise,
    sequence_nodes.Embedding: _embedding,
    sequence_nodes.Rotary: _rotary,
    views.Reshape: lambda writer, node: writer.reshaped(node.inputs[0], writer.sizes[node.key], into=node.key),
    views.Transpose: lambda writer, node: writer.add("Transpose", *node.inputs, into=node.key, perm=node.order),
    views.Slice: _slice,
    views.Concat: lambda writer, node: writer.add("Concat", *node.inputs, into=node.key, axis=node.dim),
    views.Pad: _pad,
    views.Repeat: _repeat,
    views.Keep: lambda writer, node: writer.add("Identity", *node.inputs, into=node.key),
}
