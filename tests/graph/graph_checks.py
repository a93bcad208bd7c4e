"""What holds of every Graph of fixed sizes, checked by oracles that share nothing with the code.

Values: ONNX's reference evaluator, on what a Graph means as ONNX. Multiplications: counted one by one. Positions that
an operator waits for: those whose numbers change its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.axes import sizes_of
from archsim.graph.graph import Graph, make_graph
from archsim.graph.job import make_job
from archsim.graph.nodes import Normalise
from archsim.graph.work import Worked, work_of
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from tests.graph.attention_steps import Attend
from tests.graph.count_pairs import pairs_of
from tests.graph.graph_to_onnx import onnx_model
from tests.graph.needed_positions import feeding, needed, waited
from tests.graph.view_steps import Around, Cut, Join, Merge, Repeated, Slice, Split
from tests.graph.window_steps import Conv, Pooled

if TYPE_CHECKING:
    from archsim.graph.nodes import Node
    from tests.graph.random_graphs import Program

Array = NDArray[Any]


@dataclass(frozen=True)
class Made:
    """The Graph of a program, with numbers."""

    graph: Graph
    worked: Worked
    weights: dict[str, Array]

    @classmethod
    def of(cls, program: Program, order: str = "") -> Made:
        net = program.build(order)
        builder = net.builder
        weights = list(builder.weights.values())
        graph = make_graph("small", "", builder.inputs, builder.nodes, weights, [net.name], digest="", max_positions=64)
        draw = np.random.default_rng(0).standard_normal
        numbers = {each.name: draw(each.shape) / np.sqrt(each.shape[-1]) for each in weights}
        worked = work_of(graph.inputs, graph.nodes, graph.weights)
        return cls(graph, worked, {name: x.astype(np.float32) for name, x in numbers.items()})

    def inputs(self, batch: int) -> dict[str, Array]:
        draw = np.random.default_rng(1)
        shapes = {each: (batch, *map(int, sizes_of(each.shape))) for each in self.graph.inputs}  # type: ignore[arg-type]
        return {
            each.name: draw.standard_normal(shape).astype(np.float32)
            if each.whole is None
            else draw.integers(0, each.whole, shape)
            for each, shape in shapes.items()
        }

    @property
    def executor(self) -> Executor:
        return Executor(self.graph, self.weights, FloatArithmetic())


def check_values(made: Made, batch: int) -> None:
    """Within 1e-4 of the largest; ONNX's model has no batch of the job."""
    from onnx.reference import ReferenceEvaluator

    inputs = made.inputs(batch)
    output = made.graph.outputs[0]
    found = made.executor.run(inputs)[output]
    oracle: Any = ReferenceEvaluator(onnx_model(made.graph, made.weights))
    for at in range(batch):
        (wanted,) = oracle.run(None, {name: x[at] for name, x in inputs.items()})
        assert found[at].shape == wanted.shape
        np.testing.assert_allclose(found[at], wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


def check_counts(made: Made) -> None:
    """Of each product; where it is noted that it cannot be said of which query a position is, all keys count."""
    graph, job = made.graph, make_job(made.graph, "prefill", None, 0, 1)
    pairs = pairs_of(graph)
    shapes = {node.key: node.shape for node in graph.nodes}
    assert graph.parameters == sum(prod(weight.shape) for weight in graph.weights.values())
    for operator in graph.operators:
        macs = job.macs_of(operator)
        noted = operator.key in made.worked.cuts and operator.grows
        assert macs == pairs.get(operator.key, 0) or (noted and macs > pairs[operator.key])
        values = sum(operator.values_out(keys) for keys in job.keys(operator).tolist())
        numbers = prod(size or 0 for size in sizes_of(shapes[operator.key]))
        assert values == numbers or (operator.grows and 0 < values < numbers)
    batch = make_job(graph, "prefill", None, 0, 3)
    assert batch.macs(graph) == 3 * job.macs(graph)


def is_steady(node: Node) -> bool:
    """Whether the same comes out whatever comes in, as rows have one number."""
    return isinstance(node, Normalise) and prod(sizes_of(node.shape)[at] or 0 for at in node.dims) == 1


def is_exact(program: Program) -> bool:
    """Whether waits can be exact.

    Windows keep no gaps between their taps, and are widened where what they see is repeated, or several axes as one.
    """
    moved = [each for step in program.steps if isinstance(step, Conv | Pooled) for each in step.moved]
    repeats = any(isinstance(step, Repeated) for step in program.steps)
    reshaped = any(isinstance(step, Cut | Merge | Split) for step in program.steps)
    masked = any(isinstance(step, Attend) and step.mask is not None for step in program.steps)
    resized = any(isinstance(step, Around | Join | Slice) for step in program.steps)
    return not (any(each.apart > 1 for each in moved) or repeats or (reshaped and (masked or moved or resized)))


def check_waits(made: Made, *, exact: bool) -> None:
    """No operator begins before what it needs; and none waits for more, but where that is noted."""
    graph, axes = made.graph, made.worked.axes
    nodes, executor = {node.key: node for node in graph.nodes}, made.executor
    inputs = made.inputs(1)
    keys = [operator.key for operator in graph.operators]
    tensors = {name: x for name, x in executor.run(inputs, also=keys).items() if name in keys} | inputs
    for operator in graph.operators:
        node = nodes[operator.key]
        assert {edge.source for edge in operator.inputs} == feeding(graph, node)
        positions = prod(axis.size or 0 for axis in axes[operator.key])
        assert operator.stream.length == positions
        for source in feeding(graph, node):
            edges = [edge for edge in operator.inputs if edge.source == source]
            there = prod(axis.size or 0 for axis in axes[source])
            first, need = needed(executor, tensors, (source, axes[source]), (operator.key, axes[operator.key]))
            waits = np.max([waited(edge, positions, there) for edge in edges], axis=0)
            assert (need <= np.maximum.accumulate(waits)).all(), (operator.key, source, need, waits)
            kept = [edge.window.first(np.arange(positions)) for edge in edges if edge.window is not None]
            for begins in (
                kept if len(kept) == len(edges) == 1 else ()
            ):  # a place later on may still need what is before
                assert (np.minimum.accumulate(begins[::-1])[::-1] <= first).all(), (operator.key, source, first, begins)
            if exact and len(edges) == 1 and not made.worked.cuts and not is_steady(node):
                assert (need == waits)[need >= 0].all(), (operator.key, source, need, waits)
