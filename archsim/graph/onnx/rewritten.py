"""Nodes of an ONNX model that say in a roundabout way what others say directly: they are written anew."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

Wholes = Mapping[str, NDArray[np.int64]]


def rewrite(model: Any) -> None:  # noqa: ANN401 - protobuf's own type
    """A CastLike becomes a Cast; a tensor of a sequence that another was split into becomes a part of that.

    Parameters
    ----------
    model
        Protobuf's model, with sizes and types inferred. It is changed.
    """
    from onnx import helper

    graph = model.graph
    types = {each.name: each.type.tensor_type.elem_type for each in (*graph.value_info, *graph.input, *graph.output)}
    types |= {each.name: each.data_type for each in graph.initializer}
    wholes, makers = _wholes(graph), {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.domain or len(node.input) < 2:  # noqa: PLR2004
            continue
        maker = makers.get(node.input[0])
        if node.op_type == "CastLike" and types.get(node.input[1]):
            given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
            _write(node, "Cast", node.input[:1], to=types[node.input[1]], **given)
        elif node.op_type == "SequenceAt" and maker is not None and maker.op_type == "SplitToSequence":
            _take(graph, node, maker, wholes)
    read = {name for node in graph.node for name in node.input}
    for node in [each for each in graph.node if each.op_type == "SplitToSequence" and not read & set(each.output)]:
        graph.node.remove(node)


def _wholes(graph: Any) -> Wholes:  # noqa: ANN401
    """Small tensors of whole numbers that are held."""
    from onnx import TensorProto, helper, numpy_helper

    made = [node for node in graph.node if node.op_type == "Constant" and not node.domain and node.attribute]
    held = [(each.name, each) for each in graph.initializer if not each.external_data]
    held += [(node.output[0], helper.get_attribute_value(node.attribute[0])) for node in made]
    found: dict[str, NDArray[np.int64]] = {}
    for name, value in held:
        if isinstance(value, int) or (isinstance(value, list) and all(isinstance(each, int) for each in value)):
            found[name] = np.array(value)
        elif isinstance(value, TensorProto) and value.data_type == TensorProto.INT64 and len(value.dims) < 2:  # noqa: PLR2004
            with suppress(ValueError):  # those that cannot be read are told when they are
                found[name] = numpy_helper.to_array(value)
    return found


def _write(node: Any, operator: str, inputs: Sequence[str], **attributes: Any) -> None:  # noqa: ANN401
    """Another node in the place of one."""
    from onnx import helper

    node.CopyFrom(helper.make_node(operator, list(inputs), list(node.output), node.name, **attributes))


def _take(graph: Any, node: Any, maker: Any, wholes: Wholes) -> None:  # noqa: ANN401
    """What a node takes of a sequence: a slice of what that was split of; without pieces, an index of it."""
    from onnx import helper, numpy_helper

    given = {each.name: helper.get_attribute_value(each) for each in maker.attribute}
    at, axis = wholes.get(node.input[1]), given.get("axis", 0)
    pieces = wholes.get(maker.input[1]) if len(maker.input) > 1 and maker.input[1] else np.array(1)
    if at is None or pieces is None or int(at) < 0:
        return
    if not given.get("keepdims", 1) and len(maker.input) == 1:
        _write(node, "Gather", (maker.input[0], node.input[1]), axis=axis)
        return
    ends = np.cumsum(pieces) if pieces.ndim else pieces * (np.arange(int(at) + 1) + 1)
    size = pieces[int(at)] if pieces.ndim else pieces
    bounds = {"start": ends[int(at)] - size, "end": ends[int(at)], "axis": axis}
    names = [f"{node.output[0]} {word}" for word in bounds]
    graph.initializer.extend(
        numpy_helper.from_array(np.array([number], np.int64), name)
        for name, number in zip(names, bounds.values(), strict=True)
    )
    _write(node, "Slice", (maker.input[0], *names))
