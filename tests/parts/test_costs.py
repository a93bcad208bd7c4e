"""Costs of actions, given or derived from power; bursts over lanes; power without a pause; refresh."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from archsim.parts.adc import Adc
from archsim.parts.base import Action, Part
from archsim.parts.crossbar import Crossbar
from archsim.parts.edram import Edram
from archsim.parts.mac import Mac
from archsim.parts.race import Race
from archsim.parts.vector import Vector

NS = 1000


def make(kind: type[Part], **fields: Any) -> Part:  # noqa: ANN401
    return kind.model_validate(fields)


def test_energy_follows_from_power_and_rate_exactly() -> None:
    """16 mW of 8 are 2 mW; at 1.28 GS/s one conversion takes 781.25 ps: 1.5625 pJ."""
    adc = make(Adc, bits="8 b", convert={"rate": "1.28 GHz"}, power="16 mW of 8")
    cost = adc.cost("convert")
    assert cost.latency == cost.interval == Fraction(3125, 4)
    assert cost.energy == 1_562_500_000
    assert cost.derivation == "power x 0.78125 ns"


def test_leakage_is_no_part_of_an_action() -> None:
    """(2 mW - 0.5 mW) x 2 ns = 3 pJ."""
    adc = make(Adc, bits="8 b", convert={"interval": "2 ns"}, power="2 mW", leakage="0.5 mW")
    assert adc.cost("convert").energy == 3_000_000_000
    assert adc.cost("convert").derivation == "(power - leakage) x 2 ns"
    assert adc.static_power() == 500_000
    assert adc.peak_power() == 2_000_000


def test_energy_that_is_given_goes_before_power() -> None:
    adc = make(Adc, bits="8 b", convert={"interval": "2 ns", "energy": "1 pJ"}, power="2 mW")
    assert (adc.cost("convert").energy, adc.cost("convert").derivation) == (10**9, "given")


def test_without_power_and_energy_an_action_is_free_and_says_so() -> None:
    cost = make(Adc, bits="8 b", convert={"interval": "2 ns"}).cost("convert")
    assert (cost.energy, cost.derivation) == (0, "not given: counted as 0")


def test_lanes_share_power() -> None:
    """64 lanes, 128 mW, 1 ns: 2 pJ a product."""
    mac = make(Mac, lanes="64", mac={"interval": "1 ns"}, power="128 mW")
    assert mac.cost("mac").energy == 2 * 10**9
    assert mac.cost("mac").derivation == "power x 1 ns / 64"


def test_power_without_a_pause_is_that_of_the_dearest_action() -> None:
    """4 lanes: 1 pJ in 1 ns is 4 mW, 3 pJ in 2 ns is 6 mW, and 1 mW leaks."""
    linear, special = {"interval": "1 ns", "energy": "1 pJ"}, {"interval": "2 ns", "energy": "3 pJ"}
    vector = make(Vector, lanes="4", linear=linear, special=special, leakage="1 mW")
    assert vector.peak_power() == 7_000_000


def test_a_burst_takes_latency_and_intervals() -> None:
    """3 ns + (10 / 2 - 1) x 1 ns on each of two converters."""
    adc = make(Adc, bits="8 b", convert={"latency": "3 ns", "interval": "1 ns"})
    burst = adc.burst("convert", 10, 2)
    assert (burst.times, burst.total) == (5, 10)
    assert burst.latency == 7 * NS
    assert burst.occupancy == 5 * NS
    assert adc.burst("convert", 10, 2, counted=80).total == 80


def test_128_conversions_at_1_28_gs_take_100_ns() -> None:
    adc = make(Adc, bits="8 b", convert={"rate": "1.28 GHz"})
    assert adc.burst("convert", 128).latency == 100 * NS


@given(st.integers(0, 1000), st.integers(1, 9), st.integers(1, 9))
def test_lanes_hold_a_burst_and_no_more(number: int, units: int, lanes: int) -> None:
    mac = make(Mac, lanes=lanes, mac={"interval": "1 ns"})
    burst = mac.burst("mac", number, units)
    assert burst.times * units * lanes >= number
    assert number == 0 or (burst.times - 1) * units * lanes < number
    assert burst.total == number


def test_a_product_of_a_race_unit_searches_four_arrays() -> None:
    """8 arrays of 1 mW in all, 1 ns: 0.125 pJ a search. Four searches and two rounds of 0.5 pJ: 1.5 pJ.

    Two products fit side by side; each takes 1 ns and two rounds of 3 ns, one after another: a unit that does
    nothing else draws 2 x 1.5 pJ / 6 ns = 0.5 mW. Three products take two turns.
    """
    race = make(
        Race,
        arrays="8",
        rows="8",
        cols="16",
        rounds="2",
        search={"interval": "1 ns", "energy": "0.125 pJ"},
        decode={"interval": "3 ns", "energy": "0.5 pJ"},
    )
    cost = race.cost("multiply")
    assert cost.latency == 7 * NS
    assert cost.interval == 6 * NS
    assert cost.energy == 1_500_000_000
    assert race.peak_power() == max(Fraction(2 * 1_500_000_000, 6 * NS), Fraction(8 * 1_125_000_000, 6 * NS))
    assert race.burst("multiply", 3).times == 2
    assert race.burst("function", 16).times == 2


def test_a_race_unit_of_few_arrays_searches_in_turns() -> None:
    fields = {"search": {"interval": "1 ns"}, "decode": {"interval": "100 ps"}}
    race = make(Race, arrays="2", rows="8", cols="16", rounds="1", **fields)
    assert race.cost("multiply").latency == 2 * NS + 100
    assert race.cost("multiply").interval == 2 * NS
    assert race.burst("multiply", 3).times == 3


def test_refresh_reads_and_writes_every_word_in_the_retention_time() -> None:
    """1024 b in 4 words of 256 b; each is read for 2 pJ and written for 3 pJ in 20 ns: 1 mW, and 1 mW leaks."""
    fields = {"read": {"interval": "1 ns", "energy": "2 pJ"}, "write": {"interval": "1 ns", "energy": "3 pJ"}}
    edram = make(Edram, size="1024 b", width="256 b", leakage="1 mW", retention="20 ns", **fields)
    assert edram.static_power() == 2_000_000
    assert make(Edram, size="1024 b", width="256 b", leakage="1 mW", **fields).static_power() == 1_000_000


@pytest.mark.parametrize(("fields", "slices"), [({}, 8), ({"cell_bits": "2 b"}, 4), ({"cell_bits": "3 b"}, 3)])
def test_a_weight_takes_its_bits_over_those_of_a_cell(fields: dict[str, str], slices: int) -> None:
    crossbar = make(Crossbar, rows="8", cols="8", read={"interval": "1 ns"}, **fields)
    assert isinstance(crossbar, Crossbar)
    assert crossbar.slices_for(8) == slices


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "expected an 'interval', a 'rate' or a 'latency'"),
        ({"latency": "0 ns"}, "found a latency of 0; expected an 'interval' too"),
        ({"rate": "1 GHz", "interval": "1 ns"}, "found both 'interval' and 'rate'; expected one of them"),
    ],
)
def test_an_action_needs_one_pace(fields: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Action.model_validate(fields)
    assert [error["msg"] for error in caught.value.errors()] == [message]


def test_a_part_leaks_no_more_than_it_draws() -> None:
    with pytest.raises(ValidationError, match="'leakage' is more than 'power', of which it is a part"):
        make(Adc, bits="8 b", convert={"interval": "2 ns"}, power="1 mW", leakage="2 mW")
