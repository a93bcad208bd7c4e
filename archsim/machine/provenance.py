"""Where each number comes from: source, status and note, taken out of the file before its values are checked."""

from dataclasses import dataclass
from typing import Any, cast

from archsim.errors import ArchsimError, Fault, did_you_mean
from archsim.machine.source import Document

STATUSES = ("measured", "simulated", "derived", "assumed")
LABELS = ("source", "status", "note")
"""Keys that say where numbers come from; they may stand in any mapping under parts and modules."""
Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Of one number: its text as written, the key of its source, how it was obtained there, a remark."""

    text: str
    source: str | None
    status: str | None
    note: str | None


def separate(
    document: Document, sections: tuple[str, ...]
) -> tuple[dict[str, Any], dict[Loc, Provenance], list[Fault]]:
    """Return the data without labels, a Provenance for each scalar in `sections`, and what is wrong with labels.

    A label on a mapping holds for all numbers in it that have none of their own; `{value: …}` becomes its value.
    """
    faults: list[Fault] = []
    table: dict[Loc, Provenance] = {}
    data = dict(mapping(document))
    top = _labels(document, (), data, Provenance("", None, None, None), faults)
    for name in sections:
        if name in data:
            data[name] = _strip(document, (name,), data[name], top, table, faults)
    return data, table, faults


def mapping(document: Document) -> dict[str, Any]:
    """The document's keys; raises ArchsimError where it is no mapping."""
    if not isinstance(document.data, dict):
        found = "a list" if isinstance(document.data, list) else "text"
        raise ArchsimError(Fault(f"found {found}; expected a mapping of keys to values", document.place(())))
    return cast("dict[str, Any]", document.data)


def _strip(
    document: Document,
    loc: Loc,
    node: Any,
    above: Provenance,
    table: dict[Loc, Provenance],
    faults: list[Fault],
) -> Any:
    if isinstance(node, list):
        return [_strip(document, (*loc, i), child, above, table, faults) for i, child in enumerate(node)]
    if not isinstance(node, dict):
        table[loc] = Provenance(str(node), above.source, above.status, above.note)
        return node
    labels = _labels(document, loc, node, above, faults)
    inner = {key: child for key, child in node.items() if key not in LABELS}
    if "value" in inner:
        for key in inner:
            if key != "value":
                known = did_you_mean(key, ("value", *LABELS))
                faults.append(Fault(f"{_dotted((*loc, key))}: unknown key. {known}", document.key_place((*loc, key))))
        value = inner["value"]
        table[loc] = Provenance(str(value), labels.source, labels.status, labels.note)
        return value
    return {key: _strip(document, (*loc, key), child, labels, table, faults) for key, child in inner.items()}


def _labels(document: Document, loc: Loc, node: dict[str, Any], above: Provenance, faults: list[Fault]) -> Provenance:
    own: dict[str, str | None] = {}
    for key in LABELS:
        value = node.get(key)
        if value is not None and not isinstance(value, str):
            faults.append(Fault(f"{_dotted((*loc, key))}: expected text", document.place((*loc, key))))
            value = None
        own[key] = value
    status = own["status"]
    if status is not None and status not in STATUSES:
        known = did_you_mean(status, STATUSES)
        message = f"{_dotted((*loc, 'status'))}: found '{status}', which is no status. {known}"
        faults.append(Fault(message, document.place((*loc, "status"))))
    note = own["note"] if loc else None
    return Provenance("", own["source"] or above.source, own["status"] or above.status, note or above.note)


def _dotted(loc: Loc) -> str:
    return ".".join(str(part) for part in loc)
