"""Where each number comes from: source, status and note, taken out of the file before its values are checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from archsim.errors import ArchsimError, Fault, Place, did_you_mean
from archsim.machine.source import Document, Loc, dotted
from archsim.machine.wording import shown

STATUSES = ("measured", "simulated", "derived", "assumed")
LABELS = ("source", "status", "note")
"""Keys that say where numbers come from; they may stand in any mapping of the labelled sections."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Of one number: its text as written, the key of its source, how it was obtained there, a remark.

    place: of the cost model, where the number is computed by one.
    """

    text: str
    source: str | None
    status: str | None
    note: str | None
    place: Place | None = None


def separate(
    document: Document, sections: tuple[str, ...]
) -> tuple[dict[str, Any], dict[Loc, Provenance], list[Fault]]:
    """Return the data without labels, a Provenance for each scalar in `sections`, and what is wrong with labels.

    A label on a mapping holds for all numbers in it that have none of their own; `{value: …}` becomes its value.
    A note at the top is of the file, not of its numbers. Raises ArchsimError where the document is no mapping.
    """
    given = mapping(document)
    found = _Separation(document)
    top = found.labels((), given, Provenance("", None, None, None))
    above = Provenance("", top.source, top.status, None)
    data = {
        name: found.strip((name,), value, above) if name in sections else value
        for name, value in given.items()
        if name not in LABELS
    }
    return data, found.table, found.faults


def mapping(document: Document) -> dict[str, Any]:
    """The document's keys; raises ArchsimError where it is no mapping."""
    if not isinstance(document.data, dict):
        raise ArchsimError(
            Fault(f"found {shown(document.data)}; expected a mapping of keys to values", document.place(()))
        )
    return cast("dict[str, Any]", document.data)


def sources(document: Document, sections: tuple[str, ...]) -> Iterator[tuple[Loc, str]]:
    """Each source that is named at the top or in `sections`, alternatives included, and where."""
    top = mapping(document)
    yield from _sources((), {key: value for key, value in top.items() if key in (*sections, "source")})


def _sources(loc: Loc, node: Any) -> Iterator[tuple[Loc, str]]:
    if isinstance(node, dict):
        for key, child in node.items():
            if key == "source" and isinstance(child, str):
                yield (*loc, key), child
            else:
                yield from _sources((*loc, key), child)


class _Separation:
    """What is found on the way through a document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.table: dict[Loc, Provenance] = {}
        self.faults: list[Fault] = []

    def strip(self, loc: Loc, node: Any, above: Provenance) -> Any:
        if isinstance(node, list):
            return [self.strip((*loc, index), child, above) for index, child in enumerate(node)]
        if not isinstance(node, dict):
            self.table[loc] = Provenance(str(node), above.source, above.status, above.note)
            return node
        labels = self.labels(loc, node, above)
        inner = {key: child for key, child in node.items() if key not in LABELS}
        if "value" in inner and _may_be_value(loc):
            return self.value(loc, inner, labels)
        return {key: self.strip((*loc, key), child, labels) for key, child in inner.items()}

    def value(self, loc: Loc, inner: dict[str, Any], labels: Provenance) -> Any:
        """What `{value: …}` stands for."""
        for key in inner:
            if key != "value":
                self.fault((*loc, key), f"unknown key. {did_you_mean(key, ('value', *LABELS))}", key=True)
        value = inner["value"]
        if isinstance(value, (dict, list)):
            self.fault((*loc, "value"), f"found {shown(value)}; expected one value")
            value = ""
        self.table[loc] = Provenance(str(value), labels.source, labels.status, labels.note)
        return value

    def labels(self, loc: Loc, node: dict[str, Any], above: Provenance) -> Provenance:
        """A mapping's own labels over those above it."""
        own: dict[str, str] = {}
        for key in LABELS:
            value = node.get(key)
            if isinstance(value, str) and value:
                own[key] = value
            elif value is not None:
                self.fault((*loc, key), f"found {shown(value)}; expected text")
        status = own.get("status")
        if status is not None and status not in STATUSES:
            known = did_you_mean(status, STATUSES)
            self.fault((*loc, "status"), f"found {shown(status)}, which is no status. {known}")
        return Provenance(
            "", own.get("source", above.source), own.get("status", above.status), own.get("note", above.note)
        )

    def fault(self, loc: Loc, message: str, *, key: bool = False) -> None:
        place = self.document.key_place(loc) if key else self.document.place(loc)
        self.faults.append(Fault(f"{dotted(loc)}: {message}", place))


def _may_be_value(loc: Loc) -> bool:
    """A section is no value, nor is a part or module: one of them may have a member or key of that name."""
    return len(loc) > (2 if loc[0] in ("parts", "modules") else 1)
