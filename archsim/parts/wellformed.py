"""Is a part class well formed? Asked of each class when a machine names it, so that a stranger's fails early."""

from collections.abc import Iterator
from typing import get_args

from archsim.parts.base import Action, Part, Place, Stream
from archsim.parts.crossbar import Crossbar

RESERVED = ("class", "alternative", "alternatives", "costs", "source", "status", "note", "value")
"""Keys of a part in a machine file that are not its class's."""

_BASES: dict[str, type[Part]] = dict.fromkeys(("memory", "wire", "route", "link"), Stream) | {"array": Crossbar}
_ACTIONS = {"memory": ("read", "write"), "route": ("hop",), "link": ("send",), "combine": ("add",)}


def flaws(part: type[Part]) -> Iterator[str]:
    """Say in a line each what keeps a class from being used as a part."""
    place = str(getattr(part, "place", None))
    if place not in get_args(Place):
        found = f"found place '{place}'" if hasattr(part, "place") else "has no 'place'"
        yield f"{found}; expected a class variable 'place', one of: {', '.join(get_args(Place))}"
        return
    actions = getattr(part, "actions", None)
    if not isinstance(actions, tuple) or not actions or not all(isinstance(name, str) for name in actions):
        found = f"found actions {actions!r}" if hasattr(part, "actions") else "has no 'actions'"
        yield f"{found}; expected a class variable 'actions', a tuple of names such as ('convert',)"
        return
    yield from _of_place(part, place, actions)
    yield from _of_actions(part, actions)
    yield from _of_steps(part, actions)
    for name in RESERVED:
        if name in part.model_fields:
            yield f"has a field '{name}', a key that machine files use for something else; give it another name"


def _of_place(part: type[Part], place: str, actions: tuple[str, ...]) -> Iterator[str]:
    base = _BASES.get(place)
    if base is not None and not issubclass(part, base):
        yield f"is of place '{place}'; expected a subclass of {base.__module__}.{base.__name__}"
    for name in _ACTIONS.get(place, ()):
        if name not in actions:
            yield f"is of place '{place}' without the action '{name}'"
    needed = ("width", "size") if place == "memory" else ("width",) if issubclass(part, Stream) else ()
    for name in needed:
        if name not in part.model_fields:
            yield f"has no field '{name}: Bits', which it needs at place '{place}'"


def _of_actions(part: type[Part], actions: tuple[str, ...]) -> Iterator[str]:
    if part.cost is not Part.cost:
        return  # the class makes its costs of something else
    for name in actions:
        field = part.model_fields.get(name)
        if field is None:
            yield f"names the action '{name}', but has no field '{name}: Action'"
        elif not (isinstance(field.annotation, type) and issubclass(field.annotation, Action)):
            yield f"has a field '{name}' that need not be an Action; expected '{name}: Action'"


def _of_steps(part: type[Part], actions: tuple[str, ...]) -> Iterator[str]:
    steps: object = part.steps
    if not isinstance(steps, dict):
        yield f"found steps {steps!r}; expected a mapping of steps to actions, such as {{'add': 'add'}}"
        return
    for step, action in steps.items():
        if action not in actions:
            yield f"does the step '{step}' by '{action}', which is not among its actions: {', '.join(actions)}"
