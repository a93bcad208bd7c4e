"""Trees of operators over constants, positions and masks that come in, drawn at random, as ONNX models."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import onnx
from numpy.random import Generator
from onnx import TensorProto, helper, numpy_helper

QUERIES, KEYS, HEADS = 4, 5, 2
LOWEST = float(np.finfo(np.float32).min)
SHAPES = ((1, KEYS), (QUERIES, 1), (QUERIES, KEYS), (1, 1, QUERIES, KEYS), (1, 1, 1, KEYS), (), (HEADS, QUERIES, KEYS))
TYPES = {"bool": TensorProto.BOOL, "int": TensorProto.INT64, "float": TensorProto.FLOAT}
NUMBERS = (0.0, 1.0, -1.0, 2.5, -1e9, LOWEST, -np.inf, np.inf, -1e4, -9999.0, 1e30)
WHOLES = (0, 1, -1, 3, 2**31, 2**53 + 1, -(2**63), 2**63 - 1)
COMPARISONS = ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal")
LOGIC = (*("And", "Or", "Not", "Xor") * 2, "And", *COMPARISONS)


@dataclass
class Tree:
    """A model that grows: its nodes and constants, and of each tensor the type and the shape."""

    draw: Generator
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    inputs: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    tensors: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def shape(self) -> tuple[int, ...]:
        return SHAPES[self.draw.integers(len(SHAPES))]

    def constant(self, array: Any) -> str:  # noqa: ANN401
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def input(self, name: str, shape: tuple[int, ...]) -> None:
        """Floats that come in."""
        self.inputs[name] = self.tensors[name] = "float", shape

    def number(self, number: float) -> str:
        """A single float."""
        return self.array(np.float32(number))

    def array(self, numbers: Any) -> str:  # noqa: ANN401
        """Floats that are known."""
        array = np.asarray(numbers, np.float32)
        name = self.constant(array)
        self.tensors[name] = "float", array.shape
        return name

    def leaf(self, kind: str) -> str:
        """A mask that comes in, positions, or constants."""
        choice, shape = self.draw.random(), self.shape()
        if choice < 0.3:
            name = f"in{len(self.inputs)}"
            self.inputs[name] = kind, shape
        elif kind == "int" and choice < 0.7:
            shape = SHAPES[self.draw.integers(2)]
            name = self.constant(np.arange(max(shape), dtype=np.int64).reshape(shape))
        elif kind == "bool":
            shape = (QUERIES, KEYS)
            some = self.draw.random(shape) < 0.5
            name = self.constant(some if choice < 0.5 else np.tri(*shape, int(self.draw.integers(3)), dtype=np.bool_))
        else:
            name = self.constant(self.draw.choice(np.array(NUMBERS, np.float32) if kind == "float" else WHOLES, shape))
        self.tensors[name] = kind, shape
        return name

    def node(self, operator: str, kind: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        self.tensors[name] = kind, np.broadcast_shapes(*(self.tensors[operand][1] for operand in inputs))
        return name

    def made(self, operator: str, shape: tuple[int, ...], *inputs: str, **attributes: Any) -> str:  # noqa: ANN401
        """Floats of another shape than the operands'."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        self.tensors[name] = "float", shape
        return name

    def grow(self, kind: str, depth: int) -> str:
        """A tensor of a type, by operators that exporters make masks of."""
        forms = ["leaf", "where", "cast", "moved", *["operator"] * 5]
        form = "leaf" if depth == 0 else str(self.draw.choice(forms))
        if form == "leaf":
            return self.leaf(kind)
        one = partial(self.grow, depth=depth - 1)
        if form == "moved":
            return self._moved(one(kind))
        if form == "where":
            return self.node("Where", kind, one("bool"), one(kind), one(kind))
        if form == "cast":
            other = str(self.draw.choice([name for name in TYPES if name != kind]))
            return self.node("Cast", kind, one(other), to=TYPES[kind])
        return self._operator(kind, one)

    def _operator(self, kind: str, one: Callable[[str], str]) -> str:
        """Of operands of the same type; a comparison of others."""
        names = LOGIC if kind == "bool" else ("Add", "Sub", "Mul", "Min", "Max", "Neg")
        operator = str(self.draw.choice(names))
        like = str(self.draw.choice(["int", "int", "float"])) if operator in COMPARISONS else kind
        return self.node(operator, kind, *(one(like) for _ in range(1 if operator in ("Neg", "Not") else 2)))

    def _moved(self, name: str) -> str:
        """The same numbers, repeated or in another order."""
        kind, shape = self.tensors[name]
        if shape and self.draw.random() < 0.5:
            order = self.draw.permutation(shape[-1])
            return self.node("Gather", kind, name, self._indices(order), axis=-1)
        target = np.broadcast_shapes(shape, (QUERIES, KEYS))
        expanded = self.node("Expand", kind, name, self._indices(np.array(target)))
        self.tensors[expanded] = kind, target
        return expanded

    def _indices(self, numbers: Any) -> str:  # noqa: ANN401
        name = self.constant(np.asarray(numbers, np.int64))
        self.tensors[name] = "int", ()
        return name

    def model(self, *results: str) -> onnx.ModelProto:
        """Of which these are results."""
        given = [helper.make_tensor_value_info(x, TYPES[kind], shape) for x, (kind, shape) in self.inputs.items()]
        wanted = [helper.make_tensor_value_info(x, TYPES[self.tensors[x][0]], self.tensors[x][1]) for x in results]
        graph = helper.make_graph(self.nodes, "mask", given, wanted, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)

    def values(self) -> dict[str, Any]:
        """Anything that may come in."""
        draw = self.draw
        tables = {"float": (*NUMBERS, np.nan, -LOWEST, 1e-30), "int": WHOLES, "bool": (False, True)}
        types = {"float": np.float32, "int": np.int64, "bool": np.bool_}
        return {
            name: np.asarray(draw.choice(np.array(tables[kind], types[kind]), shape), types[kind])
            for name, (kind, shape) in self.inputs.items()
        }
