"""ONNX graphs with their weights on values: convolutions and matrix products go through the arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.stages import Convolution, patches
from archsim.values.weights import check_finite, read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from archsim.values.arithmetic import Arithmetic, Values

Attributes = dict[str, Any]


class OnnxModel:
    """A graph of operators, played in order. Weights of `Conv`, `Gemm` and `MatMul` are prepared once."""

    def __init__(self, path: Path, arithmetic: Arithmetic) -> None:
        """Read and prepare; raises ArchsimError for a file that is none, or has unknown operators or no weights."""
        import onnx
        from google.protobuf.message import DecodeError
        from onnx import numpy_helper

        raw = read_bytes(path, "an ONNX file")
        try:
            graph = onnx.load_from_string(raw).graph
        except DecodeError:
            raise ArchsimError(f"{path}: is no ONNX file, or not whole") from None
        if not graph.node:
            raise ArchsimError(f"{path}: has no operators; expected an ONNX file")
        self.path, self.arithmetic = path, arithmetic
        absent = [i.name for i in graph.initializer if i.data_location == onnx.TensorProto.EXTERNAL]
        if absent:
            raise ArchsimError(f"{path}: the weights {absent[0]} and {len(absent) - 1} more are in other files")
        self.constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        for name, value in self.constants.items():
            if value.dtype.kind == "f":
                check_finite(path, name, value)
        wanted = [i for i in graph.input if i.name not in self.constants]
        self.inputs = [i.name for i in wanted]
        self.shapes = [tuple(d.dim_value for d in i.type.tensor_type.shape.dim[1:]) for i in wanted]
        self.outputs = [o.name for o in graph.output]
        self.nodes = []
        unknown: dict[str, int] = {}
        for node in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant" and "value" in attributes:
                self.constants[node.output[0]] = numpy_helper.to_array(attributes["value"])
            elif node.op_type in _OPERATORS or node.op_type in ("Conv", "Gemm", "MatMul"):
                self.nodes.append((node.op_type, list(node.input), list(node.output), attributes))
            else:
                unknown[node.op_type] = unknown.get(node.op_type, 0) + 1
        if unknown:
            found = ", ".join(f"{name} ({count} times)" for name, count in sorted(unknown.items()))
            raise ArchsimError(f"{path}: found operators that cannot be executed: {found}")
        self.prepared: dict[str, Callable[[Values], Values]] = {}

    def run(self, x: Values) -> Values:
        """The first output for the only input."""
        if len(self.inputs) != 1:
            raise ArchsimError(f"{self.path}: has {len(self.inputs)} inputs; expected one")
        sizes = zip(x.shape[1:], self.shapes[0], strict=False)
        if x.ndim != len(self.shapes[0]) + 1 or any(size not in (0, given) for given, size in sizes):
            expected = ", ".join(str(size or "any") for size in self.shapes[0])
            raise ArchsimError(f"{self.path}: found an input of shape {x.shape}; expected (any, {expected})")
        values: dict[str, Any] = {**self.constants, self.inputs[0]: x, "": None}
        for kind, inputs, outputs, attributes in self.nodes:
            given = [values[name] for name in inputs]
            if kind in ("Conv", "Gemm", "MatMul"):
                values[outputs[0]] = self._product(kind, outputs[0], inputs, given, attributes)
            else:
                values[outputs[0]] = _OPERATORS[kind](self.arithmetic, given, attributes)
        found: Values = values[self.outputs[0]]
        return found

    def _product(self, kind: str, key: str, names: list[str], given: list[Any], attributes: Attributes) -> Values:
        if kind == "MatMul" and names[1] not in self.constants and not self._constant(names[1]):
            return self.arithmetic.matmul(given[0], given[1])
        if key not in self.prepared:
            self.prepared[key] = self._prepare(kind, key, given, attributes)
        return self.prepared[key](given[0])

    def _constant(self, name: str) -> bool:
        """Whether a value depends on constants alone, such as weights that are reshaped."""
        for _, inputs, outputs, _ in self.nodes:
            if name in outputs:
                return all(source in self.constants for source in inputs)
        return False

    def _prepare(self, kind: str, key: str, given: list[Any], attributes: Attributes) -> Callable[[Values], Values]:
        weight = np.asarray(given[1], np.float32)
        bias = np.asarray(given[2], np.float32).reshape(-1) if len(given) > 2 and given[2] is not None else None  # noqa: PLR2004
        if kind == "Conv":
            if attributes.get("group", 1) != 1:
                raise ArchsimError(f"{self.path}: {key} is a convolution in groups, which cannot be executed yet")
            stride = tuple(attributes.get("strides", (1, 1)))
            pads = _pads(given[0], weight.shape[2:], stride, attributes)
            return Convolution(self.arithmetic, key, weight, bias, stride=stride, pads=pads)
        if kind == "Gemm" and not attributes.get("transB", 0):
            weight = weight.T
        if kind == "MatMul":
            weight = weight.T
        product = self.arithmetic.linear(key, np.ascontiguousarray(weight), bias)
        return lambda x: product(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], -1)


def _pads(x: Values, kernel: Any, stride: Any, attributes: Mapping[str, Any]) -> tuple[int, int, int, int]:  # noqa: ANN401
    mode = attributes.get("auto_pad", b"NOTSET")
    if mode in (b"NOTSET", b"VALID"):
        top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0)) if mode == b"NOTSET" else (0, 0, 0, 0)
        return top, left, bottom, right
    needed = [
        max((-(-size // s) - 1) * s + k - size, 0) for size, k, s in zip(x.shape[2:], kernel, stride, strict=True)
    ]
    first = [n // 2 if mode == b"SAME_UPPER" else n - n // 2 for n in needed]
    return first[0], first[1], needed[0] - first[0], needed[1] - first[1]


def _pool(x: Values, attributes: Attributes, reduce: Callable[..., Values], fill: float) -> Values:
    kernel = tuple(attributes["kernel_shape"])
    stride = tuple(attributes.get("strides", (1, 1)))
    top, left, bottom, right = _pads(x, kernel, stride, attributes)
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    batch, channels = x.shape[:2]
    windows = patches(padded.reshape(batch * channels, 1, *padded.shape[2:]), kernel, stride, (0, 0, 0, 0))
    found: Values = reduce(windows, axis=-1).reshape(batch, channels, *windows.shape[1:3])
    return found


def _normalise(x: Values, statistics: list[Values], epsilon: float) -> Values:
    gain, shift, mean, variance = statistics
    shape = (1, -1) + (1,) * (x.ndim - 2)
    scale = gain / np.sqrt(variance + np.float32(epsilon))
    found: Values = x * scale.reshape(shape) + (shift - mean * scale).reshape(shape)
    return found


def _reshape(x: Values, shape: Any) -> Values:  # noqa: ANN401
    """A first size of 1 in a file made for one image goes with any batch."""
    sizes = [x.shape[i] if n == 0 else int(n) for i, n in enumerate(shape)]
    if -1 not in sizes and int(np.prod(sizes)) != x.size and sizes[0] == 1:
        sizes[0] = -1
    return x.reshape(sizes)


_OPERATORS: dict[str, Callable[[Any, list[Any], Attributes], Any]] = {
    "Add": lambda _, v, __: v[0] + v[1],
    "Sub": lambda _, v, __: v[0] - v[1],
    "Mul": lambda _, v, __: v[0] * v[1],
    "Div": lambda _, v, __: v[0] / v[1],
    "Relu": lambda a, v, __: a.function("relu", v[0]),
    "Tanh": lambda a, v, __: a.function("tanh", v[0]),
    "Sigmoid": lambda a, v, __: a.function("sigmoid", v[0]),
    "Softmax": lambda a, v, __: a.softmax(v[0]),
    "Clip": lambda _, v, at: np.clip(v[0], *(v[1:3] if len(v) > 1 else (at.get("min"), at.get("max")))),
    "MaxPool": lambda _, v, at: _pool(v[0], at, np.max, -np.inf),
    "AveragePool": lambda _, v, at: _pool(v[0], at, np.mean, 0.0),
    "GlobalAveragePool": lambda _, v, __: v[0].mean(axis=(2, 3), keepdims=True),
    "BatchNormalization": lambda _, v, at: _normalise(v[0], v[1:5], at.get("epsilon", 1e-5)),
    "Reshape": lambda _, v, __: _reshape(v[0], v[1]),
    "Flatten": lambda _, v, at: v[0].reshape(int(np.prod(v[0].shape[: at.get("axis", 1)])), -1),
    "Transpose": lambda _, v, at: v[0].transpose(at.get("perm")),
    "Concat": lambda _, v, at: np.concatenate(v, axis=at["axis"]),
    "Squeeze": lambda _, v, at: np.squeeze(v[0], tuple(v[1]) if len(v) > 1 else tuple(at.get("axes", ())) or None),
    "Identity": lambda _, v, __: v[0],
    "Dropout": lambda _, v, __: v[0],
}
