"""Whether an ONNX file is one: its versions, names, types and sizes, and where its numbers lie."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from archsim.errors import ArchsimError, quoted
from archsim.graph.bounds import LARGEST_SIZE
from archsim.graph.onnx.counts import graphs_of, require_few_inlined

_LONGEST_NAME = 1_000
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LARGEST_VERSION = 1 << 31


def require_formed(model: Any) -> None:  # noqa: ANN401 - protobuf's own type
    """Raise ArchsimError where a model's versions, names or sizes are none."""
    graphs = [inner for outer in (model.graph, *model.functions) for inner in graphs_of(outer)]
    for text in _names(model, graphs):
        _require_name(text)
    _require_versions(model)
    for each in model.graph.input:  # ONNX's own inference ends the process where some operators read them
        if each.type.WhichOneof("value") is None:
            raise ArchsimError(f"input {quoted(each.name)} has no type; expected that of a tensor")
    _require_values(model, graphs)
    for graph in graphs:
        idle = next((node for node in graph.node if not any(node.output)), None)
        if idle is not None:
            raise ArchsimError(f"node {quoted(idle.name or idle.op_type)} makes nothing; expected a result")
        if graph.DESCRIPTOR.name == "GraphProto":
            _require_sizes(graph)
    require_few_inlined(model)


def _require_values(model: Any, graphs: Sequence[Any]) -> None:  # noqa: ANN401
    """Of attributes: their own, or in a function that of what calls it."""
    for of in (of for graph in graphs_of(model.graph) for of in graph.node):
        if any(given.ref_attr_name for given in of.attribute):
            raise ArchsimError(f"node {quoted(of.name or of.op_type)}: refers to an attribute of no function")
    for of in (of for graph in graphs for of in graph.node):
        for given in of.attribute:
            if given.type == given.UNDEFINED and not given.ref_attr_name:
                raise ArchsimError(f"node {quoted(of.name or of.op_type)}: attribute {quoted(given.name)} has no value")


def _require_versions(model: Any) -> None:  # noqa: ANN401
    versions = {f"of {quoted(one.domain)}": one.version for one in model.opset_import}
    for what, version in {**versions, "of the file": model.ir_version}.items():
        if not 0 <= version < _LARGEST_VERSION:
            raise ArchsimError(f"is no ONNX model (found version {version} {what})")


def _names(model: Any, graphs: Sequence[Any]) -> Iterator[Any]:  # noqa: ANN401
    """All but those of attributes' own numbers, and those for people."""
    yield from (each.domain for each in model.opset_import)
    for function in model.functions:
        yield from (function.name, function.domain, *function.input, *function.output, *function.attribute)
        yield from (each.domain for each in function.opset_import)
    for graph in graphs:
        for node in graph.node:
            yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
            yield from (text for each in node.attribute for text in (each.name, each.ref_attr_name))
        if graph.DESCRIPTOR.name == "GraphProto":
            yield from (each.name for each in (*graph.input, *graph.output, *graph.value_info, *graph.initializer))


def _require_name(text: Any) -> None:  # noqa: ANN401 - protobuf gives bytes that are no UTF-8 as they are
    if isinstance(text, bytes):
        raise ArchsimError("is no ONNX model (a name of a node or tensor is no text)")
    if len(text) > _LONGEST_NAME:
        raise ArchsimError(f"has a name of {len(text):,} characters; expected at most {_LONGEST_NAME:,}")
    if _CONTROL.search(text):
        raise ArchsimError(f"has the name {quoted(text)}; expected names without control characters")


def _require_sizes(graph: Any) -> None:  # noqa: ANN401
    from onnx import TensorProto

    known = TensorProto.DataType.values()
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type not in known:
            raise ArchsimError(
                f"{quoted(value.name)} is of type {value.type.tensor_type.elem_type}; expected one of ONNX"
            )
        _require_sized(value.name, [one.dim_value for one in value.type.tensor_type.shape.dim], least=None)
    for tensor in graph.initializer:
        _require_sized(tensor.name, tensor.dims, least=0)
        _require_numbers(tensor)


def _require_numbers(tensor: Any) -> None:  # noqa: ANN401
    from onnx import TensorProto

    known = set(TensorProto.DataType.values()) - {TensorProto.UNDEFINED, TensorProto.COMPLEX64, TensorProto.COMPLEX128}
    if tensor.data_type not in known:
        raise ArchsimError(f"weights {quoted(tensor.name)} are of type {tensor.data_type}; expected real numbers")


def require_inside(folder: Path, model: Any) -> None:  # noqa: ANN401
    """Raise ArchsimError where numbers lie outside the model's folder, which is a trap, or in no file."""
    for graph in (inner for outer in (model.graph, *model.functions) for inner in graphs_of(outer)):
        held = [tensor for node in graph.node for one in node.attribute for tensor in (one.t, *one.tensors)]
        if any(tensor.external_data for tensor in held):
            raise ArchsimError("has a constant of a node in another file; expected it in the model")
        for tensor in graph.initializer if graph.DESCRIPTOR.name == "GraphProto" else ():
            place = next((entry.value for entry in tensor.external_data if entry.key == "location"), None)
            if place is None and not tensor.external_data and tensor.data_location != tensor.EXTERNAL:
                continue
            if place is not None:
                _require_name(place)
            if not _is_inside(folder, place or ""):
                found = f"weights of {quoted(tensor.name)} lie at {quoted(place or '')}, outside the model's folder"
                raise ArchsimError(f"{found}; expected a file beside it")


def _is_inside(folder: Path, place: str) -> bool:
    try:
        path = folder / place
        return bool(place) and path.resolve().is_relative_to(folder.resolve()) and not path.is_dir()
    except (ValueError, OSError):  # no path at all
        return False


def _require_sized(name: str, sizes: Sequence[int], least: int | None) -> None:
    """least: of a size; None where one below 0 stands for what is not known."""
    listed = list(sizes)
    if least is not None and any(size < least for size in listed):
        raise ArchsimError(f"weights {quoted(name)} have sizes {listed[:8]}; expected none below {least}")
    if any(size > LARGEST_SIZE for size in listed):
        raise ArchsimError(f"{quoted(name)} has sizes {listed[:8]}; expected at most {LARGEST_SIZE:,}")
