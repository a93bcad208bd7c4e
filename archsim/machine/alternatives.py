"""Named alternatives of a part: where a source contradicts itself, both figures stand in the file."""

from typing import Any

from archsim.errors import ArchsimError, Fault, did_you_mean
from archsim.machine.provenance import LABELS
from archsim.machine.source import Document


def choose(document: Document) -> Document:
    """Apply each part's chosen `alternative`, and take all `alternatives` out of the data."""
    top: Any = document.data
    parts = top.get("parts") if isinstance(top, dict) else None
    if not isinstance(parts, dict):
        return document
    faults: list[Fault] = []
    chosen: dict[str, Any] = {}
    places, key_places = dict(document.places), dict(document.key_places)
    for name, part in parts.items():
        chosen[name] = part
        if not isinstance(part, dict) or not ({"alternatives", "alternative"} & part.keys()):
            continue
        plain = {key: value for key, value in part.items() if key not in ("alternatives", "alternative")}
        chosen[name] = plain
        wanted = part.get("alternative")
        offered = part.get("alternatives", {})
        if not isinstance(offered, dict) or not all(isinstance(v, dict) for v in offered.values()):
            message = f"parts.{name}.alternatives: expected a mapping of names to mappings of keys"
            faults.append(Fault(message, document.place(("parts", name, "alternatives"))))
        elif wanted is not None and wanted not in offered:
            known = did_you_mean(str(wanted), offered)
            message = f"parts.{name}.alternative: found '{wanted}', which is not among the alternatives. {known}"
            faults.append(Fault(message, document.place(("parts", name, "alternative"))))
        elif wanted is not None:
            labels = {key: value for key, value in offered[wanted].items() if key in LABELS}
            for dotted, value in offered[wanted].items():
                if dotted in LABELS:
                    continue
                keys = tuple(dotted.split("."))
                _put(plain, keys, {**labels, **(value if isinstance(value, dict) else {"value": value})})
                _move(places, ("parts", name, "alternatives", wanted, dotted), ("parts", name, *keys))
                _move(key_places, ("parts", name, "alternatives", wanted, dotted), ("parts", name, *keys))
    if faults:
        raise ArchsimError(*faults)
    data = {**top, "parts": chosen}
    return Document(file=document.file, data=data, places=places, key_places=key_places)


def _put(part: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    """Set `value` at `keys`, copying each mapping on the way; a rate replaces an interval and the reverse."""
    *way, last = keys
    for key in way:
        inner = part.get(key)
        part[key] = dict(inner) if isinstance(inner, dict) else {}
        part = part[key]
    for one, other in (("rate", "interval"), ("interval", "rate")):
        if last == one:
            part.pop(other, None)
    part[last] = value


def _move(places: dict[tuple[str | int, ...], Any], old: tuple[str, ...], new: tuple[str, ...]) -> None:
    for loc in [loc for loc in places if loc[: len(old)] == old]:
        places[new + loc[len(old) :]] = places[loc]
