"""PyTorch models by `torch.export`: its graph of tensor operations, with the shapes of example inputs."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError, UsageError
from archsim.graph.graph import Graph
from archsim.graph.onnx_nodes import Importer, Node, Shape
from archsim.graph.weave import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_ONNX = {
    "conv1d": "Conv",
    "conv2d": "Conv",
    "convolution": "Conv",
    "linear": "Linear",
    "addmm": "Addmm",
    "mm": "MatMul",
    "bmm": "MatMul",
    "matmul": "MatMul",
    "scaled_dot_product_attention": "Attention",
    "max_pool2d": "MaxPool",
    "avg_pool2d": "AveragePool",
    "adaptive_avg_pool2d": "GlobalAveragePool",
    "mean": "ReduceMean",
    "softmax": "Softmax",
    "_softmax": "Softmax",
    "log_softmax": "Softmax",
    "batch_norm": "BatchNormalization",
    "layer_norm": "LayerNormalization",
    "native_layer_norm": "LayerNormalization",
    "rms_norm": "RMSNormalization",
    "group_norm": "GroupNormalization",
    "relu": "Relu",
    "relu_": "Relu",
    "hardtanh": "Clip",
    "hardtanh_": "Clip",
    "clamp": "Clip",
    "gelu": "Gelu",
    "silu": "Sigmoid",
    "silu_": "Sigmoid",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "hardswish": "HardSwish",
    "hardswish_": "HardSwish",
    "exp": "Exp",
    "rsqrt": "Sqrt",
    "sqrt": "Sqrt",
    "add": "Add",
    "add_": "Add",
    "sub": "Sub",
    "rsub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "neg": "Neg",
    "pow": "Pow",
    "cat": "Concat",
    "pixel_shuffle": "DepthToSpace",
    "upsample_nearest2d": "Resize",
    **dict.fromkeys(
        ("view", "reshape", "flatten", "permute", "transpose", "contiguous", "unsqueeze", "squeeze", "expand", "clone",
         "slice", "select", "split", "chunk", "getitem", "dropout", "dropout_", "to", "_to_copy", "t", "alias",
         "unbind", "unflatten",
         "embedding", "index", "index_select", "detach", "detach_", "identity", "pad", "repeat", "type_as", "narrow"),
        "Identity",
    ),
}  # fmt: skip
"""Operators of PyTorch by the ONNX ones that do the same."""
_OUTSIDE = frozenset({"getattr", "sym_size", "sym_size.int", "_assert_tensor_metadata", "_assert_scalar"})


def from_torch(module: Any, example_inputs: tuple[Any, ...], *, name: str = "", approximate: bool = False) -> Graph:  # noqa: ANN401
    """Export a `torch.nn.Module` with example inputs (of one sequence or picture), and make a Graph of it.

    approximate: operators that are not known cost one operation for each value. Raises ArchsimError.
    """
    torch = _torch()
    try:
        exported = torch.export.export(module.eval(), example_inputs)
    except Exception as error:  # noqa: BLE001 - a module may raise anything
        raise ArchsimError(f"torch.export fails: {_first_line(error)}") from None
    digest = hashlib.sha256(str(exported.graph).encode()).hexdigest()
    return _graph(exported, name or type(module).__name__, digest, approximate=approximate)


def load_exported(path: Path, *, approximate: bool = False, trust: bool = False) -> Graph:
    """Make a Graph of a file that `torch.export.save` wrote (.pt2).

    trust: whoever asks knows who made the file. Without, nothing of it is read. Raises ArchsimError.
    """
    if not trust:
        found = "found an exported PyTorch model (.pt2), which can run any code as it is loaded"
        raise UsageError(f"{path}: {found}. Try --trust (trust=True in Python) if you know who made it.")
    torch = _torch()
    try:
        exported = torch.export.load(str(path))
    except Exception as error:  # noqa: BLE001 - whatever a broken file makes it raise
        raise ArchsimError(f"{path}: is no exported PyTorch model ({_first_line(error)})") from None
    try:
        return _graph(exported, path.stem, hashlib.sha256(path.read_bytes()).hexdigest(), approximate=approximate)
    except ArchsimError as error:
        raise ArchsimError(*(f"{path}: {fault.message}" for fault in error.faults)) from None


def _torch() -> Any:  # noqa: ANN401
    try:
        import torch
        import torch.export
    except ImportError:
        raise UsageError("PyTorch models need PyTorch: pip install 'archsim[torch]'") from None
    return torch


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


def _graph(exported: Any, name: str, digest: str, *, approximate: bool) -> Graph:  # noqa: ANN401
    nodes = list(exported.graph_module.graph.nodes)
    shapes = {node.name: shape for node in nodes if (shape := _shape(node)) is not None}
    given = set(exported.graph_signature.user_inputs)
    constants = {node.name for node in nodes if node.op == "placeholder" and node.name not in given}
    constants |= {node.name for node in nodes if node.op == "get_attr"}
    calls = [node for node in nodes if node.op == "call_function"]
    for node in calls:  # made of constants alone
        sources = [each.name for each in node.all_input_nodes]
        if all(source in constants for source in sources):
            constants.add(node.name)
    readers = Counter(source.name for node in calls for source in node.all_input_nodes)
    importer = Importer(shapes, constants, readers)
    working = [node for node in calls if node.name not in constants and _kind(node) not in _OUTSIDE]
    unknown = Counter(_kind(node) for node in working if _kind(node) not in _ONNX)
    if unknown and not approximate:
        listed = ", ".join(f"{kind} ({number} times)" if number > 1 else kind for kind, number in unknown.most_common())
        raise ArchsimError(f"operators that archsim does not know: {listed}. Try approximate: one operation a value.")
    for node in working:
        _weave(importer, node)
    importer.require_shapes()
    return Graph(
        name=name,
        description="graph of torch.export",
        source=None,
        operators=tuple(importer.weaver.operators),
        feedback=None,
        max_positions=1,
        digest=digest,
        notes=tuple(importer.notes()),
    )


def _shape(node: Any) -> Shape | None:  # noqa: ANN401
    """Of a tensor; of the first, where there are several."""
    value = node.meta.get("val")
    while isinstance(value, (tuple, list)) and value:
        value = value[0]
    sizes = getattr(value, "shape", None)
    return None if sizes is None else tuple(int(size) for size in sizes)


def _kind(node: Any) -> str:  # noqa: ANN401
    """`aten.conv2d.default` is `conv2d`."""
    overload = getattr(node.target, "_schema", None)
    return str(overload.name).rpartition("::")[2] if overload is not None else str(node.target.__name__)


def _weave(importer: Importer, node: Any) -> None:  # noqa: ANN401
    kind = _ONNX.get(_kind(node), _kind(node))
    special: Mapping[str, Callable[[Importer, Any], None]] = {
        "Linear": _linear,
        "Addmm": _addmm,
        "Attention": _attention,
    }
    if kind in special:
        special[kind](importer, node)
        return
    inputs = tuple(each.name for each in node.all_input_nodes)
    importer.node(Node(kind, node.name, inputs, (node.name,), _attributes(node), foreign=False))


def _attributes(node: Any) -> dict[str, Any]:  # noqa: ANN401
    """Of convolutions and pooling: by place, as their signatures have them."""
    kind, arguments = _kind(node), list(node.args)
    names = {
        "conv1d": (None, None, None, "strides", "pads", "dilations", "group"),
        "conv2d": (None, None, None, "strides", "pads", "dilations", "group"),
        "convolution": (None, None, None, "strides", "pads", "dilations", None, None, "group"),
        "max_pool2d": (None, "kernel_shape", "strides", "pads"),
        "avg_pool2d": (None, "kernel_shape", "strides", "pads"),
        "pixel_shuffle": (None, "blocksize"),
    }.get(kind, ())
    found = {name: value for name, value in zip(names, arguments, strict=False) if name is not None}
    found |= {name: node.kwargs[key] for key, name in (("groups", "group"),) if key in node.kwargs}
    pairs = ("strides", "pads", "dilations", "kernel_shape")
    found = {key: [value] * 2 if key in pairs and isinstance(value, int) else value for key, value in found.items()}
    if kind.endswith("pool2d") and not found.get("strides"):
        found["strides"] = found["kernel_shape"]
    if "pads" in found:  # before and after are alike
        found["pads"] = [*found["pads"], *found["pads"]]
    return found


def _linear(importer: Importer, node: Any) -> None:  # noqa: ANN401
    """x, weights [out, in], bias."""
    bias = len(node.args) > 2 and node.args[2] is not None  # noqa: PLR2004 - x, weights, bias
    _product(importer, node, node.args[0].name, bias=bias)


def _addmm(importer: Importer, node: Any) -> None:  # noqa: ANN401
    """bias, x, weights."""
    _product(importer, node, node.args[1].name, bias=True)


def _product(importer: Importer, node: Any, source: str, *, bias: bool) -> None:  # noqa: ANN401
    """The last size is what is multiplied; all others are positions."""
    shape, into = _known(importer, node.name), _known(importer, source)
    given = _arranged(importer.value(source), into[-1], prod(into[:-1]))
    importer.values[node.name] = importer.weaver.product("linear", given, shape[-1], bias=bias)


def _attention(importer: Importer, node: Any) -> None:  # noqa: ANN401
    """Queries, keys, values of [batch, heads, positions, values of a head]; keys may have fewer heads."""
    names = [each.name for each in node.args[:3]]
    (_, heads, rows, size), (_, kept, keys, _), (*_, wide) = (_known(importer, name) for name in names)
    query, key, value = (importer.value(name) for name in names)
    weaver = importer.weaver
    left, right = _arranged(query, heads * size, rows), _arranged(key, kept * size, keys)
    scores = weaver.multiplied("scores", left, right, heads, heads * keys, scored=True)
    shares = weaver.rowwise("softmax", scores, rows=heads)
    last = _arranged(value, kept * wide, keys)
    importer.values[node.name] = weaver.multiplied("context", shares, last, heads, heads * wide, scored=False)


def _known(importer: Importer, name: str) -> Shape:
    shape = importer.shapes.get(name)
    if shape is None:
        raise ArchsimError(f"the shape of {name} is not known")
    return shape


def _arranged(value: Value, width: int, positions: int) -> Value:
    """The same values as so many at so many positions."""
    if value.positions == positions:
        return replace(value, width=width)
    return Value(value.sources, width, (1, positions), whole=True)
