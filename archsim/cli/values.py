"""Checks of option values, with messages in archsim's words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsim.errors import did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def whole(most: int) -> Callable[[click.Context, click.Parameter, str | None], int | None]:
    """Return a callback that turns a text into a whole number from 1 to `most`; no text stays None."""

    def check(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
        if text is None:
            return None
        # int() alone would take `1_000` and the digits of other scripts, and be slow on endless ones.
        digits = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        if not digits or not 1 <= int(text) <= most:
            raise click.BadParameter(f"found {quoted(text)}; expected a whole number from 1 to {most}")
        return int(text)

    return check


def folder(_context: click.Context, _option: click.Parameter, text: str | None) -> Path | None:
    """Turn a text into a path; the empty one, of an unset variable, would be the current folder."""
    if text is not None and not text.strip():
        raise click.BadParameter("found nothing; expected a folder")
    return None if text is None else Path(text)


def file(_context: click.Context, _option: click.Parameter, text: str | None) -> Path | None:
    """Turn a text into a path of a file."""
    if text is not None and not text.strip():
        raise click.BadParameter("found nothing; expected a file")
    return None if text is None else Path(text)


def numbers(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[float, ...] | None:
    """Turn `0.5,1,2` into numbers above 0."""
    if text is None:
        return None
    found = []
    for piece in text.split(","):
        try:
            value = float(piece) if piece.isascii() and "_" not in piece else 0.0
        except ValueError:
            value = 0.0
        if not 0 < value < _LARGEST_NUMBER:
            raise click.BadParameter(f"found {quoted(piece)}; expected a number above 0, or several, such as 0.5,1,2")
        found.append(value)
    return tuple(found)


def share(_context: click.Context, _option: click.Parameter, text: str) -> float:
    """Turn `1%` or `0.01` into a share from 0 to 1."""
    number = text.strip().removesuffix("%")
    try:
        value = float(number) if number.isascii() and "_" not in number else -1.0
    except ValueError:
        value = -1.0
    percent = text.strip().endswith("%")
    value = value / 100 if percent else value
    if value == 1 and not percent:
        raise click.BadParameter(f"found {quoted(text)}, which is all; expected 100%, or, of a hundredth, 1% or 0.01")
    if not 0 <= value <= 1:
        raise click.BadParameter(f"found {quoted(text)}; expected a share, such as 1% or 0.01")
    return value


_LARGEST_NUMBER = 1e12
_LARGEST_SIZE = 1 << 20


def sizes(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Turn texts such as `x=1x3x224x224` into sizes by name."""
    found = {}
    for text in texts:
        name, _, listed = text.rpartition("=")
        pieces = listed.split("x")
        whole = [
            int(piece)
            for piece in pieces
            if piece.isascii() and piece.isdigit() and len(piece) <= len(str(_LARGEST_SIZE))
        ]
        if not name or len(whole) < len(pieces) or not all(1 <= size <= _LARGEST_SIZE for size in whole):
            raise click.BadParameter(f"found {quoted(text)}; expected a name and sizes, such as x=1x3x224x224")
        found[name] = tuple(whole)
    return found


def arrays(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Turn texts such as `axes=1,2` into rows of numbers by name; a name and nothing is an empty row."""
    import numpy as np

    found = {}
    for text in texts:
        name, _, listed = text.rpartition("=")
        pieces = listed.split(",") if listed else []
        try:
            whole = all(piece.strip().lstrip("+-").isdecimal() for piece in pieces)
            found[name] = np.array(list(map(int, pieces)), np.int64) if whole else np.array(list(map(float, pieces)))
        except (ValueError, OverflowError):
            name = ""
        if not name:
            raise click.BadParameter(f"found {quoted(text)}; expected a name and numbers, such as axes=1,2")
    return found


def word(*known: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Return a callback that lets only the known words pass; none at all stays None."""

    def check(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
        if text is not None and text not in known:
            raise click.BadParameter(f"found {quoted(text)}. {did_you_mean(text, known)}")
        return text

    return check


def words(*known: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], tuple[str, ...]]:
    """Return a callback for an option that may be given several times: every word is one of the known."""
    one = word(*known)

    def check(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            one(context, option, text)
        return texts

    return check
