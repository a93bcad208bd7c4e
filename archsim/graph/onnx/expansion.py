"""Operators written out in simpler ones before a model is read: by ONNX's own definitions, or by archsim's."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archsim.errors import ArchsimError
from archsim.graph.onnx.attention_bodies import ATTENTION
from archsim.graph.onnx.constants import Constants, Reader
from archsim.graph.onnx.control import CONTROL
from archsim.graph.onnx.file import FileNode, ModelFile, survey
from archsim.graph.onnx.integers import INTEGERS
from archsim.graph.onnx.map_bodies import MAPS
from archsim.graph.onnx.microsoft import MICROSOFT
from archsim.graph.onnx.microsoft.rows import simplified
from archsim.graph.onnx.native import body_of
from archsim.graph.onnx.recurrent_bodies import RECURRENT
from archsim.graph.onnx.rewritten import rewrite
from archsim.graph.onnx.rotary_body import ROTARY
from archsim.graph.onnx.row_bodies import ROWS
from archsim.graph.onnx.writing import UnknownSizesError, Write, Writing

_BODIES: dict[str, Write] = {
    **CONTROL,
    **ATTENTION,
    **ROWS,
    **MAPS,
    **RECURRENT,
    **ROTARY,
    **INTEGERS,
    "SimplifiedLayerNormalization": simplified,
}
"""By operator: those that archsim writes out itself."""
_ROUNDS, _MOST_NODES = 256, 1 << 16
"""How deep bodies may lie in each other, or wait for each other's sizes; nodes that all of them together may have."""
_RANDOM = ("Bernoulli",)
"""Whose definitions draw numbers by chance."""
_DOMAIN = "written out"
_PREVIEW = "ai.onnx.preview"


@dataclass(frozen=True)
class Written:
    """A model whose operators are written out.

    Parameters
    ----------
    model
        Protobuf's.
    fixed
        Names of tensors that are no weights but part of a definition.
    readers
        Of weights that are worked out when their numbers are asked for.
    bits
        Of each of these, by name.
    meanings
        By tensor: what nodes mean that are no work.
    notes
        What was taken for granted.
    """

    model: Any
    fixed: frozenset[str] = frozenset()
    readers: Mapping[str, Reader] = field(default_factory=dict)
    bits: Mapping[str, int] = field(default_factory=dict)
    meanings: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def write_out(
    model: Any,  # noqa: ANN401 - protobuf's own type
    given: frozenset[str],
    known: Collection[str],
    folder: Path,
    readers: Mapping[str, Reader],
    inferred: Callable[[Any], Any],
) -> Written:
    """Write out all operators that are not known, as far as they have a body.

    Parameters
    ----------
    model
        Protobuf's model, with sizes inferred; it may be changed.
    given
        As of `survey`.
    known
        Operators that are read as they are.
    folder, readers
        As of `Constants`.
    inferred
        Infers sizes, and writes out local functions.

    Raises
    ------
    ArchsimError
        Where a body is too large, or cannot be written as the node says.
    """
    all_of_them = Written(model)
    for number in range(_ROUNDS):
        file = survey(model, given, all_of_them.fixed)
        constants = Constants(file, folder, {**readers, **all_of_them.readers}, file.sizes.get)
        written, waiting = _round(file, constants, known, all_of_them.meanings, number)
        if not written:
            if waiting is not None:
                raise waiting
            return all_of_them
        _replace(model, written)
        if len(model.graph.node) > _MOST_NODES:
            raise ArchsimError(f"has more than {_MOST_NODES:,} operators when all of them are written out")
        model = inferred(model)
        rewrite(model)
        all_of_them = _with(all_of_them, model, written.values())
    raise ArchsimError(f"has operators inside of others, more than {_ROUNDS} deep")


def _round(
    file: ModelFile, constants: Constants, known: Collection[str], meanings: Collection[str], number: int
) -> tuple[dict[int, Writing], UnknownSizesError | None]:
    """What stands in the places of nodes, by their numbers; and why one of those that wait does."""
    written: dict[int, Writing] = {}
    waiting: UnknownSizesError | None = None
    for node in file.nodes:
        body = _body(node, known)
        if body is None or file.constant.issuperset(filter(None, node.outputs)) or node.outputs[0] in meanings:
            continue
        writing = Writing(node, file, constants, f"#{number}.{node.number}")
        try:
            body(writing)
            if not writing.nodes and body is not _defined and node.operator not in known and not node.domain:
                _defined(writing)
        except UnknownSizesError as error:
            waiting = waiting or error
            continue
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # sizes of another number of dimensions
            why = " ".join(str(error).split())[:80]
            expected = f"its operands or attributes are not what {node.operator} needs ({why})"
            raise ArchsimError(f"{node.label}: {expected}") from None
        if writing.nodes:
            written[node.number] = writing
    return written, waiting


def _with(before: Written, model: Any, written: Iterable[Writing]) -> Written:  # noqa: ANN401 - protobuf's own type
    """With what was written in one more round."""
    fixed, readers, bits = set(before.fixed), dict(before.readers), dict(before.bits)
    meanings, notes = dict(before.meanings), list(before.notes)
    for writing in written:
        fixed.update(writing.tensors, writing.untrained)
        readers |= writing.readers
        bits |= writing.bits
        meanings |= writing.meanings
        notes += writing.notes
    return Written(model, frozenset(fixed), readers, bits, meanings, tuple(dict.fromkeys(notes)))


def _body(node: FileNode, known: Collection[str]) -> Write | None:
    if node.domain == "com.microsoft":
        return MICROSOFT.get(node.operator)
    if node.domain not in ("", _PREVIEW):
        return None
    if not node.domain and node.operator in _BODIES:
        return _BODIES[node.operator]
    special = node.operator == "LayerNormalization" and any(node.outputs[1:])
    if node.operator in _RANDOM or (node.operator in known and not special and not node.domain):
        return None
    return _defined


def _defined(writing: Writing) -> None:
    """By the function that ONNX defines for the operator, which a call stands for until functions are written out."""
    from onnx import FunctionProto, defs

    node, file = writing.node, writing.file
    version = file.opsets.get(node.domain)
    if version is None or not defs.has(node.operator, version, node.domain):
        return
    schema: Any = defs.get_schema(node.operator, version, node.domain)
    opset = file.opset if node.domain else version
    if schema.has_context_dependent_function:
        versions = [each for each in schema.context_dependent_function_opset_versions if each <= opset]
        if not versions or any(name and name not in file.types for name in node.inputs):
            return
        types = [_type(file, name).SerializeToString() for name in node.inputs]
        text = body_of(schema, versions[-1], node.proto.SerializeToString(), types)
    else:
        versions = [each for each in schema.function_opset_versions if each <= opset]
        text = schema.get_function_with_opset_version(versions[-1]) if versions else b""
    if text:
        _call(writing, FunctionProto.FromString(text), schema)


def _call(writing: Writing, function: Any, schema: Any) -> None:  # noqa: ANN401 - protobuf's and ONNX's own types
    """A node that calls a function of its own, with the attributes that the operator has where none are said."""
    from onnx import helper

    node, file = writing.node, writing.file
    function.domain, function.name = _DOMAIN, f"{node.operator} {writing.marker}"
    del function.opset_import[:]
    function.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in file.opsets.items())
    call = helper.make_node(function.name, list(node.inputs), list(node.outputs), node.name, domain=_DOMAIN)
    call.attribute.extend(node.proto.attribute)
    usual = (each.default_value for name, each in schema.attributes.items() if name not in node.attributes)
    call.attribute.extend(each for each in usual if each.name)
    writing.nodes.append(call)
    writing.functions.append(function)


def _type(file: ModelFile, name: str) -> Any:  # noqa: ANN401 - protobuf's own type
    """Of an operand, as far as it is known; of one that is left out, nothing."""
    from onnx import TypeProto, helper

    return helper.make_tensor_type_proto(file.types[name], file.sizes.get(name)) if name else TypeProto()


def _replace(model: Any, written: Mapping[int, Writing]) -> None:  # noqa: ANN401 - protobuf's own type
    """Nodes in the places of others, with the numbers that they need and the functions that they call."""
    from onnx import helper, numpy_helper

    nodes: list[Any] = []
    for number, node in enumerate(model.graph.node):
        nodes += written[number].nodes if number in written else [node]
    nodes = [each.__deepcopy__() for each in nodes]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for writing in written.values():
        made = writing.tensors.items()
        model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in made)
        model.graph.initializer.extend(writing.held)
        model.functions.extend(writing.functions)
    if model.functions and all(each.domain != _DOMAIN for each in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
