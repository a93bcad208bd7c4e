"""A cost model: a formula with its constants, and the range of each parameter in which it holds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

PARAMETERS: Final = {
    "bits": "information",
    "rate": "frequency",
    "node": "length",
    "size": "information",
    "width": "information",
    "ports": None,
    "rows": None,
    "cols": None,
    "inputs": None,
    "length": "length",
    "voltage": "voltage",
}
"""Parameters of models, and the dimension of each (`archsim.units.DIMENSIONS`); None is a count."""

_SLACK: Final = 1e-9
"""Relative: an end of a range that is written in another unit still belongs to it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A quantity as written and in SI units (information in bits)."""

    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a parameter may lie, ends included; `usual` is taken where nobody says."""

    least: Figure | None = None
    most: Figure | None = None
    usual: Figure | None = None

    def hold(self, value: float) -> bool:
        """Whether a value lies between the ends."""
        low = self.least.value if self.least else -inf
        high = self.most.value if self.most else inf
        return low - abs(low) * _SLACK <= value <= high + abs(high) * _SLACK

    def __str__(self) -> str:
        if self.least is not None and self.most is not None:
            same = self.least.value == self.most.value
            return self.least.text if same else f"{self.least.text} to {self.most.text}"
        if self.most is not None:
            return f"at most {self.most.text}"
        return f"at least {self.least.text}" if self.least is not None else "any"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a model says of one part: joules of an action, square metres, watts; None where it says nothing."""

    energy: float
    area: float | None = None
    leakage: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Printed points in order of one parameter, `along`; each maps names to SI values."""

    along: str
    points: tuple[Mapping[str, float], ...]


class OutsideError(ValueError):
    """A formula does not hold for its parameters together: which one to change, and the range that it has then."""

    def __init__(self, parameter: str, bounds: Bounds) -> None:
        """Take the parameter's name and its range."""
        super().__init__(parameter, bounds)
        self.parameter, self.bounds = parameter, bounds


Formula = Callable[[Mapping[str, float], Mapping[str, float], Table], Estimate]
"""Parameters, constants and points, all in SI units, to an estimate; raises OutsideError."""


@dataclass(frozen=True)
class Model:
    """What one source says of one class of parts. `text`: in a sentence what it is."""

    name: str
    part: str
    text: str
    source: str
    formula: Formula
    bounds: Mapping[str, Bounds]
    constants: Mapping[str, float]
    table: Table

    def example(self) -> dict[str, float]:
        """Parameters inside the range: what is usual, else the least."""
        known = {key: bounds.usual or bounds.least or bounds.most for key, bounds in self.bounds.items()}
        return {key: figure.value if figure else 1.0 for key, figure in known.items()}

    @property
    def gives_area(self) -> bool:
        """Whether it says an area."""
        return self.estimate(self.example()).area is not None

    def outside(self, parameters: Mapping[str, float]) -> Iterator[tuple[str, Bounds]]:
        """Parameters that lie outside the range in which the model holds, and that range."""
        wrong = [(name, bounds) for name, bounds in self.bounds.items() if not bounds.hold(parameters[name])]
        yield from wrong
        if not wrong:
            try:
                self.formula(parameters, self.constants, self.table)
            except OutsideError as error:
                yield error.parameter, error.bounds

    def estimate(self, parameters: Mapping[str, float]) -> Estimate:
        """The costs of one part; raises OutsideError."""
        for name, bounds in self.outside(parameters):
            raise OutsideError(name, bounds)
        return self.formula(parameters, self.constants, self.table)
