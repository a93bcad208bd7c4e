"""The figures that studies aim at, and what a study wants of them: objectives and constraints."""

import re
from dataclasses import dataclass
from typing import Final

from archsim import units
from archsim.errors import did_you_mean, quoted


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline figure: its field in a result, its unit there, the dimension it is written in, if it has one."""

    field: str
    unit: str
    dimension: str | None = None
    largest: bool = False


FIGURES: Final = {
    "latency": Figure("latency_s", "s", "time"),
    "energy": Figure("energy_j", "J", "energy"),
    "power": Figure("average_power_w", "W", "power"),
    "area": Figure("area_m2", "m2", "area"),
    "chips": Figure("chips", ""),
    "throughput": Figure("tokens_per_s", "tokens/s", None, largest=True),
    "tops": Figure("tops", "TOPS", None, largest=True),
    "tops_per_w": Figure("tops_per_w", "TOPS/W", None, largest=True),
    "tops_per_mm2": Figure("tops_per_mm2", "TOPS/mm2", None, largest=True),
    "peak_tops_per_w": Figure("peak_tops_per_w", "TOPS/W", None, largest=True),
    "peak_tops_per_mm2": Figure("peak_tops_per_mm2", "TOPS/mm2", None, largest=True),
}
"""By the name that a study has for them; `largest`: more of it is better, unless the study says otherwise."""

KEPT: Final = (*(figure.field for figure in FIGURES.values()), "ops", "tasks", "bottleneck")
"""Fields of a result, or of its machine alone (`peak_*`), that the store keeps of each point."""


COLUMNS: Final = ("state", "reason", *KEPT, "machine_digest", "key")
"""Of a table of points, behind what was set."""


class WantError(ValueError):
    """A text that is no objective or constraint; the message says why, without a place."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A figure by name; `sign` is 1 where less is better, -1 where more is."""

    name: str
    sign: int

    @property
    def figure(self) -> Figure:
        """What it is of."""
        return FIGURES[self.name]

    @property
    def text(self) -> str:
        """As it is written in a study."""
        return f"{self.name} {'min' if self.sign > 0 else 'max'}"


@dataclass(frozen=True, slots=True)
class Constraint:
    """`name` stays below (sign 1) or above (sign -1) `limit`, which is in the figure's own unit."""

    name: str
    sign: int
    limit: float
    inclusive: bool
    text: str

    @property
    def figure(self) -> Figure:
        """What it is of."""
        return FIGURES[self.name]

    def excess(self, value: float) -> float:
        """By how much a value is beyond the limit; negative within it."""
        return self.sign * (value - self.limit)

    def holds(self, value: float) -> bool:
        """Whether a value keeps it."""
        excess = self.excess(value)
        return excess <= 0 if self.inclusive else excess < 0


def objective(text: str) -> Objective:
    """Read `latency` or `tops max`. Raises WantError."""
    name, *rest = text.split() or [""]
    figure = _figure(name)
    if not rest:
        return Objective(name, -1 if figure.largest else 1)
    if rest not in (["min"], ["max"]):
        raise WantError(f"found {quoted(' '.join(rest))} after {quoted(name)}; expected 'min' or 'max'")
    return Objective(name, 1 if rest == ["min"] else -1)


_CONSTRAINT = re.compile(r"(?P<name>[^<>=]*?)\s*(?P<op><=|>=|<|>)\s*(?P<limit>[^<>=]+)")


def constraint(text: str) -> Constraint:
    """Read `area < 400 mm2`. Raises WantError."""
    found = _CONSTRAINT.fullmatch(text.strip())
    if found is None:
        raise WantError(f"found {quoted(text)}; expected a figure, '<' or '>', and a limit, such as 'area < 400 mm2'")
    figure = _figure(found["name"])
    try:
        if figure.dimension is None:
            limit = _plain(found["limit"].strip(), figure.unit)
        else:
            limit = float(units.parse(found["limit"], figure.dimension) * units.SI[figure.dimension])
    except units.UnitError as error:
        raise WantError(str(error)) from None
    return Constraint(found["name"], 1 if "<" in found["op"] else -1, limit, "=" in found["op"], text.strip())


def _plain(text: str, unit: str) -> float:
    """A number, alone or with the unit that tables print behind it."""
    try:
        return float(units.number(text.removesuffix(unit)))
    except units.UnitError:
        expected = f"'3 {unit}' or '3'" if unit else "'3'"
        raise WantError(f"found {quoted(text)}; expected a number such as {expected}") from None


def _figure(name: str) -> Figure:
    if name not in FIGURES:
        raise WantError(f"{quoted(name)}: no such figure. {did_you_mean(name, FIGURES)}")
    return FIGURES[name]
