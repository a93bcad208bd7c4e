"""Files over files: `extends` takes another machine or network and changes it; `--set a.b=c` changes what is there."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archsim import resources
from archsim.errors import ArchsimError, Fault, Place, UsageError, quoted
from archsim.machine.provenance import LABELS, mapping, separate
from archsim.machine.replace import EITHER, replaced, without
from archsim.machine.source import Document, Loc, parse, read

LABELLED = ("precision", "parts", "modules", "chips")
"""Sections whose numbers have a source and a status."""

_LONGEST_CHAIN = 10


def read_whole(path: Path, settings: Sequence[str] = (), folder: str = "hw_configs/machines") -> Document:
    """Read a file, what it extends (a name is of a file in `folder`), and apply settings, the last one on top."""
    return apply(_extended(path, (), folder), settings)


def apply(document: Document, settings: Sequence[str]) -> Document:
    """Put settings such as `parts.xbar.rows=64` over a document, the last one on top."""
    for text in settings:
        document = merge(document, _setting(text), {"source": "set on the command line", "status": "assumed"})
    return document


def _extended(path: Path, below: tuple[Path, ...], folder: str) -> Document:
    document = read(path)
    data = mapping(document)
    base = data.get("extends")
    if base is None:
        return document
    place = document.place(("extends",))
    if not isinstance(base, str) or not base:
        raise ArchsimError(Fault("extends: expected a name, or the path of a file", place))
    chain = (*below, path.resolve())
    try:
        found = _beside(path, base) or resources.locate(folder, base)
    except ArchsimError as error:
        raise ArchsimError(*(Fault(f"extends: {fault.message}", place) for fault in error.faults)) from None
    if found.resolve() in chain:
        raise ArchsimError(Fault(f"extends: {quoted(base)} extends this file in turn; expected an end to it", place))
    if len(chain) >= _LONGEST_CHAIN:
        raise ArchsimError(Fault(f"extends: more than {_LONGEST_CHAIN} files on top of each other", place))
    _, _, faults = separate(document, ())
    if faults:
        raise ArchsimError(*faults)
    labels = {
        "source": str(data.get("source", f"changed in {path.name}")),
        "status": str(data.get("status", "assumed")),
    }
    own = {key: value for key, value in data.items() if key not in ("extends", *LABELS)}
    above = Document(document.file, own, document.places, document.key_places)
    return replace(merge(_extended(found, chain, folder), above, labels), file=document.file)


def _beside(path: Path, base: str) -> Path | None:
    try:
        found = path.parent / base
        return found if found.is_file() else None
    except OSError:  # a name too long, a folder that must not be read
        return None


def _setting(text: str) -> Document:
    """`a.b=c` as a document whose values have their place in the text."""
    name, equals, value = text.partition("=")
    keys = tuple(name.split("."))
    if not equals or not all(keys):
        raise UsageError(f"--set {quoted(text, 200)[1:-1]}: expected KEY=VALUE, such as parts.xbar.rows=64")
    file = f"--set {quoted(text, 200)[1:-1]}"
    inner = parse(value, file) if value[:1] in ("{", "[") else None
    data: Any = inner.data if inner else value
    places: dict[Loc, Place] = {(*keys, *loc): place for loc, place in (inner.places if inner else {}).items()}
    key_places: dict[Loc, Place] = {(*keys, *loc): place for loc, place in (inner.key_places if inner else {}).items()}
    for depth in range(len(keys), 0, -1):
        places.setdefault(keys[:depth], Place(file, 1, len(name) + 2))
        key_places[keys[:depth]] = Place(file, 1, 1 + sum(len(key) + 1 for key in keys[: depth - 1]))
        data = {keys[depth - 1]: data}
    return Document(file, data, places, key_places)


def merge(below: Document, above: Document, labels: dict[str, str]) -> Document:
    """Put `above` over `below`, key by key; its numbers get `labels` where they have none of their own.

    What is empty in a section, such as `mapping.copies={}`, empties what was there.
    """
    places, key_places = dict(below.places), dict(below.key_places)
    data = _merged(mapping(below), mapping(above), (), labels, (places, key_places), above)
    return Document(below.file, data, places, key_places)


def _merged(
    below: Any,
    above: Any,
    loc: Loc,
    labels: dict[str, str],
    places: tuple[dict[Loc, Place], dict[Loc, Place]],
    document: Document,
) -> Any:
    empties = above == {} and len(loc) > 1
    if not isinstance(above, dict) or not isinstance(below, dict) or empties:
        _replace(loc, places, document)
    if not isinstance(above, dict):
        if (
            isinstance(above, str)
            and len(loc) > 1
            and loc[0] in LABELLED
            and loc[-1] not in (*LABELS, "alternative", "value")
        ):
            places[0][*loc, "value"] = document.place(loc)
            return {"value": above, **labels}
        return above
    merged = (
        dict(below) if isinstance(below, dict) and not empties and "value" not in above and "value" not in below else {}
    )
    if loc[:1] == ("parts",) and len(loc) == 2:  # noqa: PLR2004 - a part
        for keys in replaced(merged, above):
            merged = without(merged, keys)
    for key, value in above.items():
        at = (*loc, key)
        if at in document.key_places:
            places[1][at] = document.key_places[at]
        if key in EITHER:
            merged.pop(EITHER[key], None)
        merged[key] = _merged(merged.get(key), value, at, labels, places, document)
    return merged


def _replace(loc: Loc, places: tuple[dict[Loc, Place], dict[Loc, Place]], document: Document) -> None:
    """What stood at a place and below it stands there no more."""
    for kept, new in zip(places, (document.places, document.key_places), strict=True):
        for at in [at for at in kept if at[: len(loc)] == loc and (at != loc or kept is places[0])]:
            del kept[at]
        kept.update({at: place for at, place in new.items() if at[: len(loc)] == loc})
    places[0].setdefault(loc, document.place(loc))
