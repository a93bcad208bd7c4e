"""Graph: a model as operators in an order in which every input comes first."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from archsim.graph.operators import Linear, Operator


@dataclass(frozen=True, repr=False)
class Graph:
    """A model. `causal`: positions see only those before; `digest`: hash of its file.

    feedback: (from, to) operators by which a new token re-enters; None where the model generates nothing.
    """

    name: str
    description: str
    source: str | None
    operators: tuple[Operator, ...]
    causal: bool
    feedback: tuple[str, str] | None
    max_positions: int
    digest: str

    def __repr__(self) -> str:
        return f"<Graph {self.name}: {len(self.operators)} operators, {self.parameters:,} parameters>"

    @cached_property
    def by_key(self) -> Mapping[str, Operator]:
        """Operators by `layer/name`."""
        return {operator.key: operator for operator in self.operators}

    @property
    def layers(self) -> tuple[str, ...]:
        """Layer names in order."""
        return tuple(dict.fromkeys(operator.layer for operator in self.operators))

    @property
    def linears(self) -> tuple[Linear, ...]:
        """The projections."""
        return tuple(operator for operator in self.operators if isinstance(operator, Linear))

    @property
    def parameters(self) -> int:
        """Trained numbers of the whole model."""
        return sum(operator.parameters for operator in self.operators)
