"""Part classes by name: archsim's own and a user's come through the same entry points."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any, TypeVar

from archsim.errors import ArchsimError, did_you_mean, quoted

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "archsim.parts"

T = TypeVar("T")


class RegistryError(ArchsimError):
    """A part class that cannot be had: unknown, not importable, or not a part."""


def known() -> tuple[str, ...]:
    """Return the registered names, sorted; imports none of the classes."""
    return tuple(sorted(_entries()))


def part_class(name: str, base: type[T]) -> type[T]:
    """Return the subclass of ``base`` that a machine file calls ``name``.

    The name is a registered one, or the path of a class: ``my_package.MyAdc``, ``my_package:MyAdc``.
    Raises RegistryError with one line that says what is wrong.
    """
    found = _class(name)
    if not issubclass(found, base):
        path = f"{found.__module__}.{found.__qualname__}"
        expected = f"{base.__module__}.{base.__qualname__}"
        raise RegistryError(f"part class {quoted(name)}: {path} is no subclass of {expected}.")
    return found


@functools.cache
def _class(name: str) -> type:
    entries = _entries().get(name, ())
    if len(entries) > 1:
        rivals = " and ".join(sorted(entry.value for entry in entries))
        raise RegistryError(f"part class {quoted(name)} is registered more than once: {rivals}.")
    path = entries[0].value if entries else name
    module, attribute = _split(path)
    if not module:
        raise RegistryError(_unknown(name))
    found = _load(name, module, attribute)
    if not isinstance(found, type):
        raise RegistryError(f"part class {quoted(name)}: {path} is no class but of type {type(found).__name__}.")
    return found


@functools.cache
def _entries() -> dict[str, tuple[EntryPoint, ...]]:
    from importlib.metadata import entry_points  # takes 20 ms, and few ask

    by_name: dict[str, dict[str, EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        by_name.setdefault(entry.name, {})[entry.value] = entry  # an old install may repeat the same
    return {name: tuple(entries.values()) for name, entries in by_name.items()}


def _split(path: str) -> tuple[str, str]:
    """Return module and attribute, both empty if the path is not one of a class."""
    path = path.partition("[")[0].strip()  # an entry point may name extras
    separator = ":" if ":" in path else "."
    module, _, attribute = (piece.strip() for piece in path.rpartition(separator))
    names = [*module.split("."), *attribute.split(".")]
    return (module, attribute) if all(name.isidentifier() for name in names) else ("", "")


def _load(name: str, module: str, attribute: str) -> Any:  # noqa: ANN401 - whatever the module holds
    try:
        found: Any = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        why = " ".join(f"{type(error).__name__}: {error}".split())
        hint = " Is it installed, or on PYTHONPATH?" if _is_absent(error, module) else ""
        raise RegistryError(f"part class {quoted(name)}: cannot import {module} ({why}).{hint}") from error
    for step in attribute.split("."):
        try:
            found = getattr(found, step)
        except AttributeError:
            names = [each for each, value in vars(found).items() if isinstance(value, type)]
            raise RegistryError(
                f"part class {quoted(name)}: {module} has no {quoted(attribute)}. "
                + did_you_mean(step, names, what="Classes there")
            ) from None
    return found


def _is_absent(error: BaseException, module: str) -> bool:
    return isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")


def _unknown(name: str) -> str:
    if not known():
        return (
            f"unknown part class {quoted(name)}; none is registered, so archsim is not installed "
            "(a checkout needs pip install -e .)."
        )
    return f"unknown part class {quoted(name)}. {did_you_mean(name, known())}"
