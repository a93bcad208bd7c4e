"""The source of parts of one's own (`class: my_package.MyAdc`): results depend on it as on a machine's text."""

from __future__ import annotations

import ast
import hashlib
import sys
from functools import lru_cache
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archsim.errors import ArchsimError, Place, quoted
from archsim.machine.overlay import apply
from archsim.machine.source import Document
from archsim.parts.base import Part
from archsim.registry import RegistryError, part_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec

_KNOWN: Final = sys.stdlib_module_names | {base.__module__.partition(".")[0] for base in Part.__mro__}
"""Top names of Python's own modules, of archsim, and of what its parts are made from."""
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
"""Folders whose modules have nothing to do with each other."""
_at_first: dict[str, str] = {}


def named(data: Any) -> Iterator[str]:  # noqa: ANN401 - what a document holds
    """The classes that a machine's `parts` name, those of alternatives that nobody chose among them."""
    yield from _named(data.get("parts") if isinstance(data, dict) else None)


def _named(node: Any) -> Iterator[str]:  # noqa: ANN401
    for key, value in node.items() if isinstance(node, dict) else ():
        if str(key).rpartition(".")[2] == "class":
            text = value.get("value") if isinstance(value, dict) else value
            if isinstance(text, str):
                yield text
        yield from _named(value)


@lru_cache(maxsize=4096)
def set_by(key: str, text: str) -> tuple[str, ...]:
    """The classes that a setting names: `parts.adc.class`, or `parts.adc` with `{class: my_package.MyAdc}`."""
    if "class" not in key and "class" not in text:
        return ()
    try:
        return tuple(named(apply(Document("", {}, {(): Place("", 1, 1)}, {}), [f"{key}={text}"]).data))
    except ArchsimError:  # the points will say what is wrong
        return ()


def sources(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Of each class that is not archsim's own: the modules that define it, each with the hash of its file.

    They are the module of the class, those of its bases that are not archsim's own, and the modules of the same
    package, or files in the same folder, that these import. A class that cannot be had is left out: no machine can be
    made with it. Raises ArchsimError where a class has no file.
    """
    found = {}
    for name in sorted(set(names)):
        try:
            modules = _modules(name, part_class(name, object))
        except RegistryError:
            continue
        if modules:
            found[name] = modules
    return found


def digest(modules: dict[str, str]) -> str:
    """One hash of a class's modules."""
    text = "\n".join(f"{name} {found}" for name, found in sorted(modules.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def held(modules: Sequence[str]) -> dict[str, str | None]:
    """In a worker that may live long: each module's hash as it was when first asked for, before it was imported."""
    for module in modules:
        text = _text(module) if module not in _at_first else None
        if text is not None:
            _at_first[module] = _hash(text)
    return {module: _at_first.get(module) for module in modules}


def _modules(name: str, kind: type) -> dict[str, str]:
    bases = [base.__module__ for base in kind.__mro__ if base.__module__.partition(".")[0] not in _KNOWN]
    waiting, found = [*bases], dict[str, str]()
    while waiting:
        module = waiting.pop()
        text = _text(module) if module not in found else None
        if text is not None:
            found[module] = _hash(text)
            waiting += _parents(module)
            waiting += _imported(module, text)
    for module in bases:
        if module not in found:
            expected = "expected a file, by which results of a changed class are told from older ones"
            raise ArchsimError(f"part class {quoted(name)}: found no source of {module}; {expected}")
    return found


def _parents(module: str) -> list[str]:
    """The packages that a module stands in, which are imported before it."""
    names = module.split(".")
    return [".".join(names[:depth]) for depth in range(1, len(names))]


def _imported(module: str, text: bytes) -> Iterator[str]:
    """What a module imports anywhere in its source that is of its own package, or lies beside it."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # machine code
        return
    spec = _spec(module)
    inside = spec is not None and spec.submodule_search_locations is not None
    package = module if inside else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _beside(alias.name, module):
                    yield from (alias.name, *_parents(alias.name))
        elif isinstance(node, ast.ImportFrom):
            yield from _from(node, module, package)


def _from(node: ast.ImportFrom, module: str, package: str) -> Iterator[str]:
    """`from source import name`: the source and, if it is a package, those of the names that are modules."""
    try:
        source = resolve_name("." * node.level + (node.module or ""), package)
    except ImportError:  # beyond the package
        return
    if not _beside(source, module):
        return
    yield from (source, *_parents(source))
    spec = _spec(source)
    if spec is not None and spec.submodule_search_locations is not None:
        yield from (f"{source}.{alias.name}" for alias in node.names)


def _beside(other: str, module: str) -> bool:
    """Whether a module is of the same package, or a file or package in the same folder as that package."""
    own, top = module.partition(".")[0], other.partition(".")[0]
    if own == top:
        return True
    folder = _folder(own) if top not in _KNOWN else None
    return folder is not None and folder.name not in _INSTALLED and folder == _folder(top)


def _folder(top: str) -> Path | None:
    """Where a top module or package lies."""
    spec = _spec(top)
    places = [] if spec is None else [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]
    return Path(places[0]).resolve().parent if places else None


def _spec(module: str) -> ModuleSpec | None:
    loaded: ModuleSpec | None = getattr(sys.modules.get(module), "__spec__", None)
    if loaded is not None:
        return loaded
    try:
        return find_spec(module)
    except Exception:  # noqa: BLE001 - it imports the packages around it, and a stranger's may raise anything
        return None


def _text(module: str) -> bytes | None:
    """A module's file; None where there is none."""
    spec = _spec(module)
    place = spec.origin if spec is not None and spec.has_location else None
    place = place or getattr(sys.modules.get(module), "__file__", None)
    if place is None:
        return None
    read = getattr(spec.loader if spec is not None else None, "get_data", None)  # a zip file's too
    try:
        text: bytes = Path(place).read_bytes() if read is None else read(place)
    except OSError:
        return None
    return text


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
