"""Rows of tables that are added where a model begins: of tokens, positions and segments; they are one operator."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from math import prod

from archsim.errors import ArchsimError
from archsim.graph.axes import sizes_of
from archsim.graph.nodes import Contraction, Elementwise, Node
from archsim.graph.onnx.constants import Reader
from archsim.graph.onnx.edit import Edit
from archsim.graph.sequence_nodes import Embedding
from archsim.graph.weights import Weight

_ADDITIONS = 2
"""That the operator stands for: positions and segments."""
_LARGE = 1 << 26
"""Numbers of a table that is looked at."""


def join_tables(edit: Edit, arrays: Mapping[str, Reader]) -> None:
    """Sums of looked-up rows, and of constants, with the first of them, and their scale.

    arrays: numbers of weights, by name.
    """
    for node in list(edit.nodes.values()):
        if isinstance(node, Embedding) and not edit.nodes[node.key].free:
            _join(edit, node, arrays)


def _join(edit: Edit, first: Embedding, arrays: Mapping[str, Reader]) -> None:
    key, left = first.key, _ADDITIONS
    while left and (reader := edit.alone(key)) is not None:
        node = edit.nodes[reader]
        if _is_scale(edit, node):
            key = edit.put(replace(node, kind="view"), edit.places[node.key])
            continue
        if not _is_addition(node):
            break
        others = [name for name in node.inputs if name != key]
        ends = [_looked_up(edit, name) for name in others]
        if len(others) != 1 or ends[0] is None:
            break
        for end in (node, *ends[0]):
            edit.put(replace(end, kind="view"), edit.places[end.key])
        _count_rows(edit, others[0], arrays)
        key, left = node.key, left - 1


def _count_rows(edit: Edit, name: str, arrays: Mapping[str, Reader]) -> None:
    """A row of a table that stands again and again is trained once."""
    weight = edit.builder.weights.get(name)
    if weight is None or weight.numbers != prod(weight.shape) or not 1 < weight.numbers <= _LARGE:
        return
    try:
        rows = arrays[name]().reshape(-1, weight.shape[-1])
    except ArchsimError:  # in a file that is not there
        return
    if bool((rows == rows[0]).all()) and rows.min() < rows.max():  # else numbers may be left out of the file
        edit.builder.weights[name] = replace(weight, trained=weight.shape[-1])


def tie_heads(edit: Edit, arrays: Mapping[str, Reader]) -> None:
    """Count the weights of a product that are those of a table once, where a file has them twice."""
    weights = edit.builder.weights
    tables = {node.inputs[1] for node in edit.nodes.values() if isinstance(node, Embedding)}
    for node in edit.nodes.values():
        if not isinstance(node, Contraction) or not node.stationary or node.windows or len(node.second) != 2:  # noqa: PLR2004
            continue
        matrix = weights[node.inputs[1]]
        for table in (weights[name] for name in tables if name in weights and name != matrix.name):
            if matrix.numbers == prod(table.shape) <= _LARGE and _are_those(arrays, matrix.name, table):
                weights[matrix.name] = replace(matrix, trained=0)


def _are_those(arrays: Mapping[str, Reader], name: str, table: Weight) -> bool:
    """Whether a matrix has the numbers of a table, or of a transposed one, which are not all the same."""
    try:
        rows, matrix = arrays[table.name](), arrays[name]()
    except ArchsimError:  # in a file that is not there
        return False
    if rows.min() == rows.max():
        return False
    return any(rows.shape == each.shape and bool((rows == each).all()) for each in (matrix, matrix.T))


def _is_scale(edit: Edit, node: Node) -> bool:
    """Whether a node multiplies by a single number, as of rows that are multiplied by the root of their size."""
    weights = [edit.builder.weights[name] for name in node.inputs if name in edit.builder.weights]
    single = len(weights) == 1 and prod(weights[0].shape) == 1
    return isinstance(node, Elementwise) and node.function == "mul" and len(node.inputs) == 2 and single  # noqa: PLR2004


def _is_addition(node: Node) -> bool:
    return isinstance(node, Elementwise) and node.function == "add"


def _looked_up(edit: Edit, name: str) -> Collection[Node] | None:
    """The work of a tensor that is nothing but rows of tables, or a constant; None: others."""
    if name in edit.builder.weights:
        return ()
    node = edit.nodes.get(name)
    while node is not None and node.free and len(edit.moving(node)) == 1:
        node = edit.nodes.get(edit.moving(node)[0])
    return (node,) if isinstance(node, Embedding) and edit.alone(node.key) is not None else None


def add_positions(edit: Edit, begins: Collection[str]) -> None:
    """Before the first product of an attention: a constant with a row for each position is a table of these.

    begins: keys of products with weights by which attention begins.
    """
    ends = [edit.places[key] for key in begins]
    for key in list(edit.nodes):
        node = edit.nodes[key]  # which may read what another has become
        if not ends or edit.places[node.key] > min(ends) or not isinstance(node, Elementwise) or node.kind != "add":
            continue
        constants = [name for name in node.inputs if name in edit.builder.weights]
        if len(constants) != 1 or len(node.inputs) != 2 or len(node.shape) < 2:  # noqa: PLR2004 - positions and values
            continue
        sizes = edit.builder.weights[constants[0]].shape
        rows = tuple(size or 0 for size in sizes_of(node.shape)[-2:])
        if sizes[-2:] == rows and min(rows) > 1 and set(sizes[:-2]) <= {1} and not _is_scores(edit, node):
            edit.builder.layer = node.layer
            changed = replace(node, kind="embedding", name=edit.builder.name("embedding"))
            edit.rename({node.key: edit.put(changed, edit.places[node.key])})
            edit.remove(node.key)


def _is_scores(edit: Edit, node: Node) -> bool:
    sources = (edit.nodes.get(name) for name in edit.moving(node))
    return any(isinstance(each, Contraction) and not each.stationary for each in sources)
