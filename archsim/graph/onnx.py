"""ONNX files as models: shapes are inferred, weights need not be there, what shapes alone depend on is no work."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archsim.errors import ArchsimError, UsageError, quoted
from archsim.graph.graph import Graph
from archsim.graph.onnx_nodes import HANDLED, Importer, Node

_LARGEST = 1 << 31  # bytes, protobuf's own limit
_SHOWN = 5
Shape = tuple[int, ...]


def load_onnx(path: Path, shapes: Mapping[str, Shape], *, approximate: bool = False) -> Graph:
    """Make a Graph of an ONNX file; raises ArchsimError with what is wrong, or with what it lacks.

    shapes: of tensors whose sizes the file leaves open; approximate: operators that are not known cost one operation
    for each value of their result, on the unit that does the rest.
    """
    model = _read(path)
    _give_shapes(path, model, shapes)
    try:
        return _graph(path, model, approximate=approximate)
    except ArchsimError as error:
        raise ArchsimError(*(f"{path}: {fault.message}" for fault in error.faults)) from None


def _read(path: Path) -> Any:  # noqa: ANN401 - protobuf's own types
    try:
        import onnx
    except ImportError:
        raise UsageError("ONNX files need the onnx package: pip install 'archsim[onnx]'") from None
    from google.protobuf.message import DecodeError

    if path.stat().st_size >= _LARGEST:
        raise ArchsimError(f"{path}: is of 2 GiB or more; expected less, with weights in a file beside it")
    try:
        model = onnx.load(str(path), load_external_data=False)  # weights are not needed, wherever they may lie
    except (DecodeError, ValueError) as error:
        raise ArchsimError(f"{path}: is no ONNX model ({' '.join(str(error).split())[:80]})") from None
    if not model.graph.node:
        raise ArchsimError(f"{path}: has no operators; expected an ONNX model")
    for tensor in model.graph.initializer:
        _refuse_outside(path, tensor)
    return model


def _refuse_outside(path: Path, tensor: Any) -> None:  # noqa: ANN401
    """Weights in another file are never read; a place outside the model's folder is a trap for those who would."""
    place = next((entry.value for entry in tensor.external_data if entry.key == "location"), None)
    if place is None:
        return
    target = (path.parent / place).resolve()
    if not target.is_relative_to(path.parent.resolve()):
        found = f"weights of {quoted(tensor.name)} lie at {quoted(place)}, outside the model's folder"
        raise ArchsimError(f"{path}: {found}; expected a file beside it")


def _give_shapes(path: Path, model: Any, shapes: Mapping[str, Shape]) -> None:  # noqa: ANN401
    """Sizes that were given, in place of those that are open; an open first size of an input is a batch of one."""
    inputs = {each.name: each for each in model.graph.input}
    known = {each.name for each in model.graph.initializer}
    produced = {name for node in model.graph.node for name in node.output}
    for name, shape in shapes.items():
        if name not in inputs and name not in produced:
            free = ", ".join(sorted(set(inputs) - known))
            raise ArchsimError(f"{path}: --shape {name}: no such tensor. Inputs: {free}")
        value = inputs.get(name) or model.graph.value_info.add(name=name)
        dims = value.type.tensor_type.shape.dim
        if name in inputs and dims and len(dims) != len(shape):
            raise ArchsimError(f"{path}: --shape {name}: found {len(shape)} sizes; the input has {len(dims)}")
        value.type.tensor_type.elem_type = value.type.tensor_type.elem_type or 1
        del dims[:]
        for size in shape:
            dims.add(dim_value=size)
    for value in inputs.values():
        dims = value.type.tensor_type.shape.dim
        if value.name not in known and len(dims) > 1 and dims[0].dim_value <= 0:
            dims[0].dim_value = 1


def _graph(path: Path, model: Any, *, approximate: bool) -> Graph:  # noqa: ANN401
    import onnx

    _require_order(model)
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # noqa: BLE001 - a broken file may make it raise anything
        why = " ".join(str(error).split())[:200]
        raise ArchsimError(f"its shapes cannot be inferred ({why})") from None
    nodes = [Node.of(node) for node in model.graph.node]
    readers = Counter(name for node in nodes for name in node.inputs)
    importer = Importer(_shapes(inferred.graph), _constants(model.graph), readers)
    _require_known(importer, nodes, approximate=approximate)
    for node in nodes:
        importer.node(node)
    importer.require_shapes()
    if not importer.weaver.operators:
        raise ArchsimError("has nothing to compute: all its results are constants, or of unknown size")
    return Graph(
        name=path.stem,
        description=f"ONNX graph {model.graph.name}",
        source=None,
        operators=tuple(importer.weaver.operators),
        feedback=None,
        max_positions=1,
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        notes=tuple(importer.notes()),
    )


def _require_order(model: Any) -> None:  # noqa: ANN401
    """Every node comes after those that it needs; so there is no circle."""
    made = {each.name for each in (*model.graph.input, *model.graph.initializer)} | {""}
    made |= {each.values.name for each in model.graph.sparse_initializer}
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


def _shapes(graph: Any) -> dict[str, Shape | None]:  # noqa: ANN401
    """Shapes by tensor; None where a size is not known."""
    found: dict[str, Shape | None] = {}
    for value in (*graph.value_info, *graph.input, *graph.output):
        kind = value.type.tensor_type
        sizes = [dim.dim_value if dim.HasField("dim_value") else 0 for dim in kind.shape.dim]
        known = kind.HasField("shape") and all(size > 0 for size in sizes)
        found[value.name] = tuple(sizes) if known else None
    found |= {each.output[0]: shape for each in graph.node if (shape := _made(each)) is not None}
    return found | {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}


def _made(node: Any) -> Shape | None:  # noqa: ANN401
    """Of a node that holds its value."""
    tensors = [each.t for each in node.attribute if each.name == "value"]
    return tuple(tensors[0].dims) if node.op_type == "Constant" and tensors else None


def _constants(graph: Any) -> set[str]:  # noqa: ANN401
    """Tensors that are there before the run: weights, and all that is made of them alone."""
    found = {tensor.name for tensor in graph.initializer} | {each.values.name for each in graph.sparse_initializer}
    for node in graph.node:
        if node.op_type in ("Constant", "Shape") or (
            node.input and all(name in found or not name for name in node.input)
        ):
            found.update(node.output)
    return found


def _require_known(importer: Importer, nodes: list[Node], *, approximate: bool) -> None:
    """Operators that are not known are told all at once, with how often they occur."""
    if approximate:
        return
    working = [node for node in nodes if importer.is_work(node)]
    unknown = Counter(node.kind for node in working if node.kind not in HANDLED)
    if unknown:
        listed = ", ".join(f"{kind} ({number} times)" if number > 1 else kind for kind, number in unknown.most_common())
        advice = "Try --approximate: one operation for each of their values."
        raise ArchsimError(f"operators that archsim does not know: {listed}. {advice}")
