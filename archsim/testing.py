"""Contract tests that every part class must pass, archsim's own and a user's. Plain assertions, for any test runner."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import TYPE_CHECKING, get_args

from archsim.parts.base import Part, Place, Stream
from archsim.parts.wellformed import flaws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archsim.steps.arithmetic import StepArithmetic
    from archsim.steps.functions import Operand, StepFunction

NUMBERS = (1, 2, 7, 128, 1000)
UNITS = (1, 2, 8)


def check_part(part: Part, tolerance: float = 0.05) -> None:
    """All of the contract, for one part with its parameters; tolerance: of its numbers, see `check_values`.

    Raises AssertionError with what is broken.
    """
    check_class(type(part))
    check_costs(part)
    check_bursts(part)
    check_power(part)
    check_frozen(part)
    check_values(part, tolerance)


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


def check_values(part: Part, tolerance: float = 0.05) -> None:
    """Steps with a meaning have the right shape, are near the function, the same twice, and finite beyond a range.

    On numbers above 0, on numbers of both signs where the function has them, and on logarithms where it takes them.

    Parameters
    ----------
    part
        With its parameters.
    tolerance
        Largest error of a result within the range, over the largest magnitude of the function's results there. The
        usual one has room for 8 bits, and finds another function; coarser formats need a larger one.

    Raises
    ------
    AssertionError
        With the step, and what is wrong.
    """
    from archsim.steps.functions import FUNCTIONS, OF_TWO

    for name in part.steps:
        for function in (FUNCTIONS.get(name), OF_TWO.get(name)):
            if function is None or name in _ARRAYS:
                continue
            for operands in _operands(name, function):
                _check_step(part, name, function, operands, tolerance)


_ARRAYS = ("write", "mvm")
"""Steps that are done in arrays of cells, not by a part's own arithmetic."""
_POSITIVE = ("log", "reciprocal", "rsqrt", "sqrt", "divide")
"""Functions that are undefined, or grow beyond all bounds, at 0."""


def _operands(name: str, function: StepFunction) -> Iterator[list[Operand]]:
    import numpy as np

    from archsim.steps.functions import logarithm

    draw = np.random.default_rng(1)
    yield [0.2 + np.abs(draw.normal(size=(4, 16))) for _ in range(function.operands)]
    signed = [draw.normal(size=(4, 16)) for _ in range(function.operands)]
    if name not in _POSITIVE:
        yield [*signed]
    if function.logarithms and name not in _ARRAYS:
        yield [logarithm(x) for x in signed]


def _check_step(part: Part, name: str, function: StepFunction, operands: list[Operand], tolerance: float) -> None:
    import numpy as np

    from archsim.steps.arithmetic import Setting, StepCall, span_of
    from archsim.steps.functions import Attributes, Log

    attributes = Attributes(bounds=(-0.5, 1.0), factor=0.5)
    spans = [span_of(x) for x in operands]

    def numbers(result: Operand) -> np.ndarray:
        return result.numbers() if isinstance(result, Log) else np.asarray(result)

    def called(given: list[Operand]) -> StepCall:
        return StepCall(name, function, given, spans, attributes)

    def computed(by: StepArithmetic, call: StepCall) -> np.ndarray:
        with np.errstate(all="ignore"):
            return numbers(by.compute(call))

    def scaled(x: Operand) -> Operand:
        return Log(x.sign, x.magnitude + 1) if isinstance(x, Log) else 3 * x

    inside, beyond = called(operands), called([scaled(x) for x in operands])
    other = StepCall(name, function, beyond.operands, [span_of(x) for x in beyond.operands], attributes)
    exact = numbers(inside.exactly())
    arithmetic = part.arithmetic(Setting("part", 0))
    first = computed(arithmetic, inside)
    assert first.shape == exact.shape, f"step '{name}': found results {first.shape}; expected {exact.shape}"
    error = np.abs(first - exact).max() / np.abs(exact).max()
    assert error <= tolerance, (
        f"step '{name}': off by {error:.2g} of the largest result; expected {tolerance:g} at most"
    )
    assert np.isfinite(computed(arithmetic, beyond)).all(), f"step '{name}': not finite beyond its range"
    computed(arithmetic, other)
    assert (computed(arithmetic, inside) == first).all(), f"step '{name}': a second answer differs from the first"
    again = part.arithmetic(Setting("part", 0))
    computed(again, other)
    assert (computed(again, inside) == first).all(), f"step '{name}': another unit of the same seed answers differently"
    assert all(type(text) is str for text in arithmetic.remarks()), "remarks are texts"
