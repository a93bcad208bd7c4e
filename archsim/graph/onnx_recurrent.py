"""ONNX's LSTM: forward, backward, or both side by side."""

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from archsim.errors import ArchsimError
from archsim.graph.recurrent import GATES, lstm
from archsim.graph.weave import Value

if TYPE_CHECKING:
    from archsim.graph.onnx_nodes import Importer, Node, Shape

_SEQUENCE_LENGTHS, _FIRST_HIDDEN, _PEEPHOLES = 4, 5, 7
"""Places among the inputs, after data, weights, recurrent weights and biases."""


def recurrent(importer: "Importer", node: "Node", shape: "Shape") -> Value:  # noqa: ARG001 - of a result that may be absent
    """Weave an LSTM; its last hidden state and cell are there when all of it is.

    Backward, it begins with the position that comes last, so it waits for all; and whoever reads what it gives, in
    order, waits for the position that it does last. Raises ArchsimError for what is not known of it.
    """
    name = f"node '{node.name or node.kind}'"
    given = importer.shapes.get(node.inputs[0])
    weights = importer.shapes.get(node.inputs[2])
    if given is None or weights is None:
        importer.missing.append(node.inputs[0])
        return Value((), 1)
    _require_plain(importer, node, name, given)
    steps, hidden = prod(given[:2]), weights[1] // GATES
    biases = 2 if len(node.inputs) > 3 and node.inputs[3] else 0  # noqa: PLR2004 - data, two of weights, biases
    value = importer.value(node.inputs[0])
    if value.positions != steps or value.window is not None:
        value = Value(value.sources, given[-1], (1, steps), whole=True)
    value = replace(value, width=given[-1], size=(1, steps))
    direction = str(node.attributes.get("direction") or "forward")
    halves = []
    if direction != "reverse":
        halves.append(lstm(importer.weaver, value, hidden, biases))
    if direction != "forward":
        halves.append(replace(lstm(importer.weaver, replace(value, whole=True), hidden, biases), whole=True))
    made = importer.weaver.joined(*halves)
    for output in node.outputs[1:]:
        importer.values[output] = replace(made, size=(1, 1), whole=True)
    return replace(made, whole=any(half.whole for half in halves))


def _require_plain(importer: "Importer", node: "Node", name: str, given: "Shape") -> None:
    batch = given[0] if node.attributes.get("layout") else given[1]
    if batch != 1:
        raise ArchsimError(f"{name}: found a batch of {batch}; expected one. Try --shape, and --batch for more.")
    later = node.inputs[_SEQUENCE_LENGTHS:]
    if len(node.inputs) > _PEEPHOLES and node.inputs[_PEEPHOLES]:
        raise ArchsimError(f"{name}: has peepholes, which archsim does not know")
    if any(name in importer.values for name in later[_FIRST_HIDDEN - _SEQUENCE_LENGTHS :]):
        raise ArchsimError(f"{name}: its first state is made at run time; expected one that is known")
