"""Nodes of an ONNX file: operands and attributes as ONNX says, each after what it needs, sizes that fit each other."""

import re
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from math import inf, isnan
from typing import Any

from archsim.errors import ArchsimError, quoted
from archsim.graph.bounds import MOST_DIMENSIONS
from archsim.graph.onnx.counts import graphs_of
from archsim.graph.onnx.file import STANDARD
from archsim.graph.onnx.native import NativeError, check_shapes

_OF_SIZES = {"Reshape": 1, "Expand": 1, "Tile": 1, "Pad": 1, "Unsqueeze": 1, "AffineGrid": 1, "ConstantOfShape": 0}
"""By operator: the operand that is a size, or two, for each dimension."""
_SHOWN = 120
"""Characters of what ONNX's own checker says."""


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


def require_ranks(model: Any) -> None:  # noqa: ANN401
    """Raise ArchsimError where a vector says more sizes than a tensor may have, before ONNX's inference makes them."""
    for graph in graphs_of(model.graph):
        shapes = {each.name: list(each.dims) for each in graph.initializer}
        for each in (*graph.input, *graph.value_info):
            shapes[each.name] = [one.dim_value for one in each.type.tensor_type.shape.dim]
        for node in graph.node:
            operands = enumerate(node.input) if node.op_type in _OF_SIZES and node.domain in STANDARD else ()
            for at, name in operands:
                sizes = shapes.get(name, [])
                if at == _OF_SIZES[node.op_type] and len(sizes) == 1 and sizes[0] > 2 * MOST_DIMENSIONS:
                    found = f"node {quoted(node.name or node.op_type)}: found {sizes[0]:,} sizes in {quoted(name)}"
                    raise ArchsimError(f"{found}; expected those of at most {MOST_DIMENSIONS} dimensions")


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
    """While a model is read: raise ArchsimError at the end where sizes or types do not fit, if nobody did."""
    wrong = _inconsistency(model)
    refused = ArchsimError(f"its sizes or types do not fit each other ({wrong})")
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
    try:
        check_shapes(model)
    except NativeError as error:
        why = str(error)
        # what it says of operators inside of its own functions is no fault of the file, and some converters leave
        # numbers of 8 bits where ONNX says floating-point ones
        odd = why.count("(op_type:") > 1 or re.search(r"unsupported type: tensor\(u?int8\)", why)
        return None if odd else why[:_SHOWN]
    return None


def forget_negative(model: Any) -> None:  # noqa: ANN401
    """Sizes below 0, by which some converters say that a size is not known: ONNX's own inference counts with them."""
    for graph in graphs_of(model.graph):
        for value in (*graph.input, *graph.value_info, *graph.output):
            for one in value.type.tensor_type.shape.dim:
                if one.HasField("dim_value") and one.dim_value < 0:
                    one.ClearField("dim_value")


def require_order(model: Any) -> None:  # noqa: ANN401
    """Raise ArchsimError where a node does not come after those that it needs; so there is no circle."""
    graph = model.graph
    _require_ordered(graph.node, {each.name for each in (*graph.input, *graph.initializer)})
    for function in model.functions:
        _require_ordered(function.node, set(function.input))


def _require_ordered(nodes: Any, before: set[str]) -> None:  # noqa: ANN401
    """before: tensors that are there; a graph inside of a node may read all those that are there by then."""
    made = before | {""}
    for node in nodes:
        name = quoted(node.name or node.op_type)
        missing = [each for each in node.input if each not in made]
        if missing:
            later = any(missing[0] in other.output for other in nodes)
            why = "made only by a later node, or in a circle" if later else "made by nobody"
            raise ArchsimError(f"node {name} needs {quoted(missing[0])}, which is {why}")
        for each in node.attribute:
            for graph in (*([each.g] if each.HasField("g") else []), *each.graphs):
                own = {value.name for value in (*graph.input, *graph.initializer)}
                _require_ordered(graph.node, made | own)
        again = [each for each in node.output if each and each in made]
        if again:
            raise ArchsimError(f"node {name} makes {quoted(again[0])}, which is there already")
        made.update(node.output)
