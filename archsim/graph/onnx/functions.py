"""Operators that a file describes itself, by functions of other operators: written out."""

from collections.abc import Iterable, Iterator
from typing import Any

from archsim.graph.onnx.file import STANDARD
from archsim.graph.onnx.native import infer_shapes, inline_functions


def inlined(model: Any) -> Any:  # noqa: ANN401 - protobuf's own type
    """A model without functions, as far as they can be written out; it may be changed.

    Attributes that a node leaves out have the values that the function says; a function that is written for another
    version of operators is turned into the model's.
    """
    if not model.functions:
        return model
    _give_defaults(model)
    versions = _versions(model.opset_import)
    others = any(
        versions.get(domain, number) != number
        for function in model.functions
        for domain, number in _versions(function.opset_import).items()
    )
    if others:  # which needs types
        model = infer_shapes(model)
    return inline_functions(model, convert=others)


def _versions(imports: Iterable[Any]) -> dict[str, int]:
    return {"" if each.domain in STANDARD else each.domain: each.version for each in imports}


def _give_defaults(model: Any) -> None:  # noqa: ANN401 - protobuf's own type
    functions = {(each.domain, each.name, each.overload): each for each in model.functions if each.attribute_proto}
    if not functions:
        return
    for node in _nodes((model.graph.node, *(each.node for each in model.functions))):
        function = functions.get((node.domain, node.op_type, node.overload))
        if function is not None:
            said = {each.name for each in node.attribute}
            node.attribute.extend(each for each in function.attribute_proto if each.name not in said)


def _nodes(lists: Iterable[Any]) -> Iterator[Any]:
    """All nodes, and those of graphs inside of them."""
    waiting = list(lists)
    while waiting:
        for node in waiting.pop():
            yield node
            for each in node.attribute:
                waiting += [graph.node for graph in (each.g, *each.graphs)]
