"""The graph of an ONNX file: its nodes, who makes and who reads each tensor, and what is known before the run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from archsim.errors import ArchsimError, quoted
from archsim.graph.bounds import require_tensor

Sizes = tuple[int, ...]
HOST_DOMAINS = ("com.microsoft.extensions", "ai.onnx.contrib")
"""Of operators on files and texts, which a host does: sizes of their results depend on data."""
STANDARD = ("", "ai.onnx")
_UNSURE = ("Random", "Multinomial", "Bernoulli")
"""Beginnings of operators whose results differ from run to run."""
FLOATS = (1, 10, 11, 16)
"""Element types: float32, float16, float64, bfloat16."""
WIDE = (1, 11)
"""Those that hold all numbers that archsim computes with."""
NARROW = {
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    23: "float4e2m1",
    24: "float8e8m0",
}
"""Element types of floating-point numbers of 8 bits and less, with the names of their formats."""
BOOLEAN = 9
WHOLES = {
    BOOLEAN: (0, 1),
    **{kind: (0, 2**bits - 1) for kind, bits in ((2, 8), (4, 16), (12, 32), (21, 4), (25, 2))},
    **{
        kind: (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        for kind, bits in ((3, 8), (5, 16), (6, 32), (7, 64), (22, 4), (26, 2))
    },
    13: (0, 2**63 - 1),
}
"""The smallest and largest of element types of whole numbers; of those of 64 bits without sign, half is in reach."""
NUMBERS = frozenset((*FLOATS, *NARROW, *WHOLES))
"""Element types that are no texts or complex numbers."""
SIZES = ("Shape", "Size")
"""Operators that read no numbers, only how many there are."""


@dataclass(frozen=True, slots=True)
class FileNode:
    """A node of the file.

    Parameters
    ----------
    number
        Its place among the nodes.
    operator, domain, name
        What it does, whose operator that is ("" for ONNX's own), and its name.
    inputs, outputs
        Names of tensors; "" for one that is left out.

    Attributes
    ----------
        By name, as Python's own types.
    proto
        Protobuf's node.
    """

    number: int
    operator: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: Any

    @property
    def label(self) -> str:
        """As a message names it."""
        return f"node {quoted(self.name or self.operator)}"

    def input(self, at: int) -> str:
        """The name of an input; "" where there is none."""
        return self.inputs[at] if at < len(self.inputs) else ""

    def whole(self, name: str, default: int) -> int:
        """A whole number among the attributes."""
        return int(self._number(name, default))

    def number_of(self, name: str, default: float) -> float:
        """A number among the attributes."""
        return float(self._number(name, default))

    def wholes(self, name: str) -> Sizes | None:
        """Whole numbers among the attributes; None where they are left out."""
        found = self.attributes.get(name)
        if found is not None and not (isinstance(found, list | tuple) and all(isinstance(one, int) for one in found)):
            raise ArchsimError(f"{self.label}: attribute {quoted(name)}: expected whole numbers")
        return None if found is None else tuple(found)

    def _number(self, name: str, default: float) -> float:
        found = self.attributes.get(name, default)
        if not isinstance(found, int | float):
            raise ArchsimError(f"{self.label}: attribute {quoted(name)}: expected a number")
        return found

    def word(self, name: str, default: str) -> str:
        """A word among the attributes."""
        return str(self.attributes.get(name, default))

    @property
    def nested(self) -> bool:
        """Whether it has a graph inside."""
        return any(each.HasField("g") or each.graphs for each in self.proto.attribute)


@dataclass(frozen=True)
class ModelFile:
    """A file's graph. Nodes that change nothing are left out: who reads them reads what they read.

    Parameters
    ----------
    nodes
        In order.
    inputs
        Sizes of what comes in; None where they are open.
    outputs
        Names of the results.
    initializers
        Tensors that the file holds.
    sizes, types
        Of tensors, as far as ONNX's shape inference knows them; types are ONNX's numbers.
    opsets
        Version by domain.
    functions
        Operators that the file itself describes.
    constant
        Tensors that are known before the run: those held, sizes, and all that is made of them alone.
    outside
        Tensors whose size depends on data: a host makes them.
    empty
        Sizes of inputs of which one is 0.
    fixed
        Of those held, those that are part of an operator's definition: nobody trained them.
    readers
        Nodes that read numbers of a tensor, one entry for each time.
    makers
        The node that makes a tensor.
    meanings
        By tensor: what the node that makes it means, where that is no operator of ONNX; it is no work then.
    bits
        Of weights that lie packed, by name.
    """

    nodes: tuple[FileNode, ...]
    inputs: Mapping[str, Sizes | None]
    outputs: tuple[str, ...]
    initializers: Mapping[str, Any]
    sizes: Mapping[str, Sizes]
    types: Mapping[str, int]
    opsets: Mapping[str, int]
    functions: frozenset[str]
    constant: frozenset[str]
    outside: frozenset[str]
    empty: Mapping[str, Sizes]
    fixed: frozenset[str]
    readers: Mapping[str, tuple[FileNode, ...]]
    makers: Mapping[str, FileNode]
    meanings: Mapping[str, str] = field(default_factory=dict)
    bits: Mapping[str, int] = field(default_factory=dict)

    @property
    def opset(self) -> int:
        """Version of ONNX's own operators."""
        return self.opsets.get("", 1)

    def only(self, name: str) -> FileNode | None:
        """The node that alone reads a tensor, once; None where it is a result or has other readers."""
        readers = self.readers.get(name, ())
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def is_float(self, name: str) -> bool:
        """Whether a tensor is of floating-point numbers."""
        kind = self.types.get(name, FLOATS[0])
        return kind in FLOATS or kind in NARROW


def survey(model: Any, given: frozenset[str], fixed: frozenset[str] = frozenset()) -> ModelFile:  # noqa: ANN401 - protobuf's own type
    """Read the graph of a model whose sizes are inferred.

    Parameters
    ----------
    model
        Protobuf's model.
    given
        Tensors of which a user says the sizes: what makes them is the host's.
    fixed
        Tensors that are held, but part of an operator's definition.
    """
    graph = model.graph
    sizes, types = _sizes_and_types(graph)
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    nodes, names = _without_idle(
        [_node(number, each) for number, each in enumerate(graph.node)], types, {each.name for each in graph.output}
    )
    outside = _outside(nodes, sizes, given)
    readers: dict[str, list[FileNode]] = {}
    for node in nodes:
        for name in node.inputs if node.operator not in SIZES else ():
            readers.setdefault(name, []).append(node)
    return ModelFile(
        nodes=tuple(nodes),
        inputs={each.name: sizes.get(each.name) for each in graph.input if each.name not in initializers},
        outputs=tuple(names.get(each.name, each.name) for each in graph.output),
        initializers=initializers,
        sizes=sizes,
        types=types,
        opsets={"" if each.domain in STANDARD else each.domain: each.version for each in model.opset_import},
        functions=frozenset(each.name for each in model.functions),
        constant=_constant(nodes, frozenset(initializers), outside),
        outside=outside,
        empty=_empty(graph, initializers),
        fixed=fixed,
        readers={name: tuple(found) for name, found in readers.items()},
        makers={name: node for node in nodes for name in node.outputs},
    )


def _node(number: int, proto: Any) -> FileNode:  # noqa: ANN401
    from onnx.helper import get_attribute_value

    attributes = {}
    for each in proto.attribute:
        if each.ref_attr_name:
            raise ArchsimError(f"node {quoted(proto.name or proto.op_type)}: refers to an attribute of no function")
        value = get_attribute_value(each)
        attributes[each.name] = value.decode(errors="replace") if isinstance(value, bytes) else value
    domain = "" if proto.domain in STANDARD else proto.domain
    return FileNode(
        number, proto.op_type, domain, proto.name, tuple(proto.input), tuple(proto.output), attributes, proto
    )


def _sizes_and_types(graph: Any) -> tuple[dict[str, Sizes], dict[str, int]]:  # noqa: ANN401
    sizes: dict[str, Sizes] = {}
    types: dict[str, int] = {}
    for value in (*graph.value_info, *graph.output, *graph.input):
        kind = value.type.tensor_type
        if kind.elem_type:
            types[value.name] = kind.elem_type
        found = tuple(one.dim_value if one.HasField("dim_value") else 0 for one in kind.shape.dim)
        require_tensor(quoted(value.name), (size or None for size in found))
        if kind.HasField("shape") and all(size > 0 for size in found):
            sizes[value.name] = found
    types |= {tensor.name: tensor.data_type for tensor in graph.initializer}
    return sizes, types


def _empty(graph: Any, held: Collection[str]) -> dict[str, Sizes]:  # noqa: ANN401
    """Sizes of inputs that are all known, one of them 0."""
    found: dict[str, Sizes] = {}
    for each in graph.input:
        sizes = [one.dim_value if one.HasField("dim_value") else None for one in each.type.tensor_type.shape.dim]
        if None not in sizes and 0 in sizes and each.name not in held:
            found[each.name] = tuple(size for size in sizes if size is not None)
    return found


def _without_idle(
    nodes: list[FileNode], types: Mapping[str, int], results: set[str]
) -> tuple[list[FileNode], dict[str, str]]:
    """Nodes but those that change nothing; and by the name of what such a one makes, that of the same numbers."""
    names: dict[str, str] = {}
    read = {name for node in nodes for name in node.inputs} | results
    found: list[FileNode] = []
    for node in nodes:
        node = replace(node, inputs=tuple(names.get(name, name) for name in node.inputs))  # noqa: PLW2901
        idle = node.operator == "Identity"
        if node.operator == "Dropout":
            idle = not node.input(2) and not read.intersection(node.outputs[1:])
        if node.operator == "Cast":
            given, kind = types.get(node.inputs[0]), node.whole("to", 0)
            idle = (given in FLOATS or given in NARROW) and (kind in WIDE or kind == given)
        if idle and not node.domain and node.input(0):
            names[node.outputs[0]] = node.inputs[0]
        else:
            found.append(node)
    return found, names


def _outside(nodes: list[FileNode], sizes: Mapping[str, Sizes], given: frozenset[str]) -> frozenset[str]:
    """A convolution whose result is known takes over from the host."""
    found: set[str] = set()
    for node in nodes:
        entry = node.operator == "Conv" and node.outputs[0] in sizes
        if node.domain in HOST_DOMAINS or (found.intersection(node.inputs) and not entry):
            found.update(name for name in node.outputs if name and name not in given)
    return frozenset(found)


def _constant(nodes: list[FileNode], held: frozenset[str], outside: frozenset[str]) -> frozenset[str]:
    found = set(held)
    for node in nodes:
        if node.domain or node.nested or node.operator.startswith(_UNSURE) or outside.intersection(node.outputs):
            continue
        made = node.operator in ("Constant", *SIZES)
        if made or (any(node.inputs) and all(name in found or not name for name in node.inputs)):
            found.update(node.outputs)
    return frozenset(found - {""})
