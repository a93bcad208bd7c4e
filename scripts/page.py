"""Tables of documentation pages that scripts renew, between marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def table(page: Path, name: str) -> str:
    """What stands between a table's marks."""
    return _parts(page, name)[1]


def put(page: Path, name: str, text: str) -> None:
    """Put a table, whose lines end, between its marks."""
    before, _, after = _parts(page, name)
    page.write_text(before + text + after, encoding="utf-8")


def _parts(page: Path, name: str) -> tuple[str, str, str]:
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    inner, after = rest.split(end)
    return before + begin, inner, end + after
