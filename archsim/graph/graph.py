"""Graph: a model as nodes that make tensors, in an order in which every input comes first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from archsim.errors import ArchsimError
from archsim.graph.nodes import Node
from archsim.graph.operators import Linear, Operator
from archsim.graph.streams import TOKENS, Route, Stream
from archsim.graph.weights import Input, Stored, Weight
from archsim.graph.work import MOST_POSITIONS, work_of

WIDEST = 1 << 24
"""Rows or columns of a matrix."""
_SHOWN = 3


@dataclass(frozen=True, repr=False)
class Graph:
    """A model. `make_graph` makes one.

    Parameters
    ----------
    inputs, nodes, weights, outputs
        What comes in; what makes tensors, in order; what is known before the run; names of the results.
    operators
        The work of the nodes. A mapping may have some done in another way, and then has a Graph with other operators.
    feedback
        (from, to): keys by which a new token re-enters; None where it generates nothing.
    max_positions
        Of streams whose length a job says.
    digest
        Hash of its file.
    notes
        What was taken for granted.
    stored
        By key of a product with weights: of how many bits its file has its numbers, where it says that.
    """

    name: str
    description: str
    source: str | None
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    weights: Mapping[str, Weight]
    outputs: tuple[str, ...]
    operators: tuple[Operator, ...]
    feedback: tuple[str, str] | None
    max_positions: int
    digest: str
    notes: tuple[str, ...] = ()
    stored: Mapping[str, Stored] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse sizes that nothing could hold. Raises ArchsimError."""
        for operator in self.operators:
            positions = operator.stream.length or 1
            wide = max(operator.in_features, operator.out_features) if isinstance(operator, Linear) else 1
            if positions > MOST_POSITIONS or wide > WIDEST:
                found = f"{operator.key}: found {positions:,} positions of up to {wide:,} values"
                raise ArchsimError(f"{found}; expected at most {MOST_POSITIONS:,} of {WIDEST:,}")

    def __repr__(self) -> str:
        return f"<Graph {self.name}: {len(self.operators)} operators, {self.parameters:,} parameters>"

    @cached_property
    def by_key(self) -> Mapping[str, Operator]:
        """Operators by `layer/name`."""
        return {operator.key: operator for operator in self.operators}

    @cached_property
    def by_layer(self) -> Mapping[str, tuple[Operator, ...]]:
        """Operators by layer, in order."""
        found: dict[str, list[Operator]] = {}
        for operator in self.operators:
            found.setdefault(operator.layer, []).append(operator)
        return {layer: tuple(operators) for layer, operators in found.items()}

    @cached_property
    def readers(self) -> Mapping[str, tuple[Operator, ...]]:
        """Operators by the key of each that they take something from."""
        found: dict[str, dict[str, Operator]] = {}
        for operator in self.operators:
            for edge in operator.inputs:
                found.setdefault(edge.source, {})[operator.key] = operator
        return {source: tuple(operators.values()) for source, operators in found.items()}

    @property
    def layers(self) -> tuple[str, ...]:
        """Layer names in order."""
        return tuple(self.by_layer)

    @cached_property
    def streams(self) -> tuple[Stream, ...]:
        """All streams, in order of first use."""
        return tuple(dict.fromkeys(operator.stream for operator in self.operators))

    @property
    def length(self) -> int | None:
        """Positions of a sequence where the model fixes them all; 1 for maps of pixels; None where a job says them."""
        free = [stream for stream in self.streams if stream.length is None and stream.prompt is None]
        tokens = [stream.length for stream in self.streams if stream.name == TOKENS.name and stream.length]
        return None if free else max(tokens, default=1)

    def longest(self, operator: Operator) -> int:
        """The most positions that an operator can see in any job."""
        stream = operator.sees or operator.stream
        return operator.within(self.max_positions if stream.length is None else stream.length)

    @property
    def linears(self) -> tuple[Linear, ...]:
        """The projections."""
        return tuple(operator for operator in self.operators if isinstance(operator, Linear))

    @property
    def parameters(self) -> int:
        """Trained numbers of the whole model."""
        return sum(weight.numbers for weight in self.weights.values())

    @cached_property
    def active_parameters(self) -> int:
        """Trained numbers that a position goes through: of experts those of as many as it is sent to."""
        of_experts: Counter[Route] = Counter()
        for node in self.nodes:
            route = next((factor.axis.route for one in node.shape for factor in one if factor.axis.route), None)
            if route is not None:
                numbers = sum(self.weights[name].numbers for name in node.inputs if name in self.weights)
                of_experts[Route(0, route.experts, route.chosen)] += numbers
        idle = sum(number * (route.experts - route.chosen) // route.experts for route, number in of_experts.items())
        return self.parameters - idle


def make_graph(
    name: str,
    description: str,
    inputs: Sequence[Input],
    nodes: Sequence[Node],
    weights: Sequence[Weight],
    outputs: Sequence[str],
    *,
    source: str | None = None,
    feedback: tuple[str, str] | None = None,
    max_positions: int = 1,
    digest: str,
    notes: Sequence[str] = (),
    stored: Mapping[str, Stored] | None = None,
) -> Graph:
    """A Graph of nodes, with the operators that follow from them. Raises ArchsimError for sizes out of bounds."""
    by_name = {weight.name: weight for weight in weights}
    worked = work_of(inputs, nodes, by_name)
    said = list(notes)
    if worked.cuts:
        shown = ", ".join(worked.cuts[:_SHOWN]) + (" and others" if len(worked.cuts) > _SHOWN else "")
        said.append(f"a position waits for all of what it reads, where a reshape mixes positions: {shown}")
    return Graph(
        name=name,
        description=description,
        source=source,
        inputs=tuple(inputs),
        nodes=tuple(nodes),
        weights=by_name,
        outputs=tuple(outputs),
        operators=worked.operators,
        feedback=feedback,
        max_positions=max_positions,
        digest=digest,
        notes=tuple(said),
        stored=dict(stored or {}),
    )
