"""Small Graphs on numbers, and what ONNX's reference evaluator makes of the same operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.graph import Graph, make_graph
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archsim.graph.builder import Builder

Array = NDArray[Any]


def numbers(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def graph_of(builder: Builder, *outputs: str, feedback: tuple[str, str] | None = None, positions: int = 64) -> Graph:
    return make_graph(
        "small",
        "",
        builder.inputs,
        builder.nodes,
        list(builder.weights.values()),
        outputs,
        feedback=feedback,
        max_positions=positions,
        digest="",
    )


def drawn(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Weights at random, small."""
    return {
        name: numbers(seed + at, *weight.shape) * np.float32(0.3)
        for at, (name, weight) in enumerate(graph.weights.items())
    }


def made(
    builder: Builder, output: str, inputs: Mapping[str, Array], weights: Mapping[str, Array] | None = None
) -> Array:
    """The tensor of that name."""
    return Executor(graph_of(builder, output), weights or {}, FloatArithmetic()).run(inputs)[output]


def reference(operator: str, inputs: Sequence[Array | None], outputs: int = 1, **attributes: Any) -> list[Array]:  # noqa: ANN401
    """Of one operator of ONNX, opset 23."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    names = ["" if x is None else f"x{at}" for at, x in enumerate(inputs)]
    results = [f"y{at}" for at in range(outputs)]
    present = {name: x for name, x in zip(names, inputs, strict=True) if x is not None}
    graph = helper.make_graph(
        [helper.make_node(operator, names, results, **attributes)],
        "one",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
            for n, x in present.items()
        ],
        [helper.make_tensor_value_info(name, 1, None) for name in results],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=11)
    found: Any = ReferenceEvaluator(model).run(None, present)
    return list(found)
