"""Named alternatives of a part: where a source contradicts itself, both figures stand in the file."""

from collections.abc import Iterator
from typing import Any

from archsim.errors import Fault, did_you_mean
from archsim.machine.provenance import LABELS
from archsim.machine.replace import EITHER, replaced, without
from archsim.machine.source import Document, Loc, dotted
from archsim.machine.wording import shown

KEYS = ("alternative", "alternatives")


def choose(document: Document, faults: list[Fault]) -> Document:
    """Apply each part's chosen `alternative`, and take both keys out of the data; what is wrong joins `faults`."""
    top, parts = _parts(document)
    if top is None or parts is None:
        return document
    document = Document(document.file, {**top, "parts": dict(parts)}, dict(document.places), dict(document.key_places))
    for name, part in parts.items():
        wanted = part.get("alternative") if isinstance(part, dict) else None
        offered = _offered(document, name, part, faults)
        if wanted is not None and not (isinstance(wanted, str) and wanted in offered):
            loc = ("parts", name, "alternative")
            known = did_you_mean(wanted if isinstance(wanted, str) else "", offered)
            message = f"{dotted(loc)}: found {shown(wanted)}, which is not among the alternatives. {known}"
            faults.append(Fault(message, document.place(loc)))
            wanted = None
        _put_part(document, name, part, wanted, offered)
    return document


def others(document: Document) -> Iterator[Document]:
    """For each alternative that is not chosen, a document of its part alone with the alternative applied."""
    _, parts = _parts(document)
    for name, part in (parts or {}).items():
        offered = _offered(document, name, part, [])
        for other in offered:
            if other != part.get("alternative"):
                data: Any = {"parts": {name: part}}
                variant = Document(document.file, data, dict(document.places), dict(document.key_places))
                _put_part(variant, name, part, other, offered)
                yield variant


def _parts(document: Document) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    top: Any = document.data
    parts = top.get("parts") if isinstance(top, dict) else None
    return top, parts if isinstance(parts, dict) else None


def _offered(document: Document, name: str, part: Any, faults: list[Fault]) -> dict[str, dict[str, Any]]:
    """A part's alternatives that are of the right shape: name -> {dotted key: value}."""
    given = part.get("alternatives", {}) if isinstance(part, dict) else {}
    loc: Loc = ("parts", name, "alternatives")
    wrong = {loc: given} if not isinstance(given, dict) else {}
    offered = {} if wrong else given
    wrong |= {(*loc, key): value for key, value in offered.items() if not isinstance(value, dict)}
    for at, found in wrong.items():
        expected = "keys and values, such as {convert.rate: 1 GHz}"
        expected = f"names, each with {expected}" if at == loc else expected
        faults.append(Fault(f"{dotted(at)}: found {shown(found)}; expected {expected}", document.place(at)))
    return {key: value for key, value in offered.items() if isinstance(value, dict)}


def _put_part(document: Document, name: str, part: Any, wanted: str | None, offered: dict[str, dict[str, Any]]) -> None:
    """Put a part without its alternatives, or with one applied, into the document."""
    top: Any = document.data
    if not isinstance(part, dict):
        return
    plain = {key: value for key, value in part.items() if key not in KEYS}
    change = offered[wanted] if wanted is not None else {}
    for keys in replaced(plain, change):
        plain = plain if _set_by_hand(document, ("parts", name, *keys)) else without(plain, keys)
    top["parts"][name] = plain
    labels = {key: value for key, value in change.items() if key in LABELS}
    for key, value in change.items():
        if key not in LABELS:
            keys = tuple(key.split("."))
            new: Loc = ("parts", name, *keys)
            own = _own_costs(document, new, plain) if key == "costs" else {}
            if {"model", "value"} & own.keys() or (not own and _set_by_hand(document, new)):
                continue
            _put(plain, keys, {**labels, **(value if isinstance(value, dict) else {"value": value}), **own})
            for places in (document.places, document.key_places):
                kept = {loc: place for loc, place in places.items() if loc[:3] == new and loc[3:4] and loc[3] in own}
                _move(places, ("parts", name, "alternatives", str(wanted), key), new)
                places.update(kept)


def _own_costs(document: Document, loc: Loc, part: dict[str, Any]) -> dict[str, Any]:
    """What settings gave of a part's `costs`: an alternative's model takes it up, unless a model was set too."""
    costs = part.get("costs")
    given = costs.items() if isinstance(costs, dict) else ()
    return {key: value for key, value in given if _set_by_hand(document, (*loc, key))}


def _set_by_hand(document: Document, loc: Loc) -> bool:
    """Whether a setting gave this value, or the one that it would replace: what is asked for directly wins."""
    *way, last = loc
    twins = (loc, (*way, EITHER.get(str(last), last)))
    return any(at in document.places and document.places[at].file.startswith("--set ") for at in twins)


def _put(part: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    """Set `value` at `keys`, copying each mapping on the way; a rate replaces an interval and the reverse."""
    *way, last = keys
    for key in way:
        inner = part.get(key)
        part[key] = dict(inner) if isinstance(inner, dict) else {}
        part = part[key]
    part.pop(EITHER.get(last, ""), None)
    part[last] = value


def _move(places: dict[Loc, Any], old: Loc, new: Loc) -> None:
    for loc in [loc for loc in places if loc[: len(old)] == old]:
        places[new + loc[len(old) :]] = places[loc]
