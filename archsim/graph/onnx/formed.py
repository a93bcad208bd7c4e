"""Whether an ONNX file is one: counts and names within bounds, nodes as ONNX says, each after what it needs."""

import mmap
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf, isnan
from pathlib import Path
from typing import Any

from archsim.errors import ArchsimError, quoted
from archsim.graph.onnx.file import STANDARD

MOST_NODES = 30_000
"""Of a file, those inside of others and of functions included."""
_MOST_TENSORS = 200_000
_LONGEST_NAME = 1_000
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LARGEST_VERSION = 1 << 31
_LARGEST_SIZE = 1 << 31
"""Of a dimension."""
_SHOWN = 120
"""Characters of what ONNX's own checker says."""

# Numbers of fields, of ONNX's protobuf
_MODEL = {7: "graph", 25: "function"}
_INNER = {
    "graph": {1: "node", 5: "tensor", 11: "tensor", 12: "tensor", 13: "tensor", 15: "tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
}
_DEEPEST = 40
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def require_few(path: Path) -> None:
    """Raise ArchsimError for a file of too many nodes or tensors, which protobuf would unpack first.

    A file that is not sound protobuf is left to protobuf's own message.
    """
    if not path.stat().st_size:
        return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        counts = {"node": 0, "tensor": 0}
        waiting = [(0, len(raw), "model", 0)]
        while waiting:
            begin, end, kind, depth = waiting.pop()
            inner = _MODEL if kind == "model" else _INNER.get(kind, {})
            for number, start, stop in _fields(raw, begin, end):
                what = inner.get(number)
                if what is None:
                    continue
                if what in counts:
                    counts[what] += 1
                if depth > _DEEPEST:
                    raise ArchsimError(f"has graphs more than {_DEEPEST} deep in each other; expected fewer")
                if counts["node"] > MOST_NODES or counts["tensor"] > _MOST_TENSORS:
                    most = f"{MOST_NODES:,} nodes and {_MOST_TENSORS:,} tensors"
                    raise ArchsimError(f"has more than {most}, those inside of others included; expected fewer")
                if what in _INNER:
                    waiting.append((start, stop, what, depth + (what == "graph")))


def _fields(raw: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Of a message: number, and where the bytes begin and end, of each field that is itself made of bytes."""
    while at < end:
        tag, at = _varint(raw, at, end)
        form = tag & 7
        if form == _VARINT:
            _, at = _varint(raw, at, end)
        elif form == _BYTES:
            length, at = _varint(raw, at, end)
            if length > end - at:
                return
            yield tag >> 3, at, at + length
            at += length
        elif form in (_FIXED64, _FIXED32):
            at += 8 if form == _FIXED64 else 4
        else:
            return


def _varint(raw: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 64:  # noqa: PLR2004 - bits
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the last
            return value, at
    return value, end


def require_formed(model: Any) -> None:  # noqa: ANN401 - protobuf's own type
    """Raise ArchsimError where a model's versions, names or sizes are none."""
    for each in model.opset_import:
        _require_name(each.domain)
    versions = {f"of {quoted(one.domain)}": one.version for one in model.opset_import}
    versions |= {"of the file": model.ir_version}
    for what, version in versions.items():
        if not 0 <= version < _LARGEST_VERSION:
            raise ArchsimError(f"is no ONNX model (found version {version} {what})")
    texts: list[Any] = []
    for function in model.functions:
        texts += (function.name, function.domain, *function.input, *function.output, *function.attribute)
        texts += (one.domain for one in function.opset_import)
    for graph in (inner for outer in (model.graph, *model.functions) for inner in _graphs(outer)):
        nodes = graph.node
        texts += (text for node in nodes for text in (node.name, node.op_type, node.domain, *node.input, *node.output))
        texts += (one.name for node in nodes for one in node.attribute)
        texts += (one.ref_attr_name for node in nodes for one in node.attribute)
        if graph.DESCRIPTOR.name == "GraphProto":
            texts += (one.name for one in (*graph.input, *graph.output, *graph.value_info, *graph.initializer))
            _require_sizes(graph)
    for each in model.graph.input:  # ONNX's own inference ends the process where some operators read them
        if each.type.WhichOneof("value") is None:
            raise ArchsimError(f"input {quoted(each.name)} has no type; expected that of a tensor")
    for text in texts:
        _require_name(text)
    _require_few_inlined(model)


def _require_few_inlined(model: Any) -> None:  # noqa: ANN401
    """Functions may be called in functions: nodes are counted before they are written out."""
    functions = {(one.domain, one.name): one for one in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size_of(graph: Any, depth: int) -> int:  # noqa: ANN401
        nodes = [node for one in _graphs(graph) for node in one.node]
        return sum(called((node.domain, node.op_type), depth) for node in nodes)

    def called(name: tuple[str, str], depth: int) -> int:
        if name not in functions:
            return 1
        if depth > _DEEPEST:
            what = f"function {quoted(name[1])} is called more than {_DEEPEST} deep in others, or calls itself"
            raise ArchsimError(f"{what}; expected fewer")
        if name not in sizes:
            sizes[name] = size_of(functions[name], depth + 1)
        size = sizes[name]
        if size > MOST_NODES:
            raise ArchsimError(f"function {quoted(name[1])} has {size:,} nodes; expected at most {MOST_NODES:,}")
        return size

    total = size_of(model.graph, 0)
    if total > MOST_NODES:
        raise ArchsimError(f"has {total:,} nodes with its functions written out; expected at most {MOST_NODES:,}")


def _require_name(text: Any) -> None:  # noqa: ANN401 - protobuf gives bytes that are no UTF-8 as they are
    if isinstance(text, bytes):
        raise ArchsimError("is no ONNX model (a name of a node or tensor is no text)")
    if len(text) > _LONGEST_NAME:
        raise ArchsimError(f"has a name of {len(text):,} characters; expected at most {_LONGEST_NAME:,}")
    if _CONTROL.search(text):
        raise ArchsimError(f"has the name {quoted(text)}; expected names without control characters")


def _graphs(graph: Any) -> Iterator[Any]:  # noqa: ANN401
    """A graph or function, and graphs inside of nodes."""
    waiting = [graph]
    while waiting:
        last = waiting.pop()
        yield last
        for node in last.node:
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += attribute.graphs


def _require_sizes(graph: Any) -> None:  # noqa: ANN401
    for value in (*graph.input, *graph.output, *graph.value_info):
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
    for graph in (inner for outer in (model.graph, *model.functions) for inner in _graphs(outer)):
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
    if any(size > _LARGEST_SIZE for size in listed):
        raise ArchsimError(f"{quoted(name)} has sizes {listed[:8]}; expected at most {_LARGEST_SIZE:,}")


def require_nodes(model: Any, handled: Container[str]) -> None:  # noqa: ANN401
    """Raise ArchsimError where a node lacks the operands and attributes that ONNX says."""
    from onnx import checker

    context = checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {each.domain: each.version for each in model.opset_import}
    required: dict[tuple[str, str], list[int]] = {}
    for node in model.graph.node:
        name = (node.domain, node.op_type)
        if name not in required:
            required[name] = _required(name, context.opset_imports)
        if any(at < len(node.input) and not node.input[at] for at in required[name]):
            raise ArchsimError(f"node {quoted(node.name or node.op_type)}: lacks an input that {node.op_type} needs")
        if node.domain not in STANDARD or any(each.HasField("g") or each.graphs for each in node.attribute):
            continue  # a graph inside reads names that a node alone does not have
        for each in node.attribute:
            wrong = each.name == "epsilon" and not 0 <= each.f < inf
            if each.HasField("f") and (isnan(each.f) or wrong) and node.op_type != "Constant":
                found = f"node {quoted(node.name or node.op_type)}: found {each.f:g} in {quoted(each.name)}"
                raise ArchsimError(f"{found}; expected a number{', 0 or more' if wrong else ''}")
        try:
            checker.check_node(node, context)
        except UnicodeDecodeError:
            raise ArchsimError(
                f"node {quoted(node.name or node.op_type)}: the name of an attribute is no text"
            ) from None
        except checker.ValidationError as error:
            why = " ".join(str(error).split())
            if not why.startswith("No Op registered") or node.op_type in handled:  # others are told together
                raise ArchsimError(f"node {quoted(node.name or node.op_type)}: {why[:_SHOWN]}") from None


def _required(name: tuple[str, str], versions: Mapping[str, int]) -> list[int]:
    """Which operands of an operator cannot be left out: ONNX's own inference reads them all."""
    from onnx import defs

    domain, kind = name
    version = versions.get(domain, versions.get("", 1) if domain in STANDARD else 1)
    try:
        schema = defs.get_schema(kind, version, "" if domain in STANDARD else domain)
    except defs.SchemaError:
        return []
    single = defs.OpSchema.FormalParameterOption.Single
    return [at for at, one in enumerate(schema.inputs) if one.option == single]


@contextmanager
def consistent(model: Any) -> Iterator[None]:  # noqa: ANN401
    """While a model is read: raise ArchsimError at the end where its sizes do not fit each other, if nobody did."""
    wrong = _inconsistency(model)
    refused = ArchsimError(f"its sizes do not fit each other ({wrong})")
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError):
        if wrong is None:
            raise
        raise refused from None
    if wrong is not None:
        raise refused


def _inconsistency(model: Any) -> str | None:  # noqa: ANN401
    """What ONNX's strict inference says against a model; None where nothing."""
    from onnx import shape_inference

    try:
        shape_inference.infer_shapes(model, strict_mode=True)
    except Exception as error:  # noqa: BLE001 - a broken file may make it raise anything
        why = " ".join(str(error).split())
        # what it says of operators inside of its own functions is no fault of the file
        return None if why.count("(op_type:") > 1 else why[:_SHOWN]
    return None


def require_order(model: Any) -> None:  # noqa: ANN401
    """Raise ArchsimError where a node does not come after those that it needs; so there is no circle."""
    made = {each.name for each in (*model.graph.input, *model.graph.initializer)} | {""}
    for node in model.graph.node:
        missing = [name for name in node.input if name not in made]
        if missing:
            later = any(missing[0] in other.output for other in model.graph.node)
            why = "made only by a later node, or in a circle" if later else "made by nobody"
            raise ArchsimError(f"node {quoted(node.name or node.op_type)} needs {quoted(missing[0])}, which is {why}")
        again = [name for name in node.output if name and name in made]
        if again:
            raise ArchsimError(
                f"node {quoted(node.name or node.op_type)} makes {quoted(again[0])}, which is there already"
            )
        made.update(node.output)
