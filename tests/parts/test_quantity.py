"""Field types of parts: exact values, and nonsense refused."""

from fractions import Fraction
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from archsim.parts import quantity


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (quantity.Time, "0 ns", 0),
        (quantity.Period, "1.5 ns", 1500),
        (quantity.Rate, "1.28 GHz", Fraction(32, 25000)),
        (quantity.Power, "16 mW of 8", 2_000_000),
        (quantity.Energy, "1.5 pJ", 1_500_000_000),
        (quantity.Area, "0.0096 mm2 of 8", 1200),
        (quantity.Bits, "64 KiB", 524_288),
        (quantity.Bits, "2 KiB of 8", 2048),
        (quantity.Resolution, "64 b", 64),
        (quantity.Share, "1/4", Fraction(1, 4)),
        (quantity.Count, "8", 8),
        (quantity.Whole, "0", 0),
        (quantity.Truth, "true", True),
        (quantity.Count, 8, 8),
        (quantity.Bits, Fraction(8), 8),
    ],
)
def test_values_are_exact(kind: Any, text: object, value: object) -> None:  # noqa: ANN401
    found = TypeAdapter(kind).validate_python(text)
    assert found == value
    assert not isinstance(found, float)


@pytest.mark.parametrize(
    ("kind", "found", "message"),
    [
        (quantity.Count, "0", "found '0'; expected at least 1"),
        (quantity.Count, "1.5", "found '1.5'; expected a whole number such as '8', digits only"),
        (quantity.Count, "-1", "found '-1'; a whole number must not be negative"),
        (quantity.Count, True, "found True; expected one value"),
        (quantity.Count, 8.0, "found 8.0; expected one value"),
        (quantity.Bits, "0 b", "found '0 b'; expected a whole number of bits, at least 1"),
        (quantity.Bits, "1.5 b", "found '1.5 b'; expected a whole number of bits, at least 1"),
        (quantity.Bits, "8 b of 3", "found '8 b of 3'; expected a whole number of bits, at least 1"),
        (
            quantity.Bits,
            "1e40 b",
            "found '1e40 b'; expected a whole number of bits, at most 1125899906842624",
        ),
        (quantity.Resolution, "65 b", "found '65 b'; expected a whole number of bits, at most 64"),
        (quantity.Resolution, "0 b", "found '0 b'; expected a whole number of bits, at least 1"),
        (quantity.Period, "0 ns", "found '0 ns'; expected more than 0"),
        (quantity.Time, "-1 ns", "found '-1 ns'; it must not be negative"),
        (quantity.Time, "1e6 s", "found '1e6 s'; expected at most 1000 s"),
        (quantity.Rate, "0 GHz", "found '0 GHz'; expected at least 1 mHz"),
        (quantity.Rate, "1e-6 Hz", "found '1e-6 Hz'; expected at least 1 mHz"),
        (quantity.Power, {"a": "1 W"}, "found a mapping; expected one value"),
        (quantity.Power, ["1 W"], "found a list; expected one value"),
        (quantity.Power, None, "found None; expected one value"),
        (quantity.Power, "", "found nothing; expected a power such as '2 mW'"),
        (quantity.Name, " ", "found nothing; expected a name"),
        (quantity.Truth, "1", "found '1'; expected 'true' or 'false'."),
    ],
)
def test_nonsense_is_refused(kind: Any, found: object, message: str) -> None:  # noqa: ANN401
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(found)
    assert [error["msg"] for error in caught.value.errors()] == [message]
