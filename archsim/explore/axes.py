"""Axes of a study: what is varied, and which values it takes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from archsim import units
from archsim.errors import did_you_mean, quoted
from archsim.explore.figures import COLUMNS
from archsim.graph.job import GRAINS, PHASES
from archsim.machine.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archsim.explore.reader import Reader
    from archsim.machine.source import Loc

JOB: Final = ("phase", "seq", "new_tokens", "batch", "grain")
"""Axes of the job; `machine` and `model` are axes too, and every other name is a key of the machine."""
WORKLOAD: Final = ("model", "phase", "seq", "new_tokens", "batch")
"""What makes points do the same work; those that do not are no rivals. All else is of the design."""
_WORDS: Final = {"phase": PHASES, "grain": GRAINS}
_MOST_TOKENS: Final = 1 << 20
_MOST_VALUES: Final = 10_000
_DIGITS: Final = 4  # significant ones of a value between whole-less ends of `log`
_NUMBER = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?)\s*(?P<unit>[^\s\d/].*)?"
)
_STEPS: Final = ("step", "times", "log")


@dataclass(frozen=True, slots=True)
class Level:
    """One value of an axis: the text of each key that it sets, and where each stands in the study."""

    values: tuple[tuple[str, str], ...]
    locs: tuple[Loc, ...]

    @property
    def label(self) -> str:
        """Its values in a word."""
        return ", ".join(text for _, text in self.values)


@dataclass(frozen=True, slots=True)
class Axis:
    """Levels in order. `ranged`: they come from a range, so that what holds for its ends holds for all."""

    name: str
    levels: tuple[Level, ...]
    ranged: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that it sets."""
        return tuple(key for key, _ in self.levels[0].values)

    @property
    def rank(self) -> int:
        """Axes of the machine come first, so that neighbouring points share one."""
        return min(0 if key == "machine" else 2 if key == "model" else 3 if key in JOB else 1 for key in self.keys)

    @property
    def ordered(self) -> bool:
        """Whether its levels are numbers of one unit, in rising or falling order."""
        found = [_NUMBER.fullmatch(level.label) for level in self.levels]
        if not all(found) or len({each["unit"] for each in found if each}) > 1:
            return False
        numbers = [Decimal(each["number"]) for each in found if each]
        return numbers in (sorted(numbers), sorted(numbers, reverse=True))

    def tried(self) -> tuple[Level, ...]:
        """The levels that stand for all when an axis is checked."""
        return (self.levels[0], self.levels[-1]) if self.ranged else self.levels


def axis(reader: Reader, name: str, node: Any, loc: Loc, *, tied: bool = False) -> Axis | None:  # noqa: ANN401
    """Read one axis; what is wrong with it joins the reader's faults, and None comes back where it has no values.

    tied: it changes together with others, so that its values may repeat.
    """
    if isinstance(node, dict) and "zip" in node:
        return _tied(reader, name, reader.keys(loc, node, ("zip",)), loc)
    found = list(_values(reader, node, loc))
    for text, at in found if name in JOB else ():
        _check_job(reader, name, text, at)
    levels = tuple(Level(((name, text),), (at,)) for text, at in found)
    if not tied:
        _check_different(reader, levels)
    return Axis(name, levels, ranged=isinstance(node, dict)) if levels else None


def _check_different(reader: Reader, levels: Sequence[Level]) -> None:
    """No two levels of an axis are the same; of keys that change together one may stay while another changes."""
    seen = set()
    for level in levels:
        if level.values in seen:
            texts = ", ".join(quoted(text) for _, text in level.values)
            reader.fault(level.locs[0], f"found {texts} twice; expected different values")
        seen.add(level.values)


def _tied(reader: Reader, name: str, node: Mapping[str, Any], loc: Loc) -> Axis | None:
    """Several keys that change together: the first values of all, then the second ones."""
    if name in (*JOB, "machine", "model", *COLUMNS):
        reader.fault(
            loc, f"{quoted(name)} has a meaning of its own; expected another name for what changes together", key=True
        )
        return None
    inner = node["zip"]
    if not isinstance(inner, dict) or not inner:
        reader.fault((*loc, "zip"), f"found {shown(inner)}; expected keys, each with its values")
        return None
    columns = [axis(reader, key, values, (*loc, "zip", key), tied=True) for key, values in inner.items()]
    whole = [column for column in columns if column is not None]
    if len(whole) < len(columns):
        return None
    for column in whole[1:]:
        if len(column.levels) != len(whole[0].levels):
            found = f"has {len(column.levels)} values, {quoted(whole[0].name)} has {len(whole[0].levels)}"
            reader.fault((*loc, "zip", column.name), f"{found}; expected as many")
            return None
    rows = zip(*(column.levels for column in whole), strict=True)
    levels = tuple(
        Level(tuple(level.values[0] for level in row), tuple(level.locs[0] for level in row)) for row in rows
    )
    _check_different(reader, levels)
    return Axis(name, levels)


def _values(reader: Reader, node: Any, loc: Loc) -> Iterator[tuple[str, Loc]]:  # noqa: ANN401
    if isinstance(node, dict):
        try:
            yield from ((text, loc) for text in _range(reader, node, loc))
        except _RangeError as error:
            reader.fault((*loc, error.key) if error.key else loc, str(error))
        return
    items = node if isinstance(node, list) else [node]
    if not items or len(items) > _MOST_VALUES:
        reader.fault(loc, f"found {len(items)} values; expected from 1 to {_MOST_VALUES:,}")
        return
    for number, item in enumerate(items):
        at = (*loc, number) if isinstance(node, list) else loc
        if isinstance(item, str) and not item.strip():
            reader.fault(at, "found nothing; expected a value")
            continue
        yield item.strip() if isinstance(item, str) else json.dumps(item), at


class _RangeError(ValueError):
    """What is wrong with a range, and with which of its keys."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def _range(reader: Reader, node: Mapping[str, Any], loc: Loc) -> list[str]:
    """The values of `{from: 4, to: 64, step: 4}`, `times: 2` or `log: 7`: exact decimals, the unit behind each."""
    known = reader.keys(loc, node, ("from", "to", *_STEPS), ("from", "to"))
    ways = [key for key in _STEPS if key in known]
    if len(known) < len(node) or "from" not in known or "to" not in known:
        return []
    if len(ways) != 1:
        raise _RangeError("", "expected one of 'step', 'times' and 'log' beside 'from' and 'to'")
    low, unit = _number("from", known["from"])
    high, other = _number("to", known["to"])
    high = _in(unit, "to", known["to"], high, other)
    if high < low:
        raise _RangeError("to", f"found {quoted(known['to'])}, less than {quoted(known['from'])}; expected more")
    if ways[0] != "step" and low <= 0:
        raise _RangeError("from", f"found {quoted(known['from'])}; expected more than 0 with {quoted(ways[0])}")
    made = {"step": _steps, "times": _times, "log": _logarithmic}[ways[0]](known, low, high, unit)
    return [f"{value:f} {unit}".rstrip() for value in made]


def _in(wanted: str, key: str, text: str, number: Decimal, unit: str) -> Decimal:
    """A number in the unit of `from`, if its own is of the same kind."""
    if unit == wanted:
        return number
    try:
        factor = units.relative(unit, wanted)
    except units.UnitError:
        expected = f"a unit of the kind of {quoted(wanted)}" if wanted else "no unit, as 'from' has none"
        raise _RangeError(key, f"found {quoted(text)}; expected {expected}") from None
    return (number * factor.numerator / factor.denominator).normalize()


def _steps(known: Mapping[str, Any], low: Decimal, high: Decimal, unit: str) -> list[Decimal]:
    step, other = _number("step", known["step"])
    step = _in(unit, "step", known["step"], step, other)
    if step <= 0 or (high - low) / step >= _MOST_VALUES:
        raise _RangeError("step", f"found {quoted(known['step'])}; expected more than 0, and at most 10,000 steps")
    return [low + number * step for number in range(int((high - low) / step) + 1)]


def _times(known: Mapping[str, Any], low: Decimal, high: Decimal, unit: str) -> list[Decimal]:  # noqa: ARG001
    factor, other = _number("times", known["times"])
    if other or factor < Decimal("1.001"):
        raise _RangeError("times", f"found {quoted(known['times'])}; expected a number above 1, such as 2")
    made = [low]
    while made[-1] * factor <= high and len(made) < _MOST_VALUES:
        made.append(made[-1] * factor)
    return made


def _logarithmic(known: Mapping[str, Any], low: Decimal, high: Decimal, unit: str) -> list[Decimal]:  # noqa: ARG001
    """So many values, each the same factor above the one before; whole ones between whole ends."""
    text = str(known["log"])
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_VALUES)) else 0
    if not 2 <= number <= _MOST_VALUES:  # noqa: PLR2004 - both ends
        raise _RangeError("log", f"found {quoted(text)}; expected how many values, from 2 to {_MOST_VALUES:,}")
    whole = all("." not in str(known[key]) and value == int(value) for key, value in (("from", low), ("to", high)))
    made = [low]
    for place in range(1, number - 1):
        exact = low * (high / low) ** (Decimal(place) / (number - 1))
        rounded = Decimal(round(exact)) if whole else Decimal(f"{exact:.{_DIGITS - 1}e}")
        made.append(rounded)
    return list(dict.fromkeys([*made, high]))


def _number(key: str, text: Any) -> tuple[Decimal, str]:  # noqa: ANN401
    found = _NUMBER.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise _RangeError(key, f"found {shown(text)}; expected a number with its unit, such as '4 b', or alone")
    return Decimal(found["number"]), (found["unit"] or "").strip()


def _check_job(reader: Reader, name: str, text: str, loc: Loc) -> None:
    if name not in _WORDS:
        reader.whole(loc, text, 0 if name == "new_tokens" else 1, _MOST_TOKENS)
    elif text not in _WORDS[name]:
        reader.fault(loc, f"found {quoted(text)}. {did_you_mean(text, _WORDS[name])}")
