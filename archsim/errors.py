"""What archsim says when something is wrong: faults with their places, gathered in one exception."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 12  # names listed after "Known:"
_CANDIDATES = 5  # near names, of which one is suggested
_LONGEST_WORD = 100  # difflib takes quadratic time
_LONGEST_MESSAGE = 2_000


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A position in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Return ``file:line:column``."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: what was found, what was expected, a suggestion."""

    message: str
    place: Place | None = None

    def __str__(self) -> str:
        """Return the place, two spaces and the message, on one line; names in it may hold anything, and be endless."""
        text = self.message if self.place is None else f"{self.place}  {self.message}"
        if len(text) > _LONGEST_MESSAGE:
            text = f"{text[: _LONGEST_MESSAGE // 2]}…{text[-_LONGEST_MESSAGE // 2 :]}"
        return printable(text)


class ArchsimError(Exception):
    """One or more faults that a user can mend, sorted by place (those without one come last)."""

    def __init__(self, *faults: Fault | str) -> None:
        """Take the faults; a text is a fault without a place."""
        super().__init__(*faults)
        whole = [Fault(fault) if isinstance(fault, str) else fault for fault in faults]
        placed = sorted((fault for fault in whole if fault.place), key=_place)
        self.faults: tuple[Fault, ...] = (*placed, *(fault for fault in whole if not fault.place))

    def __str__(self) -> str:
        """Return one line per fault."""
        return "\n".join(str(fault) for fault in self.faults)


class UsageError(ArchsimError):
    """The command line was wrong."""


def printable(text: str) -> str:
    """One line of `text`: whatever a terminal would act on is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _place(fault: Fault) -> Place:
    return fault.place or Place("", 0, 0)


def quoted(text: str, limit: int = 60) -> str:
    """Return the text in single quotes on one line, its middle cut out beyond the limit."""
    if len(text) > limit:
        text = f"{text[: limit - 10]}…{text[-9:]}"
    return "'" + "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text) + "'"


def near(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known name closest to the word (several if they differ only in case), or nothing."""
    if len(word) > _LONGEST_WORD:
        return ()
    by_case: dict[str, list[str]] = {}
    for name in sorted(each for each in set(known) if len(each) <= _LONGEST_WORD):
        by_case.setdefault(name.casefold(), []).append(name)
    folded = word.casefold()
    found = difflib.get_close_matches(folded, by_case, n=_CANDIDATES)
    swapped = [name for name in found if sorted(name) == sorted(folded)]  # letters in another order: acd, adc
    swapped.sort(key=lambda name: name[0] != folded[0])
    return tuple(by_case[(swapped or found)[0]]) if found else ()


def did_you_mean(word: str, known: Iterable[str], *, what: str = "Known", most: int = _SHOWN) -> str:
    """Return ``Did you mean 'bits'? Known: area, bits, convert, rate.`` for a word that is not known.

    The first sentence is left out if no known name is near; a list of more than `most` names is cut.
    """
    names = sorted(set(known))
    close = near(word, names)
    question = f"Did you mean {' or '.join(quoted(name) for name in close)}? " if close else ""
    shown = [quoted(name)[1:-1] for name in names[:most]] or ["none"]
    rest = [f"… and {len(names) - most} more"] if len(names) > most else []
    return f"{question}{what}: {', '.join(shown + rest)}."
