"""Which projections each strategy chooses, by hand and against all choices there are."""

from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.partition.prices import Price
from archsim.partition.strategies import analytical, bounds, by_macs, by_sensitivity, first_last
from archsim.partition.units import Unit

# 100 multiply-accumulates in all; the harm of all is 1.0.
UNITS = (
    Unit("a", ("a",), 40, 0.10),
    Unit("b", ("b",), 5, 0.60),
    Unit("c", ("c",), 10, 0.25),
    Unit("d", ("d", "e"), 45, 0.05),
)


def test_bounds_and_ends() -> None:
    nothing, everything = bounds(UNITS)
    assert nothing.digital == {}
    assert everything.digital == dict.fromkeys("abcde", 1.0)
    assert first_last(UNITS)[0].digital == dict.fromkeys("ade", 1.0)


def test_the_most_harmful_first() -> None:
    """Of 100, 4 % hold nothing; 10 % hold b (5); 15 % b and c; 55 % b, c, a; c does not fit beside b in 12 %."""
    chosen = [set(each.digital) for each in by_sensitivity(UNITS, (0.04, 0.1, 0.12, 0.15, 0.55))]
    assert chosen == [set(), {"b"}, {"b"}, {"b", "c"}, {"a", "b", "c"}]


def test_the_largest_first_stay_analog_while_the_perplexity_allows() -> None:
    """Perplexity 10 + 1 for each of harm 0.1 that is analog; 12 allows 0.2: d (0.05), a (0.10), no more."""
    harm = {"a": 1.0, "b": 6.0, "c": 2.5, "d": 0.5, "e": 0.0}
    asked = []

    def perplexity(digital: Mapping[str, float]) -> float:
        asked.append(digital)
        return 10 + sum(each for key, each in harm.items() if key not in digital)

    (found,) = by_macs(UNITS, perplexity, 12.0)
    assert found.digital == {"b": 1.0, "c": 1.0}
    assert len(asked) == len(UNITS)


def test_the_cheapest_with_little_harm() -> None:
    """At most 0.3 left: b must go, and c, a or d with it costs more; at most 0.1: b and c, 0.15 left, and a, 0.05."""
    prices = [[Price(1.0, 0.0, each, 0.0, 0)] for each in (4.0, 1.0, 2.0, 9.0)]
    some, few = analytical(UNITS, prices, "energy", 0, left=(0.4, 0.1))
    assert some.digital == {"b": 1.0}
    assert few.digital == {"a": 1.0, "b": 1.0, "c": 1.0}


def test_what_is_cheaper_in_digital_goes_there_anyway() -> None:
    prices = [[Price(1.0, 0.0, each, 0.0, 0)] for each in (-1.0, 1.0, 1.0, 1.0)]
    (found,) = analytical(UNITS, prices, "energy", 0, left=(1.0,))
    assert found.digital == {"a": 1.0}


def test_digital_units_do_one_thing_after_another() -> None:
    """Each alone saves 1 of 10 s, and keeps the units busy for 4: two of them leave 8 s, three 7, but 12 of work."""
    prices = [[Price(1.0, -1.0, 0.0, 4.0, 0)] for _ in UNITS]
    (found,) = analytical(UNITS, prices, "latency", 0, 10.0, (1.0,))
    assert len({*found.digital} - {"e"}) == 2


def test_of_equally_long_choices_the_one_with_less_digital_work() -> None:
    """None makes it longer than 1 s. Of a harm of 1.0 at most 0.7 is left without b, or a and c, or more than these.

    That is 0.9, or 0.2 + 0.2 s of work.
    """
    prices = [[Price(1.0, 0.0, 0.0, each, 0)] for each in (0.2, 0.9, 0.2, 0.5)]
    (found,) = analytical(UNITS, prices, "latency", 0, 1.0, (0.7,))
    assert found.digital == {"a": 1.0, "c": 1.0}


def test_what_has_no_room_is_not_chosen() -> None:
    """At most 0.4 left: b alone, which takes 70 of 60 bits; else c, a and d leave 0.6. At most 0.75: c, 0.75 left."""
    prices = [[Price(1.0, 0.0, each, 0.0, bits)] for each, bits in ((4.0, 20), (1.0, 70), (2.0, 20), (9.0, 20))]
    (found,) = analytical(UNITS, prices, "energy", 60, left=(0.75, 0.4))
    assert (found.name, found.digital) == ("energy-75%", {"c": 1.0})
    assert len(analytical(UNITS, prices, "energy", 70, left=(0.75, 0.4))) == 2
    assert [each.digital for each in analytical(UNITS, prices, "energy", 0, left=(1.0, 0.4))] == [{}]


_BITS, _NUMBERS = st.integers(0, 9), st.integers(-20, 20).map(float)


@given(st.data())
def test_no_choice_is_cheaper(data: st.DataObject) -> None:
    number = data.draw(st.integers(1, 4))
    harms = data.draw(st.lists(st.integers(0, 9), min_size=number, max_size=number))
    shares = data.draw(st.sampled_from([(1.0,), (0.5, 1.0)]))
    units = tuple(Unit(str(at), (str(at),), 1, float(harm)) for at, harm in enumerate(harms))
    prices = [[Price(share, 0.0, data.draw(_NUMBERS), 0.0, data.draw(_BITS)) for share in shares] for _ in units]
    left = data.draw(st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    room = data.draw(st.integers(0, 36))
    found = analytical(units, prices, "energy", room, left=(left,))

    def judge(chosen: tuple[float, ...]) -> tuple[float, float, int]:
        picked = [p for s, each in zip(chosen, prices, strict=True) for p in each if p.share == s]
        harm = sum(unit.harm * (1 - share) for unit, share in zip(units, chosen, strict=True))
        return sum(p.energy_j for p in picked), harm, sum(p.bits for p in picked)

    most = left * sum(harms) + 1e-9
    judged = map(judge, product((0.0, *shares), repeat=number))
    costs = [cost for cost, harm, bits in judged if harm <= most and bits <= room]
    assert len(found) == bool(costs)
    if found:
        cost, harm, bits = judge(tuple(found[0].digital.get(unit.name, 0.0) for unit in units))
        assert harm <= most + 1e-6
        assert bits <= room
        assert cost == pytest.approx(min(costs), abs=1e-6)
