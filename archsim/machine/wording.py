"""pydantic's errors in archsim's words, with the place in the file."""

from collections.abc import Iterator
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from archsim.errors import Fault, did_you_mean, near, quoted
from archsim.machine.source import Document, Loc, dotted

M = TypeVar("M", bound=BaseModel)

_MAPPING = "a mapping of keys to values"
_EXPECTED = {
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "list_type": "a list in [ ]",
    "string_type": "text",
}


def shown(value: object) -> str:
    """Say what stands in a file: text in quotes, or of what sort it is."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return quoted(str(value)) if str(value).strip() else "nothing"


def validate(
    model: type[M], data: Any, document: Document, loc: Loc, faults: list[Fault], also: tuple[str, ...] = ()
) -> M | None:
    """Validate `data` against a pydantic model; what is wrong with it joins `faults`, in archsim's words.

    also: keys that may stand there too, for suggestions.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults += reword(error, model, document, loc, also)
        return None


def reword(
    error: ValidationError, model: type[BaseModel], document: Document, base: Loc, also: tuple[str, ...] = ()
) -> list[Fault]:
    """One Fault per error; `base` is where the validated mapping stands in the document.

    also: keys that may stand there too, though `model` does not know them; suggested, but not listed.
    """
    entries: list[dict[str, Any]] = [dict(entry) for entry in error.errors(include_url=False)]
    unknown = [entry["loc"] for entry in entries if entry["type"] == "extra_forbidden"]
    meant = {(*loc[:-1], name) for loc in unknown for name in near(str(loc[-1]), _fields(model, loc[:-1]))[:1]}
    # a misspelt key is one fault, not also a missing one
    return [
        _fault(entry, model, document, base, also)
        for entry in entries
        if entry["type"] != "missing" or entry["loc"] not in meant
    ]


def _fault(
    entry: dict[str, Any], model: type[BaseModel], document: Document, base: Loc, also: tuple[str, ...]
) -> Fault:
    fields = _fields(model, entry["loc"][:-1])
    steps = (*entry["loc"], *filter(None, str(entry.get("ctx", {}).get("at", "")).split(".")))
    loc: Loc = (*base, *_in_file(steps, document, base, absent=entry["type"] == "missing"))
    name = dotted(loc) or "the file"
    if entry["type"] == "extra_forbidden":
        known = did_you_mean(str(loc[-1]), [*fields, *near(str(loc[-1]), also)])
        return Fault(f"{name}: unknown key. {known}", document.key_place(loc))
    if entry["type"] == "missing":
        required = ", ".join(key for key, field in fields.items() if field.is_required())
        return Fault(f"{name}: is missing. Required: {required}.", document.key_place(loc[:-1]))
    return Fault(f"{name}: {_message(entry)}", document.value_place(loc))


def _message(entry: dict[str, Any]) -> str:
    """What was found and expected. A validator of archsim's own has said both."""
    kind, said = entry["type"], str(entry["msg"])
    found = f"found {shown(entry.get('input'))}"
    if kind == "literal_error":
        return f"{found}; expected {entry['ctx']['expected']}"
    if kind in _EXPECTED:
        return f"{found}; expected {_EXPECTED[kind]}"
    if kind in ("value_error", "assertion_error"):
        return _one_line(said.partition(", ")[2])
    return _one_line(said if said.startswith(("found", "expected", "'")) else f"{found}; {said[:1].lower()}{said[1:]}")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _in_file(loc: tuple[int | str, ...], document: Document, base: Loc, *, absent: bool) -> Loc:
    """Drop the steps of pydantic's path that stand for a type rather than for a key of the file.

    absent: the last one is a key that is not there.
    """
    path: Loc = ()
    for index, step in enumerate(loc):
        last = index == len(loc) - 1
        known = (*base, *path, step) in document.places or (last and _has(document.data, (*base, *path), step))
        if known or (absent and last):
            path = (*path, step)
    return path


def _has(data: Any, path: Loc, key: int | str) -> bool:
    """Whether the mapping at a path has a key; lines of a trace have no places for theirs."""
    for step in path:
        data = data[step]
    return isinstance(data, dict) and key in data


def _fields(model: type[BaseModel], loc: Loc) -> dict[str, FieldInfo]:
    """Fields, by the names that files use, of the model to which a path of keys leads."""
    found: list[Any] = [model]
    for step in loc:
        found = [inner for annotation in found for inner in _inside(annotation, step)]
    models = (kind for annotation in found for kind in _models(annotation))
    return {field.alias or name: field for kind in models for name, field in kind.model_fields.items()}


def _inside(annotation: Any, step: str | int) -> Iterator[Any]:
    """Types of what stands at `step` in a value of a type."""
    if get_origin(annotation) in (dict, list):
        yield get_args(annotation)[-1]
        return
    for model in _models(annotation):
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if step in fields:
            yield fields[str(step)].annotation
    for arg in get_args(annotation):
        yield from _inside(arg, step)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """A type itself, if it is a model, else the models in a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) not in (dict, list):
        for arg in get_args(annotation):
            yield from _models(arg)
