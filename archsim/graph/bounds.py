"""Bounds of models: what is beyond them is refused before much work is done for it."""

from collections.abc import Iterable, Iterator
from math import prod

from pydantic import BaseModel

from archsim.errors import ArchsimError, Fault, quoted
from archsim.machine.source import Document, Loc, dotted

LARGEST_SIZE = 1 << 24
"""Of a dimension, a count, or positions that a file states."""
MOST_LAYERS = 400
"""Of all stacks of a transformer."""
MOST_EXPERTS = 20_000
"""Of all layers together."""
WIDEST_HEAD = 1 << 16
"""Values of a head."""
MOST_NODES = 200_000
"""Of a Graph."""
_MOST_DIGITS = 18
MOST_DIMENSIONS = 32
"""Of a tensor."""
MOST_NUMBERS = 1 << 50
"""Of a tensor."""


def too_large(made: BaseModel, document: Document) -> Iterator[Fault]:
    """A fault for each whole number of a checked file that is beyond `LARGEST_SIZE`."""
    told = set()
    for loc, size in _wholes(made, ()):
        place = document.place(loc)
        if size > LARGEST_SIZE and place not in told:  # one number may stand for two
            told.add(place)
            yield Fault(f"{dotted(loc)}: found {size:,}; expected at most {LARGEST_SIZE:,}", place)


def _wholes(value: object, loc: Loc) -> Iterator[tuple[Loc, int]]:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        for name in value.model_fields_set:
            yield from _wholes(getattr(value, name), (*loc, fields[name].alias or name))
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from _wholes(inner, (*loc, at))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield loc, value


def require_numbers(document: Document) -> None:
    """Raise ArchsimError for digits in a file that are no number: those of other scripts, and endless ones."""
    waiting: list[tuple[Loc, object]] = [((), document.data)]
    while waiting:
        loc, value = waiting.pop()
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += [((*loc, step), child) for step, child in inner]
        if isinstance(value, str) and value.isdigit() and not (value.isascii() and len(value) <= _MOST_DIGITS):
            expected = f"expected a whole number of at most {_MOST_DIGITS} digits"
            raise ArchsimError(Fault(f"{dotted(loc)}: found {quoted(value)}; {expected}", document.place(loc)))


def require_tensor(name: str, sizes: Iterable[int | None]) -> None:
    """Raise ArchsimError for a tensor that nothing could hold; None: a size that a job says."""
    known = [1 if size is None else size for size in sizes]
    if 0 in known:
        raise ArchsimError(f"{name}: found a dimension of 0 indices; expected 1 or more")
    if len(known) > MOST_DIMENSIONS:
        raise ArchsimError(f"{name}: found {len(known)} dimensions; expected at most {MOST_DIMENSIONS}")
    if prod(known) > MOST_NUMBERS:
        raise ArchsimError(f"{name}: found {prod(known):,} numbers; expected at most {MOST_NUMBERS:,}")
