"""Which layers see all positions, and which a window: configs say it in four ways."""

from typing import Any

from archsim.errors import ArchsimError, Fault, quoted
from archsim.graph.hf.reading import whole
from archsim.machine.source import Document
from archsim.machine.wording import shown

_SEES_ALL = {
    "full_attention": True,
    "sliding_attention": False,
    "chunked_attention": False,
    "global": True,
    "local": False,
}
"""Types of layers by whether they see all."""
_LONGEST = 2_000
_NOTHING = (None, "", "null")


def set_windows(document: Document, data: dict[str, Any], made: dict[str, Any]) -> None:
    """Keep or drop the window, and name the layers without one. Raises ArchsimError for types that are unknown."""
    pattern = made.pop("window_pattern", None)
    if str(data.get("use_sliding_window", made.pop("use_window", "true"))) == "false":
        made.pop("window", None)
    made.pop("use_window", None)
    layers = str(made["layers"])
    if not layers.isdigit() or int(layers) > _LONGEST:
        return  # refused with the other sizes
    key, full = _listed(document, data, int(layers))
    if key is None and "full_every" in made:
        return  # as GPT-Neo's class has it where a config says nothing
    made.pop("full_every", None)
    if key is None:
        full = _by_pattern(data, pattern, int(layers))
    if "window" not in made:
        if key == "layer_types" and len(full) < int(layers) and "use_sliding_window" not in data:
            found = "found layers of sliding_attention, and no 'sliding_window'; expected its size"
            raise ArchsimError(Fault(found, document.place((key,))))
    elif len(full) == int(layers):
        del made["window"]
    elif full:
        made["full_layers"] = [str(layer) for layer in full]


def _by_pattern(data: dict[str, Any], pattern: str | None, layers: int) -> list[int]:
    """The last of each so many layers sees all; or the first ones do, as many as `max_window_layers`."""
    every = whole(pattern)
    for name in ("sliding_window_pattern", "_sliding_window_pattern"):
        every = whole(data.get(name), every)
    begun = whole(data.get("max_window_layers")) if "use_sliding_window" in data else 0
    return [layer for layer in range(layers) if layer < begun or (every and (layer + 1) % every == 0)]


def _listed(document: Document, data: dict[str, Any], layers: int) -> tuple[str | None, list[int]]:
    """By the type of each layer; or by the key under which GPT-Neo repeats a list of types."""
    key = next(
        (name for name in ("layer_types", "attention_layers", "attention_types") if data.get(name) not in _NOTHING),
        None,
    )
    if key is None:
        return None, []
    types = data[key]
    if key == "attention_types":
        wrong = next((entry for entry in types if not _is_repeated(entry)), None)
        if wrong is not None:
            found = f"{key}: found {shown(wrong)}; expected lists [[types], times]"
            raise ArchsimError(Fault(found, document.place((key,))))
        types = [kind for kinds, times in types for kind in kinds * min(_LONGEST, int(times))]
    unknown = next((kind for kind in types if not isinstance(kind, str) or kind not in _SEES_ALL), None)
    if unknown is not None:
        found = f"{key}: found a layer of type {quoted(str(unknown))}; expected {' or '.join(_SEES_ALL)}"
        raise ArchsimError(Fault(found, document.place((key,))))
    if len(types) != layers:
        raise ArchsimError(Fault(f"{key}: found {len(types)} layers; expected {layers}", document.place((key,))))
    return key, [layer for layer, kind in enumerate(types) if _SEES_ALL[kind]]


def _is_repeated(entry: object) -> bool:
    """[[types], times]."""
    pair = entry if isinstance(entry, list) else []
    return len(pair) == 2 and isinstance(pair[0], list) and str(pair[1]).isdigit()  # noqa: PLR2004
