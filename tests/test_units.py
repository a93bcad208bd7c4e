import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim import units
from archsim.units import UnitError, format_si, number, parse, ratio, truth, whole


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("100 ns", "time", Fraction(100_000)),
        ("100ns", "time", Fraction(100_000)),
        ("  100   ns ", "time", Fraction(100_000)),
        (".5 us", "time", Fraction(500_000)),
        ("1 µs", "time", Fraction(10**6)),  # the micro sign
        ("1 μs", "time", Fraction(10**6)),  # the Greek letter
        ("1 s", "time", Fraction(10**12)),
        ("3 fs", "time", Fraction(3, 1000)),
        ("1.28 GHz", "frequency", Fraction(128, 100_000)),
        ("1.28 GS/s", "rate", Fraction(128, 100_000)),
        ("1 THz", "rate", Fraction(1)),
        ("2 mW", "power", Fraction(2_000_000)),
        ("1e-3 mW", "power", Fraction(1000)),
        ("1E+3 nW", "power", Fraction(1000)),
        ("16 mW of 8", "power", Fraction(2_000_000)),
        ("1 nW of 3", "power", Fraction(1, 3)),
        ("10.24 GS/s of 8", "rate", Fraction(128, 100_000)),
        ("0.372 mm2 of 4", "area", Fraction(93_000)),
        ("0.011534 mm2", "area", Fraction(11_534)),
        ("1 um2", "area", Fraction(1)),
        ("1 µm²", "area", Fraction(1)),
        ("1 m2", "area", Fraction(10**12)),
        ("1 nm2", "area", Fraction(1, 10**6)),
        ("1.5625 pJ", "energy", Fraction(1_562_500_000)),
        ("0.39 pJ", "energy", Fraction(390_000_000)),
        ("64 KiB", "information", Fraction(64 * 1024 * 8)),
        ("1 MiB", "information", Fraction(2**23)),
        ("256 b", "information", Fraction(256)),
        ("32 bit", "information", Fraction(32)),
        ("2 KB", "information", Fraction(16_000)),
        ("2 kB", "information", Fraction(16_000)),
        ("6.4 GB/s", "bandwidth", Fraction(64, 1250)),
        ("10 Gbps", "bandwidth", Fraction(1, 100)),
        ("10 Gbit/s", "bandwidth", Fraction(1, 100)),
        ("1 GiB/s", "bandwidth", Fraction(2**33, 10**12)),
        ("-0.5 V", "voltage", Fraction(-1, 2)),
        ("200 mV", "voltage", Fraction(1, 5)),
        ("25 kohm", "resistance", Fraction(25_000)),
        ("1 MΩ", "resistance", Fraction(10**6)),
        ("40 uS", "conductance", Fraction(40, 10**6)),
        ("32 nm", "length", Fraction(32, 1000)),
        ("300 K", "temperature", Fraction(300)),
        ("0 ns", "time", Fraction(0)),
    ],
)
def test_quantities_are_exact_in_base_units(text: str, dimension: str, value: Fraction) -> None:
    assert parse(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "dimension", "message"),
    [
        ("100", "time", "found '100', a bare number; expected a time with its unit, such as '100 ns'"),
        ("5 of 3", "power", "found '5 of 3', a bare number; expected a power with its unit, such as '2 mW'"),
        ("5 mW", "time", "found '5 mW', a power; expected a time such as '100 ns'"),
        ("5 GHz", "time", "found '5 GHz', a rate; expected a time such as '100 ns'"),
        ("5 nss", "time", "found '5 nss'; unknown unit 'nss'. Did you mean 'ns'?"),
        ("5 NS", "time", "found '5 NS'; unknown unit 'NS'. Did you mean 'ns'?"),
        ("5 quux", "time", "found '5 quux'; unknown unit 'quux'. Expected a time such as '100 ns'."),
        ("1 gbps", "bandwidth", "found '1 gbps'; unknown unit 'gbps'. Did you mean 'GBps' or 'Gbps'?"),
        ("1 Kohm", "resistance", "found '1 Kohm'; unknown unit 'Kohm'. Did you mean 'kohm'?"),
        ("16 mW of 0", "power", "found '16 mW of 0'; 'of' needs a whole number of parts, 1 or more"),
        ("16 mW of", "power", "found '16 mW of'; 'of' needs a whole number of parts, 1 or more"),
        ("16 mW of -2", "power", "found '16 mW of -2'; 'of' needs a whole number of parts, 1 or more"),
        ("16 mW of 2.5", "power", "found '16 mW of 2.5'; 'of' needs a whole number of parts, 1 or more"),
        ("5 ns of 3", "time", "found '5 ns of 3'; a time is not shared out, so 'of' has no meaning"),
        ("-1 ns", "time", "found '-1 ns'; it must not be negative"),
        ("1e61 ns", "time", "found '1e61 ns'; an exponent lies between -60 and 60"),
        ("", "time", "found nothing; expected a time such as '100 ns'"),
        ("ns", "time", "found 'ns'; expected a time such as '100 ns'"),
        ("nan ns", "time", "found 'nan ns'; expected a time such as '100 ns'"),
        ("1,5 ns", "time", "found '1,5 ns'; unknown unit ',5 ns'. Expected a time such as '100 ns'."),
        ("٣ ns", "time", "found '٣ ns'; expected a time such as '100 ns'"),
        ("1\nns", "area", "found '1\\nns', a time; expected an area such as '0.37 mm2'"),
    ],
)
def test_a_wrong_quantity_is_told_what_was_found_and_expected(text: str, dimension: str, message: str) -> None:
    with pytest.raises(UnitError, match=f"^{re.escape(message)}$"):
        parse(text, dimension)


@pytest.mark.parametrize("text", ["1e999999999999999999999 s", "9" * 1_000_000 + " s", "1" + " " * 10**6 + "s"])
def test_no_number_is_too_silly(text: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse(text, "time")
    assert len(str(caught.value)) < 200


@given(st.text(max_size=120), st.sampled_from(sorted(units.DIMENSIONS)))
def test_any_text_is_a_quantity_or_a_unit_error(text: str, dimension: str) -> None:
    message = ""
    try:
        assert isinstance(parse(text, dimension), Fraction)
    except UnitError as error:
        message = str(error)
    assert "\n" not in message


@given(st.sampled_from(sorted(units.DIMENSIONS)), st.data())
def test_every_unit_is_worth_what_its_table_says(dimension: str, data: st.DataObject) -> None:
    table = units.DIMENSIONS[dimension].units
    unit = data.draw(st.sampled_from(sorted(table)))
    amount = data.draw(st.decimals(min_value=0, max_value=10**6, places=6))
    assert parse(f"{amount} {unit}", dimension) == Fraction(amount) * table[unit]


def test_no_unit_has_two_meanings() -> None:
    owners: dict[str, set[int]] = {}
    for dimension in units.DIMENSIONS.values():
        for unit in dimension.units:
            owners.setdefault(unit, set()).add(id(dimension.units))
    assert [unit for unit, tables in owners.items() if len(tables) > 1] == []


@pytest.mark.parametrize("name", sorted(units.DIMENSIONS))
def test_the_example_in_a_message_is_valid(name: str) -> None:
    assert parse(units.DIMENSIONS[name].example, name) > 0


def test_whole_numbers() -> None:
    assert whole("8") == 8
    assert whole(" 0 ") == 0
    for text, message in [
        ("8.0", "found '8.0'; expected a whole number such as '8', digits only"),
        ("8 x 128", "found '8 x 128'; expected a whole number such as '8'"),
        ("3_000", "found '3_000'; expected a whole number such as '8'"),
        ("010", "found '010'; a whole number has no leading zeros"),
        ("-3", "found '-3'; a whole number must not be negative"),
        ("²", "found '²'; expected a whole number such as '8'"),
        ("", "found nothing; expected a whole number such as '8'"),
        ("9" * 19, f"found '{'9' * 19}'; a whole number has at most 18 digits"),
    ]:
        with pytest.raises(UnitError, match=f"^{re.escape(message)}$"):
            whole(text)


def test_ratios() -> None:
    assert ratio("1/4") == Fraction(1, 4)
    assert ratio("4") == Fraction(4)
    assert ratio("0.25") == Fraction(1, 4)
    for text, message in [
        ("1/0", "found '1/0'; a ratio cannot be over 0"),
        ("-1/4", "found '-1/4'; it must not be negative"),
        ("1/2/3", "found '1/2/3'; expected a ratio such as '1/4'"),
    ]:
        with pytest.raises(UnitError, match=f"^{re.escape(message)}$"):
            ratio(text)


def test_plain_numbers() -> None:
    assert number("-0.25") == Fraction(-1, 4)
    assert number("1e3") == Fraction(1000)
    with pytest.raises(UnitError, match=r"^found '5 ns'; expected a plain number such as '0\.25'$"):
        number("5 ns")
    with pytest.raises(UnitError, match="an exponent lies between"):
        number("1e1000000000")


def test_truth() -> None:
    assert truth("true") is True
    assert truth("false") is False
    for text, meant in [("yes", "true"), ("True", "true"), ("off", "false"), ("flase", "false")]:
        with pytest.raises(UnitError, match=f"Did you mean '{meant}'"):
            truth(text)
    with pytest.raises(UnitError, match=r"^found nothing; expected 'true' or 'false'\.$"):
        truth("")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.2e-6, "s", "2.2 µs"),
        (55.4, "W", "55.4 W"),
        (0.0, "J", "0 J"),
        (999.96, "W", "1 kW"),
        (999.94, "W", "999.9 W"),
        (1e3, "W", "1 kW"),
        (-3.3e9, "op/s", "-3.3 Gop/s"),
        (1_234_567, "", "1.235 M"),
        (1.5626e-12, "J", "1.563 pJ"),
        (1e-26, "J", "1e-26 J"),
        (float("inf"), "s", "inf s"),
        (62.5e-6, "m2", "62.5 mm²"),
        (0.0115e-6, "m2", "0.0115 mm²"),
        (0.9e-9, "m²", "900 µm²"),
        (2.5, "m2", "2.5 m²"),
        (0.0, "m2", "0 m²"),
    ],
)
def test_tables_show_values_with_a_prefix(value: float, unit: str, text: str) -> None:
    assert format_si(value, unit) == text


def test_tables_show_the_digits_asked_for() -> None:
    assert format_si(1.23456e-3, "s", digits=2) == "1.2 ms"
    assert format_si(555.4, "W", digits=2) == "560 W"


@given(st.floats(min_value=1e-24, max_value=1e20))
def test_a_shown_value_is_within_its_digits(value: float) -> None:
    shown, prefix = format_si(value, "V").split(" ")
    powers = dict(zip("yzafpnµm kMGTPE", range(-24, 19, 3), strict=True))
    back = float(shown) * 10.0 ** powers[prefix.removesuffix("V") or " "]
    assert back == pytest.approx(value, rel=0.51e-3)
    assert 1 <= abs(float(shown)) < 1000
