"""Products of two operands in crossbars: the second operand is written into arrays that are kept for it."""

from math import ceil

from archsim.graph.graph import Graph
from archsim.graph.operators import Linear, Matmul, Operator
from archsim.machine.fits import Layout
from archsim.machine.machine import Machine
from archsim.mapping.mapping import Keys


def is_written(machine: Machine, operator: Operator) -> bool:
    """Whether an operator's recipe writes an operand into cores."""
    if not isinstance(operator, Matmul):
        return False
    steps = machine.recipe(operator.kind, operator.role)
    return any(step.function == "write" and step.by == machine.core for step in steps)


def of_one_head(operator: Matmul, keys: int) -> Linear:
    """The matrix of one head: keys are columns of the scores, rows of the context."""
    rows, cols = (operator.head_dim, keys) if operator.scores else (keys, operator.head_dim)
    return Linear(layer=operator.layer, name=operator.name, inputs=(), in_features=rows, out_features=cols)


def cores_for(operator: Matmul, layout: Layout, keys: int) -> int:
    """Cores that hold the matrices of all heads, each head in cores of its own."""
    matrix = of_one_head(operator, keys)
    blocks = ceil(matrix.in_features / layout.crossbar.rows) * ceil(matrix.out_features / layout.outputs_per_block)
    return operator.heads * ceil(blocks * layout.cores_per_block / layout.blocks)


def arrays_of(machine: Machine, graph: Graph, layer: str, layout: Layout, keys: Keys) -> dict[str, int]:
    """Cores by operator that a layer keeps for written operands."""
    return {
        operator.name: cores_for(operator, layout, keys(operator))
        for operator in graph.by_layer[layer]
        if isinstance(operator, Matmul) and is_written(machine, operator)
    }
