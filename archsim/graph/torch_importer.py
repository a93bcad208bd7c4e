"""From the calls of an exported PyTorch graph to nodes: what handlers of operators share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError
from archsim.graph.axes import Axis, dim, shown, sizes_of
from archsim.graph.builder import Builder
from archsim.graph.nodes import Contraction, Unknown
from archsim.graph.views import View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from archsim.graph.nodes import Node

Sizes = tuple[int, ...]
Made = str | list[str]
"""Names of the tensors that a call makes."""
_MOST_WHOLE = 1 << 31
"""Bound of whole numbers that index no table."""


class UnknownError(Exception):
    """An operator, or a way to call it, that has no handler."""


@dataclass(frozen=True)
class Constant:
    """A tensor that is known before the run.

    Parameters
    ----------
    shape
        Sizes.
    read
        Gives its numbers, of that shape.
    parameters
        Names of the trained parameters that it is made of.
    """

    shape: Sizes
    read: Callable[[], NDArray[Any]]
    parameters: tuple[str, ...] = ()

    def mapped(self, shape: Sizes, function: Callable[[NDArray[Any]], NDArray[Any]]) -> Constant:
        """What a function makes of it."""
        return Constant(shape, lambda: function(self.read()), self.parameters)

    def reshaped(self, shape: Sizes) -> Constant:
        """The same numbers in another shape."""
        return self.mapped(shape, lambda x: x.reshape(shape))


@dataclass(frozen=True)
class Call:
    """A call of an operator: `aten.conv2d.default` has the kind `conv2d`. Arguments are by the schema's names."""

    node: Any
    kind: str
    arguments: Mapping[str, Any]
    shapes: tuple[Sizes, ...]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever a schema has
        return self.arguments[name]

    @property
    def shape(self) -> Sizes:
        """Of the first result."""
        return self.shapes[0]

    @classmethod
    def of(cls, node: Any) -> Call:  # noqa: ANN401
        """Of a node of torch.fx."""
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            return cls(node, str(getattr(node.target, "__name__", node.target)), {}, shapes_of(node))
        names = [each.name for each in schema.arguments]
        given = {each.name: each.default_value if each.has_default_value() else None for each in schema.arguments}
        given |= dict(zip(names, node.args, strict=False)) | dict(node.kwargs)
        return cls(node, str(schema.name).rpartition("::")[2], given, shapes_of(node))


def shapes_of(node: Any) -> tuple[Sizes, ...]:  # noqa: ANN401
    """Of all tensors that a node makes. Raises ArchsimError for sizes that depend on data."""
    value = node.meta.get("val")
    values = value if isinstance(value, (tuple, list)) else [value]
    try:
        return tuple(tuple(map(int, each.shape)) for each in values if getattr(each, "shape", None) is not None)
    except Exception:  # noqa: BLE001 - torch has several kinds
        raise ArchsimError(f"sizes of {node.name} depend on data; expected fixed ones") from None


@dataclass
class Importer:
    """Goes through the calls in order.

    Parameters
    ----------
    program
        Of torch.export, functional.
    handlers
        By kind of call; each makes nodes, and gives the names of their tensors.
    builder
        Of the Graph.
    constants
        By name of a node of the program.
    tensors
        The Graph's names of what a node of the program makes at run time.
    arrays
        By name of a weight: gives its numbers.
    scales
        Of nodes of the program: by what they are still to be multiplied, which the product that reads them does.
    aliases
        Nodes of the program whose result is that of another, which has taken them in.
    unknown
        What has no handler.
    open
        Inputs some of whose sizes a run may choose.
    """

    program: Any
    handlers: Mapping[str, Callable[[Importer, Call], Made]]
    builder: Builder = field(default_factory=Builder)
    constants: dict[str, Constant] = field(default_factory=dict)
    tensors: dict[str, Made] = field(default_factory=dict)
    arrays: dict[str, Callable[[], NDArray[Any]]] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    open: list[str] = field(default_factory=list)
    products: int = 0
    _sources: dict[str, Any] = field(default_factory=dict)
    _counted: set[str] = field(default_factory=set)

    def run(self) -> list[str]:
        """All nodes; names of the results."""
        signature = self.program.graph_signature
        fixed = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        for node in self.program.graph_module.graph.nodes:
            if node.op == "placeholder":
                self._enter(node, fixed.get(node.name))
            elif node.op == "get_attr":
                self._sources[node.name] = getattr(self.program.graph_module, node.target)
                if shapes_of(node):
                    self._constant(node, ())
            elif node.op == "call_function" and shapes_of(node):
                self._call(Call.of(node))
            elif node.op == "call_function":  # a size
                self._sources[node.name] = node.meta.get("val")
        results = [self.tensors.get(name) for name in signature.user_outputs if isinstance(name, str)]
        return list(dict.fromkeys(name for name in results if isinstance(name, str)))

    def _enter(self, node: Any, name: str | None) -> None:  # noqa: ANN401
        """A parameter, a buffer, or an input."""
        shapes = shapes_of(node)
        if name is not None:
            held = self.program.state_dict
            self._sources[node.name] = held[name] if name in held else self.program.constants[name]
            self._constant(node, (name,) if name in self.program.graph_signature.parameters else ())
        elif shapes:
            if any(not isinstance(size, int) for size in node.meta["val"].shape):
                self.open.append(node.name)
            whole = None if node.meta["val"].is_floating_point() else _MOST_WHOLE
            axes = self.builder.axes(node.name, shapes[0])
            self.tensors[node.name] = self.builder.input(node.name, axes, whole=whole)

    def _constant(self, node: Any, parameters: tuple[str, ...]) -> None:  # noqa: ANN401
        shapes = shapes_of(node)
        self.constants[node.name] = Constant(shapes[0], lambda: _numbers(self._read(node)), parameters)

    def _read(self, node: Any) -> Any:  # noqa: ANN401
        """A tensor of torch, of constants alone."""
        if node.name in self._sources:
            return self._sources[node.name]
        from torch.fx.node import map_arg

        args, given = map_arg((node.args, node.kwargs), self._read)
        return node.target(*args, **given)

    def _call(self, call: Call) -> None:
        name, inputs = call.node.name, [each.name for each in call.node.all_input_nodes]
        sources = [each for each in inputs if each in self.tensors or each in self.constants]
        if name in self.aliases:
            self.tensors[name] = self.tensors[self.aliases[name]]
            return
        if all(source in self.constants for source in sources):
            trained = dict.fromkeys(each for source in sources for each in self.constants[source].parameters)
            self._constant(call.node, tuple(trained))
            return
        begin = len(self.builder.nodes)
        try:
            made = self.handlers.get(call.kind, _missing)(self, call)
        except UnknownError as error:
            self.unknown[str(error)] += 1
            del self.builder.nodes[begin:]
            made = [self.other(call, shape, str(error)) for shape in call.shapes]
            made = made[0] if len(made) == 1 else made
        self.tensors[name] = made
        if len(sources) == 1 and sources[0] in self.scales:  # a view, on the way to the product
            self.scales[name] = self.scales[sources[0]]
        for tensor, shape in zip([made] if isinstance(made, str) else made, call.shapes, strict=False):
            if tensor and sizes_of(self.builder.of(tensor)) != shape:
                raise ArchsimError(f"{name}: has the shape {shown(self.builder.of(tensor))}; expected {list(shape)}")

    # What calls read

    def fixed(self, node: Any) -> Constant | None:  # noqa: ANN401
        """An argument that is known before the run; None for any other."""
        return self.constants.get(getattr(node, "name", ""))

    def known(self, node: Any, kind: str) -> Constant:  # noqa: ANN401
        """An argument that has to be known before the run. Raises UnknownError where it is not."""
        found = self.fixed(node)
        if found is None:
            raise UnknownError(f"{kind} with weights that are made at run time")
        return found

    def number(self, argument: Any) -> float | None:  # noqa: ANN401
        """A single number that is known before the run and not trained; None for anything else."""
        if isinstance(argument, (int, float)):
            return float(argument)
        found = self.fixed(argument)
        if found is None or found.parameters or prod(found.shape) != 1:
            return None
        return float(found.read().reshape(-1)[0])

    def operand(self, node: Any) -> str:  # noqa: ANN401
        """The Graph's name of a tensor; constants are weights of the program's names."""
        constant = self.fixed(node)
        if constant is not None:
            return self.weight(node.name, constant)
        made = self.tensors[node.name]
        return made if isinstance(made, str) else made[0]

    def weight(self, name: str, constant: Constant) -> str:
        """A weight; trained numbers are counted where they are first read."""
        new = [each for each in constant.parameters if each not in self._counted]
        self._counted.update(new)
        self.arrays.setdefault(name, constant.read)
        trained = sum(int(self.program.state_dict[each].numel()) for each in new)
        return self.builder.weight(name, constant.shape, trained=trained)

    def bound(self, name: str, rows: int) -> None:
        """Whole numbers that index so many rows: where they come in as they are, that is their bound."""
        name, inputs = self.origin(name), self.builder.inputs
        for at, each in enumerate(inputs):
            if each.name == name and each.whole is not None:
                inputs[at] = replace(each, whole=min(each.whole, rows))

    # Nodes that there are

    def node(self, name: str) -> Node | None:
        """The node that makes a tensor; None of an input."""
        return next((node for node in reversed(self.builder.nodes) if node.key == name), None)

    def origin(self, name: str) -> str:
        """The tensor that views of one operand show."""
        while isinstance(node := self.node(name), View) and len(node.inputs) == 1:
            name = node.inputs[0]
        return name

    def scores(self, source: Any) -> Contraction | None:  # noqa: ANN401
        """The product of two operands made at run time that an argument is, if nothing else reads it."""
        name = self.tensors.get(getattr(source, "name", ""))
        node = self.node(name) if isinstance(name, str) else None
        return node if isinstance(node, Contraction) and not node.stationary and len(source.users) == 1 else None

    def change(self, node: Contraction, **changes: Any) -> str:  # noqa: ANN401 - of the node
        """Another node in the place of one that there is."""
        at = next(at for at, each in enumerate(self.builder.nodes) if each is node)
        self.builder.nodes[at] = replace(node, **changes)
        return node.key

    def other(self, call: Call, sizes: Sizes, what: str) -> str:
        """An operation for each value of a result; what it is, is not known."""
        builder = self.builder
        xs = [self.operand(each) for each in call.node.all_input_nodes if each.name in self.tensors]
        own = builder.name("other")
        new = tuple(dim(Axis(f"{builder.layer}/{own}:{at}", size, at)) for at, size in enumerate(sizes))
        alike = [builder.of(x) for x in xs if len(builder.of(x)) == len(sizes)]
        shape = tuple(
            next(
                (one for one, size in ((each[at], sizes_of(each)[at]) for each in alike) if size == sizes[at]), new[at]
            )
            for at in range(len(sizes))
        )
        why = f"{call.node.name}: operator {what} is not known"
        return builder.add(Unknown(layer=builder.layer, name=own, kind="other", inputs=tuple(xs), shape=shape, why=why))


def _missing(importer: Importer, call: Call) -> Made:  # noqa: ARG001 - as all handlers are called
    raise UnknownError(call.kind)


def _numbers(tensor: Any) -> NDArray[Any]:  # noqa: ANN401
    """In float32, or whole numbers."""
    held = tensor.detach().cpu()
    found: NDArray[Any] = (held.float() if held.is_floating_point() else held.long()).numpy()
    return found
