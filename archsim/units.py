"""Exact quantities: text such as ``1.28 GS/s`` or ``16 mW of 8`` to fractions in archsim's base units.

Base units: time ps, rate and frequency 1/ps, energy zJ, power nW, area um2, information bit,
bandwidth bit/ps, voltage V, resistance ohm, conductance S, capacitance fF, length um, temperature K.

Prefixes are case-sensitive. Kilo is ``k``; only bits and bytes also take ``K``, and it is 1000 there
(``Ki`` is 1024). ``b`` and ``bit`` are bits, ``B`` bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Final

from archsim.errors import near, quoted

SECONDS_PER_PS: Final = 1e-12
JOULES_PER_ZJ: Final = 1e-21
WATTS_PER_NW: Final = 1e-9
M2_PER_UM2: Final = 1e-12

_LONGEST = 100  # characters of a quantity
_EXPONENT = 60
_MOST_DIGITS = 18  # of a count: it fits 64 bits


class UnitError(ValueError):
    """A text that is not the quantity expected; the message says why, without a place."""


@dataclass(frozen=True, slots=True)
class _Dimension:
    """What a quantity is: its units with their worth in the base unit, and how it may be written."""

    noun: str
    example: str
    units: dict[str, Fraction]
    shared: bool = False  # may be given "of N" parts together
    signed: bool = False


_POWERS: Final = {"a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "μ": -6, "c": -2, "m": -3, "": 0}
_POWERS_UP: Final = {"k": 3, "K": 3, "M": 6, "G": 9, "T": 12}
_TEN: Final = {prefix: Fraction(10) ** power for prefix, power in (_POWERS | _POWERS_UP).items()}
_BINARY: Final = {f"{letter}i": Fraction(1024) ** (i + 1) for i, letter in enumerate("KMGT")}


def _units(symbols: str, base: int, prefixes: str, *, power: int = 1) -> dict[str, Fraction]:
    """Return every prefixed symbol with its worth; ``base`` is the power of ten of the symbol itself."""
    letters = [*prefixes, "", *("µμ" if "u" in prefixes else "")]
    unit = Fraction(10) ** base
    return {p + symbol: _TEN[p] ** power * unit for symbol in symbols.split() for p in letters}


def _information(suffix: str, per_second: int) -> dict[str, Fraction]:
    """Return the units of information, each followed by the suffix, in bits (per 10**-per_second s)."""
    scale = Fraction(1, 10**per_second)
    prefixes = {p: _TEN[p] for p in ("", "k", "K", "M", "G", "T")} | _BINARY
    symbols = {"b": 1, "bit": 1, "B": 8}
    return {p + s + suffix: f * n * scale for p, f in prefixes.items() for s, n in symbols.items()}


_INFORMATION: Final = _information("", 0)
_RATE: Final = _units("Hz S/s", -12, "kMGT")
_BANDWIDTH: Final = _information("/s", 12) | {
    unit: worth for unit, worth in _information("ps", 12).items() if "bit" not in unit and "i" not in unit
}

_OPERATIONS: Final = _units("FLOP/s OP/s", -12, "GT") | {
    unit: 2 * worth
    for unit, worth in _units("MAC/s", -12, "GT").items()  # a product and a sum
}

DIMENSIONS: Final[dict[str, _Dimension]] = {
    "time": _Dimension("a time", "100 ns", _units("s", 12, "fpnum")),
    "rate": _Dimension("a rate", "1.28 GS/s", _RATE, shared=True),
    "frequency": _Dimension("a frequency", "1 GHz", _RATE),
    "energy": _Dimension("an energy", "1.5 pJ", _units("J", 21, "fpnumk"), shared=True),
    "power": _Dimension("a power", "2 mW", _units("W", 9, "fpnumkM"), shared=True),
    "area": _Dimension("an area", "0.37 mm2", _units("m2 m²", 12, "nucm", power=2), shared=True),
    "information": _Dimension("an amount of memory", "64 KiB", _INFORMATION, shared=True),
    "resolution": _Dimension("a number of bits", "8 b", _INFORMATION),
    "performance": _Dimension("a rate of operations", "312 TFLOP/s", _OPERATIONS),
    "bandwidth": _Dimension("a bandwidth", "6.4 GB/s", _BANDWIDTH, shared=True),
    "voltage": _Dimension("a voltage", "0.2 V", _units("V", 0, "umk"), signed=True),
    "resistance": _Dimension("a resistance", "25 kohm", _units("ohm Ω", 0, "mkMG")),
    "conductance": _Dimension("a conductance", "40 uS", _units("S", 0, "fpnum")),
    "capacitance": _Dimension("a capacitance", "0.7 fF", _units("F", 15, "afpnu")),
    "length": _Dimension("a length", "32 nm", _units("m", 6, "nucm")),
    "temperature": _Dimension("a temperature", "300 K", _units("K", 0, "")),
}

SI: Final[dict[str, Fraction]] = dict.fromkeys(DIMENSIONS, Fraction(1)) | {
    "time": Fraction(1, 10**12),
    "rate": Fraction(10**12),
    "frequency": Fraction(10**12),
    "energy": Fraction(1, 10**21),
    "power": Fraction(1, 10**9),
    "area": Fraction(1, 10**12),
    "performance": Fraction(10**12),
    "bandwidth": Fraction(10**12),
    "capacitance": Fraction(1, 10**15),
    "length": Fraction(1, 10**6),
}
"""The base unit of each dimension in SI units; information stays in bits."""

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_DECIMAL = re.compile(_NUMBER)
_QUANTITY = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>.*?)(?:(?<=\s)of(?:\s+(?P<parts>.*))?)?")
_RATIO = re.compile(rf"(?P<top>{_NUMBER})(?:\s*/\s*(?P<bottom>{_NUMBER}))?")


def parse(text: str, dimension: str) -> Fraction:
    """Return the quantity in the base unit of its dimension, exactly.

    ``dimension`` is a key of DIMENSIONS. ``16 mW of 8`` is what eight parts take together: one takes
    2 mW. Raises UnitError.
    """
    wanted = DIMENSIONS[dimension]
    text = text.strip()
    match = _match(_QUANTITY, text, f"{wanted.noun} such as '{wanted.example}'")
    unit, parts = match["unit"].rstrip(), match["parts"]
    worth = _worth(text, unit, wanted)
    value = _decimal(text, match["number"], signed=wanted.signed) * worth
    return value if match.end("unit") == len(text) else value / _parts(text, parts, wanted)


def si(text: str) -> float:
    """Return any quantity in SI units (information in bits), or a plain number. Raises UnitError."""
    found = _QUANTITY.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    unit = found["unit"].rstrip() if found else ""
    for name, dimension in DIMENSIONS.items():
        if unit in dimension.units:
            return float(parse(text, name) * SI[name])
    return float(number(text))


def kind(text: str) -> str | None:
    """The dimension of a quantity, the first that has its unit; None for any other text."""
    found = _QUANTITY.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    unit = found["unit"].rstrip() if found else ""
    return next((name for name, dimension in DIMENSIONS.items() if unit in dimension.units), None)


def relative(unit: str, other: str) -> Fraction:
    """What a unit is worth in another of its dimension. Raises UnitError where they share none."""
    for dimension in DIMENSIONS.values():
        if unit in dimension.units and other in dimension.units:
            return dimension.units[unit] / dimension.units[other]
    raise UnitError(f"{quoted(unit)} and {quoted(other)} are not units of one kind")


def whole(text: str) -> int:
    """Return a count: digits only, no leading zeros. Raises UnitError."""
    text = text.strip()
    match = _match(_DECIMAL, text, "a whole number such as '8'")
    if match[0].startswith("-"):
        raise UnitError(f"found {quoted(text)}; a whole number must not be negative")
    if not text.isdigit():
        raise UnitError(f"found {quoted(text)}; expected a whole number such as '8', digits only")
    if text.startswith("0") and text != "0":
        raise UnitError(f"found {quoted(text)}; a whole number has no leading zeros")
    if len(text) > _MOST_DIGITS:
        raise UnitError(f"found {quoted(text)}; a whole number has at most {_MOST_DIGITS} digits")
    return int(text)


def ratio(text: str) -> Fraction:
    """Return a fraction of at least 0, written ``1/4``, ``4`` or ``0.25``. Raises UnitError."""
    text = text.strip()
    match = _match(_RATIO, text, "a ratio such as '1/4'")
    top = _decimal(text, match["top"])
    bottom = _decimal(text, match["bottom"] or "1")
    if not bottom:
        raise UnitError(f"found {quoted(text)}; a ratio cannot be over 0")
    return top / bottom


def number(text: str) -> Fraction:
    """Return a plain number without a unit, of either sign. Raises UnitError."""
    text = text.strip()
    match = _match(_DECIMAL, text, "a plain number such as '0.25'")
    return _decimal(text, match[0], signed=True)


def truth(text: str) -> bool:
    """Return whether the text is ``true``; anything but ``true`` and ``false`` raises UnitError."""
    if text in ("true", "false"):
        return text == "true"
    meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.strip().lower())
    close = (meant,) if meant else near(text.strip(), ("true", "false"))
    raise UnitError(f"found {_found(text)}; expected 'true' or 'false'.{_suggest(close)}")


def format_si(value: float, unit: str, digits: int = 4) -> str:
    """Return an SI value with a prefix, to some significant digits: ``2.2 µs``, ``55.4 W``.

    Areas (unit ``m2`` or ``m²``) are written in µm², mm² or m², by size; other units take a prefix.
    """
    if not isfinite(value):
        return f"{value} {unit}"
    rounded = Decimal(f"{value:.{digits - 1}e}")
    if unit in ("m2", "m²"):
        return _format_area(rounded)
    power = rounded.adjusted() // 3 * 3 if rounded else 0
    prefix = _PREFIXES.get(power)
    if prefix is None:
        return f"{value:.{digits}g} {unit}".rstrip()
    return f"{_plain(rounded.scaleb(-power))} {prefix}{unit}".rstrip()


_PREFIXES: Final = dict(zip(range(-24, 19, 3), [*"yzafpnµm", "", *"kMGTPE"], strict=True))


def _format_area(metres2: Decimal) -> str:
    size = abs(metres2)
    if size >= 1 or not size:
        return f"{_plain(metres2)} m²"
    if size >= Decimal("1e-9"):
        return f"{_plain(metres2.scaleb(6))} mm²"
    return f"{_plain(metres2.scaleb(12))} µm²"


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _match(pattern: re.Pattern[str], text: str, expected: str) -> re.Match[str]:
    match = pattern.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise UnitError(f"found {_found(text)}; expected {expected}")
    return match


def _found(text: str) -> str:
    return quoted(text) if text.strip() else "nothing"


def _suggest(close: tuple[str, ...]) -> str:
    return f" Did you mean {' or '.join(quoted(name) for name in close)}?" if close else ""


def _decimal(text: str, digits: str, *, signed: bool = False) -> Fraction:
    if digits.startswith("-") and not signed:
        raise UnitError(f"found {quoted(text)}; it must not be negative")
    exponent = re.split("[eE]", digits)[1:]
    if exponent and abs(int(exponent[0])) > _EXPONENT:
        raise UnitError(f"found {quoted(text)}; an exponent lies between -{_EXPONENT} and {_EXPONENT}")
    return Fraction(Decimal(digits))


def _worth(text: str, unit: str, wanted: _Dimension) -> Fraction:
    """Return the unit in the base unit; raises UnitError for another dimension or an unknown unit."""
    if unit in wanted.units:
        return wanted.units[unit]
    if not unit:
        raise UnitError(
            f"found {quoted(text)}, a bare number; expected {wanted.noun} with its unit, such as '{wanted.example}'"
        )
    for other in DIMENSIONS.values():
        if unit in other.units:
            raise UnitError(f"found {quoted(text)}, {other.noun}; expected {wanted.noun} such as '{wanted.example}'")
    close = near(unit, wanted.units)
    hint = _suggest(close) or f" Expected {wanted.noun} such as '{wanted.example}'."
    raise UnitError(f"found {quoted(text)}; unknown unit {quoted(unit)}.{hint}")


def _parts(text: str, parts: str | None, wanted: _Dimension) -> int:
    if not wanted.shared:
        raise UnitError(f"found {quoted(text)}; {wanted.noun} is not shared out, so 'of' has no meaning")
    try:
        count = whole(parts or "")
    except UnitError:
        count = 0
    if not count:
        raise UnitError(f"found {quoted(text)}; 'of' needs a whole number of parts, 1 or more")
    return count
