"""pydantic's errors in archsim's words, with the place in the file."""

from typing import Any

from pydantic import BaseModel, ValidationError

from archsim.errors import Fault, did_you_mean, near
from archsim.machine.source import Document

Loc = tuple[str | int, ...]


def reword(error: ValidationError, model: type[BaseModel], document: Document, base: Loc) -> list[Fault]:
    """One Fault per error; `base` is where the validated mapping stands in the document."""
    entries: list[dict[str, Any]] = [dict(entry) for entry in error.errors(include_url=False)]
    unknown = {
        (entry["loc"][:-1], name)
        for entry in entries
        if entry["type"] == "extra_forbidden"
        for name in near(str(entry["loc"][-1]), _keys(model, entry["loc"][:-1]))[:1]
    }
    # a misspelt key is one fault, not also a missing one
    missing = [entry for entry in entries if entry["type"] == "missing"]
    twins = [entry for entry in missing if (entry["loc"][:-1], str(entry["loc"][-1])) in unknown]
    return [_fault(entry, model, document, base) for entry in entries if entry not in twins]


def _fault(entry: dict[str, Any], model: type[BaseModel], document: Document, base: Loc) -> Fault:
    loc: Loc = (*base, *_in_file(entry["loc"], document, base))
    kind = entry["type"]
    name = ".".join(map(str, loc)) or "the file"
    if kind == "extra_forbidden":
        known = did_you_mean(str(loc[-1]), _keys(model, entry["loc"][:-1]))
        return Fault(f"{name}: unknown key. {known}", document.key_place(loc))
    if kind == "missing":
        place = document.key_place(loc[:-1]) if loc[:-1] else document.place(())
        return Fault(f"{name}: is missing.{_purpose(model, entry['loc'])}", place)
    return Fault(f"{name}: {_message(entry)}", document.place(loc))


def _message(entry: dict[str, Any]) -> str:
    kind, found = entry["type"], entry.get("input")
    shown = f"found '{found}'" if isinstance(found, str) else f"found {_sort(found)}"
    if kind == "literal_error":
        return f"{shown}; expected {entry['ctx']['expected']}"
    expected = {
        "dict_type": "a mapping of keys to values",
        "model_type": "a mapping of keys to values",
        "model_attributes_type": "a mapping of keys to values",
        "list_type": "a list, such as [exp: vector, sum: vector]",
        "string_type": "text",
        "fraction_type": "a value with its unit",
    }.get(kind)
    return f"{shown}; expected {expected}" if expected else str(entry["msg"])


def _sort(found: object) -> str:
    if isinstance(found, dict):
        return "a mapping"
    return "a list" if isinstance(found, list) else "nothing"


def _in_file(loc: tuple[int | str, ...], document: Document, base: Loc) -> Loc:
    """Drop the steps of pydantic's path that stand for a type rather than for a key of the file."""
    kept: list[int | str] = []
    for index, step in enumerate(loc):
        last = index == len(loc) - 1
        if last or (*base, *kept, step) in document.places:
            kept.append(step)
    return tuple(kept)


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The pydantic model that a path of keys leads to, through mappings of models too."""
    current: Any = model
    for step in loc:
        field = (
            current.model_fields.get(str(step))
            if isinstance(current, type) and issubclass(current, BaseModel)
            else None
        )
        if field is not None:
            current = _model_in(field.annotation)
        # a key of a mapping of models, such as a module's name: the model stays the same
        if current is None:
            return None
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (found for arg in getattr(annotation, "__args__", ()) if (found := _model_in(arg)) is not None)
    return next(inner, None)


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    found = _model_at(model, loc)
    return [field.alias or name for name, field in found.model_fields.items()] if found is not None else []


def _purpose(model: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    found = _model_at(model, loc[:-1])
    if found is None:
        return ""
    names = {field.alias or name: field for name, field in found.model_fields.items()}
    required = [name for name, field in names.items() if field.is_required()]
    return f" Required: {', '.join(required)}."
