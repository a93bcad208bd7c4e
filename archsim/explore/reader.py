"""Reading a study file: its keys checked, every fault kept with its place."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from archsim.errors import Fault, did_you_mean, near
from archsim.machine.source import Document, Loc, dotted
from archsim.machine.wording import shown


@dataclass
class Reader:
    """A document, and what was found wrong with it so far."""

    document: Document
    faults: list[Fault] = field(default_factory=list)
    _told: set[Fault] = field(default_factory=set)

    def fault(self, loc: Loc, message: str, *, key: bool = False) -> None:
        """Keep a fault; `key`: at the key in place of the value. The same one twice is one."""
        place = self.document.key_place(loc) if key else self.document.place(loc)
        found = Fault(f"{dotted(loc)}: {message}" if loc else message, place)
        if found not in self._told:
            self._told.add(found)
            self.faults.append(found)

    def keys(self, loc: Loc, node: Any, known: Collection[str], required: Collection[str] = ()) -> Mapping[str, Any]:  # noqa: ANN401
        """The node as a mapping, without the keys that nobody knows; empty where it is none."""
        if not isinstance(node, dict):
            self.fault(loc, f"found {shown(node)}; expected a mapping of keys to values")
            return {}
        unknown = [name for name in node if name not in known]
        for name in unknown:
            self.fault((*loc, name), f"unknown key. {did_you_mean(name, known)}", key=True)
        meant = {guess for name in unknown for guess in near(name, known)}
        missing = [name for name in required if name not in node and name not in meant]
        if missing:
            self.fault(loc, f"{missing[0]!r} is missing. Required: {', '.join(required)}.", key=True)
        return {name: value for name, value in node.items() if name in known}

    def whole(self, loc: Loc, node: Any, least: int, most: int) -> int | None:  # noqa: ANN401
        """The node as a whole number."""
        text = node if isinstance(node, str) else ""
        if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
            return int(text)
        self.fault(loc, f"found {shown(node)}; expected a whole number from {least} to {most}")
        return None


def key_loc(loc: Loc) -> Loc:
    """Where the key of an axis stands, from where one of its values does."""
    return loc[:-1] if isinstance(loc[-1], int) else loc
