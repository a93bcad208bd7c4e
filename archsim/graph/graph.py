"""Graph: a model as operators in an order in which every input comes first."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from archsim.graph.operators import Linear, Operator


@dataclass(frozen=True)
class Graph:
    """A model. `causal`: positions see only those before; `decodes`: it can generate; `digest`: hash of its file."""

    name: str
    description: str
    source: str | None
    operators: tuple[Operator, ...]
    causal: bool
    decodes: bool
    max_positions: int
    digest: str

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

    def macs(self, seq: int) -> int:
        """Multiply-accumulates of one sequence of `seq` positions; of a causal model the causal part only."""
        return sum(self._macs(operator, seq) for operator in self.operators)

    def _macs(self, operator: Operator, seq: int) -> int:
        if operator.positions == "first":
            return operator.macs(1 if self.causal else seq)
        if operator.positions == "last":
            return operator.macs(seq)
        if self.causal:
            return sum(operator.macs(keys) for keys in range(1, seq + 1))
        return seq * operator.macs(seq)
