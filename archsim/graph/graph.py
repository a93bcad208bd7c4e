"""Graph: a model as operators in an order in which every input comes first."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from archsim.errors import ArchsimError
from archsim.graph.operators import Linear, Operator
from archsim.graph.streams import TOKENS, Stream

MOST_POSITIONS = 1 << 24
"""Of a stream that a model fixes."""
WIDEST = 1 << 24
"""Rows or columns of a matrix."""


@dataclass(frozen=True, repr=False)
class Graph:
    """A model. feedback: (from, to) operators by which a new token re-enters; None where it generates nothing.

    max_positions: of streams whose length a job says; digest: hash of its file; notes: what was taken for granted.
    """

    name: str
    description: str
    source: str | None
    operators: tuple[Operator, ...]
    feedback: tuple[str, str] | None
    max_positions: int
    digest: str
    notes: tuple[str, ...] = ()

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
        return sum(operator.parameters for operator in self.operators)
