"""What each ONNX operator is for archsim: products, windows, work on rows, or nothing but another view."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

from archsim.errors import ArchsimError
from archsim.graph.onnx_recurrent import recurrent
from archsim.graph.weave import Kernel, Size, Value, Weaver, grown

Shape = tuple[int, ...]
_IMAGE = 4  # sizes of batch, channels, height, width


@dataclass(frozen=True)
class Node:
    """One node: its operator, tensors, attributes (integers and lists of them alone)."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    foreign: bool

    @classmethod
    def of(cls, node: Any) -> "Node":  # noqa: ANN401 - protobuf's own type
        """Of protobuf's node."""
        attributes = {
            each.name: list(each.ints) or each.s.decode(errors="replace") or each.i for each in node.attribute
        }
        foreign = node.domain not in ("", "ai.onnx")
        return cls(node.op_type, node.name, tuple(node.input), tuple(node.output), attributes, foreign)


class Importer:
    """Goes through the nodes in order and weaves operators of them."""

    def __init__(self, shapes: Mapping[str, Shape | None], constants: set[str], readers: Mapping[str, int]) -> None:
        """Take shapes by tensor, the tensors that are constant, and how many nodes read each."""
        self.shapes, self.constants, self.readers = shapes, constants, readers
        self.weaver = Weaver()
        self.values: dict[str, Value] = {}
        self.outside: dict[str, None] = {}
        self.missing: list[str] = []
        self._outside_tensors: set[str] = set()

    def is_work(self, node: Node) -> bool:
        """Whether a node computes with data: not with constants, nor where it is left to the host."""
        if all(name in self.constants for name in node.outputs):
            return False
        if node.foreign or any(name in self._outside_tensors for name in node.inputs):
            unknown = all(self.shapes.get(name) is None for name in node.outputs)
            if node.foreign or unknown:
                self._outside_tensors.update(name for name in node.outputs if self.shapes.get(name) is None)
                self.outside[node.kind] = None
                return False
        return True

    def node(self, node: Node) -> None:
        """Weave one node."""
        if not self.is_work(node):
            return
        first = next(name for name in node.outputs if name)
        shape = self.shapes.get(first)
        if shape is None:
            self.missing.append(first)
            return
        made = HANDLED.get(node.kind, _other)(self, node, shape)
        for name in node.outputs:
            if name in self.values:
                continue  # its handler knew better
            if self.shapes.get(name) == shape or name == node.outputs[0]:
                self.values[name] = made
            elif (part := self.shapes.get(name)) is not None:
                self.values[name] = viewed(made, part)

    def require_shapes(self) -> None:
        """Raise where sizes were not known."""
        if self.missing:
            first = ", ".join(self.missing[:3])
            found = f"sizes of {len(self.missing)} tensors are not known, such as {first}"
            raise ArchsimError(f"{found}. Try --shape INPUT=1x3x224x224.")

    def notes(self) -> list[str]:
        """What was left out."""
        if not self.outside:
            return []
        return [f"left to the host, as their sizes depend on data: {', '.join(self.outside)}"]

    def value(self, name: str) -> Value:
        """What a tensor is: woven before, or coming in from outside."""
        shape = self.shapes.get(name) or (1,)
        return self.values.get(name) or Value((), *layout(shape))

    def moving(self, node: Node) -> list[str]:
        """Inputs that are made at run time."""
        return [name for name in node.inputs if name and name not in self.constants]


def layout(shape: Shape) -> tuple[int, Size]:
    """Values at a position, and the map: batch x channels x height x width, batch x positions x values, values."""
    if len(shape) == _IMAGE:
        return shape[1], (shape[2], shape[3])
    if len(shape) <= 2:  # noqa: PLR2004 - batch x values
        return shape[-1] if shape else 1, (1, 1)
    return shape[-1], (1, prod(shape[1:-1]))


def viewed(value: Value, shape: Shape) -> Value:
    """The same values in another shape: where its positions are still there, only their values are arranged anew."""
    pairs = [tuple(shape[at : at + 2]) for at in range(len(shape) - 1)]
    if value.positions == 1 or value.size in pairs or value.positions in shape:
        total = prod(shape[1:]) if shape[:1] == (1,) else prod(shape)
        width = total // value.positions
        return value if width == value.width else Value(value.sources, width, value.size, value.window, value.whole)
    width, size = layout(shape)
    return Value(value.sources, width, size, whole=True)


def _conv(importer: Importer, node: Node, shape: Shape) -> Value:
    weights = importer.shapes.get(node.inputs[1])
    if weights is None:
        importer.missing.append(node.inputs[1])
        return Value((), *layout(shape))
    groups = int(node.attributes.get("group", 1) or 1)
    size = (1, shape[2]) if len(shape) == _IMAGE - 1 else (shape[2], shape[3])
    given = importer.values.get(node.inputs[0])
    if given is None:
        there = importer.shapes.get(node.inputs[0])
        given = Value((), weights[1] * groups, size if there is None else layout((*there[:2], 1, *there[2:])[-4:])[1])
    if given.width != weights[1] * groups or weights[0] % groups:
        sizes = f"{weights[0]} x {weights[1]} channels in {groups} groups"
        raise ArchsimError(f"node '{node.name or node.kind}': weights of {sizes} do not fit {given.width} channels")
    kernel = _kernel(node, list(weights[2:]))
    bias = len(node.inputs) > 2  # noqa: PLR2004 - data, weights, bias
    return importer.weaver.product("conv", given, weights[0], size=size, kernel=kernel, groups=groups, bias=bias)


def _kernel(node: Node, sizes: Sequence[int]) -> Kernel:
    def pair(name: str, default: int) -> Size:
        found = [int(each) for each in node.attributes.get(name) or []]
        if not found:
            return default, default
        return (default, found[0]) if len(sizes) == 1 else (found[0], found[1])

    size = (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])
    pad = pair("pads", 0)
    if str(node.attributes.get("auto_pad") or "").startswith("SAME"):
        pad = (size[0] - 1) // 2, (size[1] - 1) // 2
    return Kernel(size, pair("strides", 1), pad, pair("dilations", 1))


def _product(importer: Importer, node: Node, shape: Shape) -> Value:
    """A product with weights; of two tensors made at run time, where neither is constant."""
    first, second = node.inputs[:2]
    if first in importer.constants:
        first, second = second, first
    if second not in importer.constants:
        return _matmul(importer, node, shape)
    bias = len(node.inputs) > 2  # noqa: PLR2004 - data, weights, bias
    out, size = layout(shape)
    given = importer.value(first)
    if prod(size) != given.positions == prod(shape[:-1]):
        size = given.size  # positions stand before the batch of one, as a recurrent layer gives them
    given = given.flat() if prod(size) == 1 else given
    return importer.weaver.product("linear", given, out, bias=bias, size=size)


def _matmul(importer: Importer, node: Node, shape: Shape) -> Value:
    """A context after a softmax; else scores, where the result is as wide as the second operand has positions."""
    first, second = (importer.shapes.get(name) or shape for name in node.inputs[:2])
    heads = prod(shape[1:-2]) if len(shape) > 3 else 1  # noqa: PLR2004 - batch, rows, columns
    rows, depth, out = first[-2], first[-1], second[-1]
    a, b = importer.value(node.inputs[0]), importer.value(node.inputs[1])
    scored = b.positions == out and not importer.weaver.gives("softmax", a)
    left = Value(a.sources, heads * depth, (1, rows), a.window, a.whole or a.positions != rows)
    right = Value(b.sources, heads * (depth if scored else out), (1, out if scored else depth))
    return importer.weaver.multiplied("scores" if scored else "context", left, right, heads, heads * out, scored=scored)


def _pool(kind: str, importer: Importer, node: Node, shape: Shape) -> Value:
    kernel = _kernel(node, [int(each) for each in node.attributes.get("kernel_shape") or (1, 1)])
    size = (1, shape[2]) if len(shape) == _IMAGE - 1 else layout(shape)[1]
    return importer.weaver.pooled(kind, importer.value(node.inputs[0]), size, kernel)


def _pool_whole(kind: str, importer: Importer, node: Node, shape: Shape) -> Value:
    given = importer.value(node.inputs[0])
    made = importer.weaver.pooled(kind, given, (1, 1), Kernel(given.size, given.size))
    return viewed(made, shape)


def _rowwise(kind: str, importer: Importer, node: Node, shape: Shape) -> Value:
    """On the operands that are made at run time; a constant for each channel is part of the product before it."""
    moving = importer.moving(node)
    values = [importer.value(name) for name in moving]
    trained = sum(prod(importer.shapes.get(name) or (0,)) for name in node.inputs if name in importer.constants)
    if kind == "batchnorm":
        trained = 2 * values[0].width  # its mean and variance are not trained
    folds = kind in ("batchnorm", "mul", "add", "sub") and len(moving) == 1 and importer.readers[moving[0]] == 1
    if folds and 1 < trained <= 2 * values[0].width and importer.weaver.fold(values[0], trained):
        return values[0]
    if kind == "layernorm" or (trained and kind in ("batchnorm", "mul", "add")):
        return importer.weaver.rowwise(kind, *values, trained=trained)
    made = importer.weaver.rowwise(kind, *values)
    return viewed(made, shape)


def _softmax(importer: Importer, node: Node, shape: Shape) -> Value:
    given = importer.value(node.inputs[0])
    whole = given.width % shape[-1] == 0 and given.positions > 1
    return importer.weaver.rowwise("softmax", given, rows=given.width // shape[-1] if whole else 1)


def _same(importer: Importer, node: Node, shape: Shape) -> Value:
    return viewed(importer.value(next(iter(importer.moving(node)), node.inputs[0])), shape)


def _concat(importer: Importer, node: Node, shape: Shape) -> Value:
    """Channels of maps of one size side by side; else, along positions, whoever reads them waits for all."""
    values = [importer.value(name) for name in importer.moving(node)]
    joined = importer.weaver.joined(*values)
    total = prod(shape[1:]) if shape[:1] == (1,) else prod(shape)
    if len({value.size for value in values}) == 1 and joined.width * joined.positions == total:
        return joined
    width, size = layout(shape)
    return Value(joined.sources, width, size, whole=True)


def _shuffled(importer: Importer, node: Node, shape: Shape) -> Value:
    block = int(node.attributes.get("blocksize") or 1)
    return grown(importer.value(node.inputs[0]), shape[1], (block, block))


def _resized(importer: Importer, node: Node, shape: Shape) -> Value:
    """Each position repeated; an operation a value, as neighbours may be mixed."""
    given = importer.value(node.inputs[0])
    width, size = layout(shape)
    times = size[0] // max(1, given.size[0]), size[1] // max(1, given.size[1])
    if min(times) < 1 or (given.size[0] * times[0], given.size[1] * times[1]) != size or given.window or given.whole:
        return _other(importer, node, shape)
    return importer.weaver.rowwise("clip", grown(given, width, times))


def _other(importer: Importer, node: Node, shape: Shape) -> Value:
    """One operation for each value of the result."""
    moving = [importer.value(name) for name in importer.moving(node)]
    width, size = layout(shape)
    if len(moving) == 1 and prod(size) == moving[0].positions:
        return importer.weaver.rowwise(
            "other", Value(moving[0].sources, width, size, moving[0].window, moving[0].whole)
        )
    sources = tuple(dict.fromkeys(source for value in moving for source in value.sources))
    return importer.weaver.rowwise("other", Value(sources, width, size, whole=True))


Handler = Callable[[Importer, Node, Shape], Value]

_ROWWISE = {
    "Relu": "relu",
    "LeakyRelu": "relu",
    "PRelu": "relu",
    "Clip": "clip",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "clip",
    "HardSwish": "hardswish",
    "Tanh": "tanh",
    "Erf": "gelu",
    "Gelu": "gelu",
    "Exp": "exp",
    "Sqrt": "exp",
    "Reciprocal": "exp",
    "Neg": "clip",
    "Abs": "clip",
    "Round": "clip",
    "Floor": "clip",
    "Ceil": "clip",
    "Min": "clip",
    "Max": "clip",
    "Where": "clip",
    "Add": "add",
    "Sum": "add",
    "Sub": "sub",
    "Mul": "mul",
    "Div": "div",
    "Pow": "mul",
    "BatchNormalization": "batchnorm",
    "LayerNormalization": "layernorm",
    "RMSNormalization": "rmsnorm",
    "InstanceNormalization": "layernorm",
    "GroupNormalization": "layernorm",
    "LRN": "lrn",
}
_VIEWS = (
    "Identity", "Dropout", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Cast", "Slice", "Split",
    "Gather", "Expand", "Pad", "Tile",
)  # fmt: skip

HANDLED: dict[str, Handler] = {
    "Conv": _conv,
    "Gemm": _product,
    "MatMul": _product,
    "MaxPool": partial(_pool, "maxpool"),
    "AveragePool": partial(_pool, "avgpool"),
    "GlobalAveragePool": partial(_pool_whole, "avgpool"),
    "GlobalMaxPool": partial(_pool_whole, "maxpool"),
    "ReduceMean": partial(_pool_whole, "avgpool"),
    "ReduceMax": partial(_pool_whole, "maxpool"),
    "LSTM": recurrent,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Concat": _concat,
    "DepthToSpace": _shuffled,
    "Resize": _resized,
    "Upsample": _resized,
    **{name: partial(_rowwise, kind) for name, kind in _ROWWISE.items()},
    **dict.fromkeys(_VIEWS, _same),
}
"""By operator; what is not here is not known."""
