"""ONNX files run twice: by ONNX's own reference evaluator, and as Graphs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
from onnx import TensorProto, helper, numpy_helper, version_converter
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from archsim.graph import Graph
from archsim.graph.onnx.load import load_onnx_arrays
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor


class LRN(OpRun):
    """As ONNX defines it; the evaluator's own leaves out channels."""

    op_domain = ""

    def _run(self, x: Any, alpha: float, beta: float, bias: float, size: int) -> tuple[Any]:  # noqa: ANN401
        total = np.zeros_like(x)
        for at in range(x.shape[1]):
            begin, end = max(0, at - (size - 1) // 2), at + size // 2 + 1
            total[:, at] = (x[:, begin:end] ** 2).sum(axis=1)
        return ((x / (bias + alpha / size * total) ** beta).astype(x.dtype),)


@dataclass(frozen=True)
class Case:
    """Nodes in ONNX's own text; inputs by their sizes; constants."""

    lines: tuple[str, ...]
    inputs: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, Any]

    def model(self, *outputs: str, opset: int = 17, whole: tuple[str, ...] = ()) -> onnx.ModelProto:
        """With these results, or `y`; inputs are floats, but for those that are whole numbers."""
        made = ", ".join(f"float {name}" for name in outputs or ("y",))
        given = ", ".join(
            f"{'int64' if name in whole else 'float'}[{', '.join(map(str, sizes))}] {name}"
            for name, sizes in self.inputs.items()
        )
        graph = onnx.parser.parse_graph(f"g ({given}) => ({made}) {{ {' '.join(self.lines)} }}")
        for each in graph.output:
            each.ClearField("type")
        tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in self.constants.items()]
        graph.initializer.extend(tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def case(*lines: str, **tensors: Any) -> Case:  # noqa: ANN401 - tuples are sizes of inputs, all others constants
    """A case; constants that no node reads are left out."""
    inputs = {name: each for name, each in tensors.items() if isinstance(each, tuple)}
    read = {word for line in lines for word in re.findall(r"\w+", line)}
    return Case(lines, inputs, {name: tensors[name] for name in tensors if name in read and name not in inputs})


def filled(made: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """Random numbers in place of weights that are all the same, or absent: vectors around 1, matrices around 0."""
    draw = np.random.default_rng(seed)
    made.ir_version = max(made.ir_version, 4)  # from which on initializers need not be inputs too
    held = {each.name: each for each in made.graph.initializer}
    for node in [each for each in made.graph.node if each.op_type == "ConstantOfShape" and each.input[0] in held]:
        zeros = np.zeros(numpy_helper.to_array(held[node.input[0]]), np.float32)
        made.graph.initializer.append(numpy_helper.from_array(zeros, node.output[0]))
        made.graph.node.remove(node)
    for tensor in made.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:  # in a file that is not there
            tensor.CopyFrom(numpy_helper.from_array(np.zeros(tuple(tensor.dims), np.float32), tensor.name))
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.size > 1 and value.min() == value.max():
            fan = max(1, int(np.prod(value.shape[1:])))
            numbers = draw.uniform(0.5, 1.5, value.shape) if value.ndim == 1 else draw.normal(0, fan**-0.5, value.shape)
            tensor.CopyFrom(numpy_helper.from_array(numbers.astype(np.float32), tensor.name))
    return made


def compared(made: onnx.ModelProto, folder: Path, seed: int = 0, tolerance: float = 1e-4) -> Graph:
    """Run both ways on random inputs, whole ones below 2; the Graph."""
    path = folder / "model.onnx"
    onnx.save(made, str(path))
    graph, arrays = load_onnx_arrays(path)
    draw = np.random.default_rng(seed)
    held = {each.name for each in made.graph.initializer}
    given: dict[str, Any] = {}
    for each in made.graph.input:
        if each.name not in held:
            kind, shape = each.type.tensor_type, [one.dim_value or 1 for one in each.type.tensor_type.shape.dim]
            whole = kind.elem_type != TensorProto.FLOAT
            given[each.name] = draw.integers(0, 2, shape) if whole else draw.normal(size=shape).astype(np.float32)
    # of older versions the evaluator takes softmax and batch norm as they are in newer ones, or in training
    older = made.opset_import[0].version < 15
    expected = ReferenceEvaluator(version_converter.convert_version(made, 15) if older else made, new_ops=[LRN]).run(
        None, given
    )
    twice = {name: np.stack([x, x[..., ::-1]]) for name, x in given.items()}  # a job's batch of two
    found = Executor(graph, arrays, FloatArithmetic()).run({each.name: twice[each.name] for each in graph.inputs})
    assert len(graph.outputs) == len(expected)
    for name, wanted in zip(graph.outputs, expected, strict=True):
        assert found[name].shape[1:] == wanted.shape
        most = max(1e-6, np.abs(wanted[np.isfinite(wanted)]).max(initial=0)) if wanted.dtype.kind == "f" else 1
        np.testing.assert_allclose(found[name][0], wanted, rtol=0, atol=tolerance * most)
    assert set(arrays) >= {name for name, each in graph.weights.items() if each.tied is None}
    return graph
