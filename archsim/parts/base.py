"""What every part has: costs, actions, a place on a path, the steps that it can do."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from archsim.parts.quantity import Area, Energy, Period, Power, Rate, Time

if TYPE_CHECKING:
    from archsim.steps.arithmetic import Setting, StepArithmetic

Place = Literal[
    "drive", "array", "hold", "convert", "decode", "combine", "memory", "wire", "function", "compute", "route", "link"
]
"""What a part is on the way of the data; `compute`, `route` and `link` stand beside paths."""


UNKNOWN = "not given: counted as 0"
"""Derivation of an energy that nothing is known of."""


class Action(BaseModel):
    """What a part is counted doing, as the YAML gives it; what is left out follows from the rest.

    latency: a time, from start to end; by default the interval. interval: a time, from one start to the next; or
    rate: a frequency, its inverse; by default the latency. energy: an energy, of one; by default from power.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    latency: Time | None = None
    interval: Period | None = None
    rate: Rate | None = None
    energy: Energy | None = None

    @model_validator(mode="after")
    def _paced(self) -> "Action":
        if self.interval is not None and self.rate is not None:
            raise PydanticCustomError("action", "found both 'interval' and 'rate'; expected one of them", {})
        if self.interval is None and self.rate is None and self.latency is None:
            raise PydanticCustomError("action", "expected an 'interval', a 'rate' or a 'latency'", {})
        if not self.pace():
            raise PydanticCustomError("action", "found a latency of 0; expected an 'interval' too", {})
        return self

    def pace(self) -> Fraction:
        """Time from one start to the next, ps."""
        if self.rate is not None:
            return 1 / self.rate
        return self.interval if self.interval is not None else self.latency or Fraction(0)

    @property
    def origin(self) -> str:
        """Where an energy comes from that stands here."""
        return "given"


class Computed(Action):
    """An action whose energy a cost model has computed; `by`: the model with its parameters. No file can give one."""

    by: str

    @property
    def origin(self) -> str:
        """The model with its parameters."""
        return self.by


@dataclass(frozen=True, slots=True)
class Cost:
    """One action, resolved: `latency` and `interval` in ps (exact), `energy` in whole zJ, and where that came from."""

    latency: Fraction
    interval: Fraction
    energy: int
    derivation: str


@dataclass(frozen=True, slots=True)
class Burst:
    """Equal actions back to back: `times` on each lane, `total` counted; `first` and `interval` in ps, exact."""

    action: str
    times: int
    total: int
    first: Fraction
    interval: Fraction

    @property
    def latency(self) -> Fraction:
        """From the first start to the last end: L + (n - 1) I."""
        return self.first + (self.times - 1) * self.interval

    @property
    def occupancy(self) -> Fraction:
        """How long the part takes no other burst: n I."""
        return self.times * self.interval


class Part(BaseModel):
    """Base of all part classes, built-in and foreign.

    A class names its `place`, its `actions` (each a field of type `Action`) and its `steps`: step -> action.
    Every part may have these parameters:

    area: an area. power: a power, of one part working without pause. leakage: a power, the share of it that
    always flows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    place: ClassVar[Place]
    actions: ClassVar[tuple[str, ...]]
    steps: ClassVar[dict[str, str]] = {}

    _costs: dict[str, Cost] = PrivateAttr(default_factory=dict)

    area: Area | None = None
    power: Power | None = None
    leakage: Power = Field(default=Fraction(0))

    @model_validator(mode="after")
    def _leaks_less_than_it_draws(self) -> "Part":
        if self.power is not None and self.leakage > self.power:
            raise PydanticCustomError("part", "'leakage' is more than 'power', of which it is a part", {})
        return self

    @property
    def parallel(self) -> int:
        """How many actions run side by side in one part when `power` is drawn."""
        return 1

    def side_by_side(self, action: str) -> int:  # noqa: ARG002 - in most parts all actions are alike
        """How many of one action run side by side in one part."""
        return self.parallel

    def cost(self, action: str) -> Cost:
        """Latency, interval and energy of one action; energy follows from power where it is not given."""
        given: Action = getattr(self, action)
        interval = given.pace()
        latency = given.latency if given.latency is not None else interval
        share = self.energy_share(action)
        of = "" if share == 1 else f" x {share}"
        if given.energy is not None:
            return Cost(latency, interval, round(given.energy * share), given.origin + of)
        if self.power is None:
            return Cost(latency, interval, 0, UNKNOWN)
        energy = round((self.power - self.leakage) * interval / self.parallel * share)
        return Cost(latency, interval, energy, self._derivation(interval) + of)

    def energy_share(self, action: str) -> Fraction:  # noqa: ARG002 - in most parts an action is always the same
        """Of what one action is given as, the share that it takes in this part."""
        return Fraction(1)

    def _derivation(self, interval: Fraction) -> str:
        share = f" / {self.parallel}" if self.parallel > 1 else ""
        less = "(power - leakage)" if self.leakage else "power"
        return f"{less} x {float(interval) / 1000:g} ns{share}"

    def burst(self, action: str, number: int, units: int = 1, *, counted: int | None = None) -> Burst:
        """`number` actions spread over `units` parts; one after another on each lane of each.

        `counted`: how many to count, where other units do the same at the same time.
        """
        cost = self.known_cost(action)
        times = max(1, ceil(Fraction(number, units * self.side_by_side(action))))
        total = number if counted is None else counted
        return Burst(action, times, total, cost.latency, cost.interval)

    def known_cost(self, action: str) -> Cost:
        """A cost is asked for again and again, and never changes."""
        if action not in self._costs:
            self._costs[action] = self.cost(action)
        return self._costs[action]

    def arithmetic(self, setting: "Setting") -> "StepArithmetic":  # noqa: ARG002 - most parts have no errors
        """How its steps are done on numbers: in float32, unless a class says otherwise.

        Parameters
        ----------
        setting
            Its name in the machine, and the seed of its errors.
        """
        from archsim.steps.formats import FLOAT32

        return FLOAT32

    def static_power(self) -> Fraction:
        """Power that flows whatever the part does, nW."""
        return self.leakage

    def peak_power(self) -> Fraction:
        """Power of one part working without pause, nW: given, or that of its most expensive action."""
        if self.power is not None:
            return self.power
        return self.leakage + max(self._draw(action) for action in self.actions)

    def _draw(self, action: str) -> Fraction:
        cost = self.cost(action)
        return cost.energy / cost.interval * self.side_by_side(action)


class Stream(Part):
    """A part that moves words of `width` bits, a parameter that its subclasses declare: an action moves one word."""

    def words(self, bits: int) -> int:
        """Actions that it takes to move `bits` bits."""
        width: Fraction = getattr(self, "width")  # noqa: B009 - declared by the subclasses, with their own defaults
        return ceil(bits / width)
