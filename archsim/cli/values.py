"""Checks of option values, with messages in archsim's words."""

from collections.abc import Callable
from pathlib import Path

import click

from archsim.errors import did_you_mean, quoted


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


def word(*known: str) -> Callable[[click.Context, click.Parameter, str], str]:
    """Return a callback that lets only the known words pass."""

    def check(_context: click.Context, _option: click.Parameter, text: str) -> str:
        if text not in known:
            raise click.BadParameter(f"found {quoted(text)}. {did_you_mean(text, known)}")
        return text

    return check
