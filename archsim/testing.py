"""Contract tests that every part class must pass, archsim's own and a user's. Plain assertions, for any test runner."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import TYPE_CHECKING, get_args

from archsim.parts.base import Part, Place, Stream
from archsim.parts.wellformed import flaws

if TYPE_CHECKING:
    from archsim.steps.functions import Operand, StepFunction

NUMBERS = (1, 2, 7, 128, 1000)
UNITS = (1, 2, 8)


def check_part(part: Part) -> None:
    """All of the contract, for one part with its parameters. Raises AssertionError with what is broken."""
    check_class(type(part))
    check_costs(part)
    check_bursts(part)
    check_power(part)
    check_frozen(part)
    check_values(part)


def check_class(part: type[Part]) -> None:
    """Place, actions and steps are declared, and fit each other."""
    found = list(flaws(part))
    assert not found, f"{part.__name__} {found[0]}"
    assert part.place in get_args(Place)
    for step, action in part.steps.items():
        assert action in part.actions, f"step '{step}' counts '{action}', which is no action"


def check_costs(part: Part) -> None:
    """Every action takes time, and a whole number of zeptojoules; asked twice, the same."""
    for action in part.actions:
        cost = part.cost(action)
        assert cost.latency > 0, f"{action}: latency {cost.latency} ps"
        assert cost.interval > 0, f"{action}: interval {cost.interval} ps"
        assert type(cost.energy) is int, f"{action}: energy {cost.energy!r} is no whole number of zeptojoules"
        assert cost.energy >= 0, f"{action}: energy {cost.energy} zJ"
        assert cost.derivation, f"{action}: no word on where its energy comes from"
        assert part.cost(action) == cost, f"{action}: a second answer differs from the first"


def check_bursts(part: Part) -> None:
    """N actions take L + (n - 1) I on a lane; all are counted; more units or less work are never slower."""
    for action in part.actions:
        cost = part.cost(action)
        for number in NUMBERS:
            spans = []
            for units in UNITS:
                burst = part.burst(action, number, units)
                assert burst.total == number, f"{action}: {number} asked for, {burst.total} counted"
                assert burst.times >= 1
                assert burst.latency == cost.latency + (burst.times - 1) * cost.interval, (
                    f"{action}: latency of a burst"
                )
                assert burst.occupancy == burst.times * cost.interval, f"{action}: occupancy of a burst"
                spans.append(burst.latency)
            assert spans == sorted(spans, reverse=True), f"{action}: more units are slower"
            assert part.burst(action, number + 1).times >= part.burst(action, number).times, f"{action}: more is faster"
        assert part.burst(action, 1, counted=5).total == 5, f"{action}: 'counted' is not heeded"  # noqa: PLR2004
    if isinstance(part, Stream):
        words = [part.words(bits) for bits in NUMBERS]
        assert words == sorted(words), "more bits are fewer words"
        assert part.words(1) == 1, "a bit is not one word"


def check_power(part: Part) -> None:
    """What always flows is a part of what flows at most; areas are not negative."""
    assert part.static_power() >= 0, "static power is negative"
    assert part.peak_power() >= part.leakage >= 0, "peak power is less than leakage"
    assert (part.area or Fraction(0)) >= 0, "area is negative"


def check_frozen(part: Part) -> None:
    """Parts never change, and travel between processes."""
    assert pickle.loads(pickle.dumps(part)) == part, "a copy differs"  # noqa: S301 - our own bytes
    field = next(iter(type(part).model_fields))
    try:
        setattr(part, field, None)
    except ValueError:
        return
    raise AssertionError(f"'{field}' can be changed")


def check_values(part: Part, tolerance: float = 0.5) -> None:
    """Steps with a meaning have the right shape, are near the function, the same twice, and finite beyond a range.

    Parameters
    ----------
    part
        With its parameters.
    tolerance
        Largest error of a result within the range, over the largest magnitude of the function's results there. The
        usual one lets a part be coarse, and finds another function.
    """
    from archsim.steps.functions import FUNCTIONS, OF_TWO
    from archsim.steps.operators import function_of

    for name in part.steps:
        for function in {of for of in (function_of(name), OF_TWO.get(name)) if of is not None}:
            if name in FUNCTIONS and name not in ("write", "mvm"):
                _check_step(part, name, function, tolerance)


def _check_step(part: Part, name: str, function: StepFunction, tolerance: float) -> None:
    import numpy as np

    from archsim.steps.arithmetic import Setting, StepCall, span_of
    from archsim.steps.functions import Attributes

    draw = np.random.default_rng(1)
    operands = [0.2 + np.abs(draw.normal(size=(4, 16))) for _ in range(function.operands)]
    beyond: list[Operand] = [10 * x for x in operands]
    attributes = Attributes(bounds=(0.0, 1.0), factor=0.5)

    def computed(given: list[Operand], arithmetic: object) -> np.ndarray:
        call = StepCall(name, function, given, [span_of(x) for x in operands], attributes)
        result = arithmetic.compute(call)  # type: ignore[attr-defined]
        return np.asarray(result if isinstance(result, np.ndarray) else result.numbers())

    expected = function.compute(*operands, attributes)
    exact = expected if isinstance(expected, np.ndarray) else expected.numbers()
    arithmetic = part.arithmetic(Setting("part", 0))
    first = computed(list(operands), arithmetic)
    assert first.shape == exact.shape, f"step '{name}': found results {first.shape}; expected {exact.shape}"
    error = np.abs(first - exact).max() / np.abs(exact).max()
    assert error <= tolerance, f"step '{name}': off by {error:.2g} of the largest result"
    assert np.isfinite(computed(beyond, arithmetic)).all(), f"step '{name}': not finite beyond its range"
    assert (computed(list(operands), arithmetic) == first).all(), (
        f"step '{name}': a second answer differs from the first"
    )
    again = computed(list(operands), part.arithmetic(Setting("part", 0)))
    assert (again == first).all(), f"step '{name}': another unit of the same seed gives another answer"
