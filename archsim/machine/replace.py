"""What gives way when one figure is put over another: an interval to a rate, printed costs to a cost model."""

from typing import Any, Final

from archsim import registry
from archsim.machine.cost_models import models_of
from archsim.parts.base import Part

EITHER: Final = {"rate": "interval", "interval": "rate"}
"""A file has one of them: the one that is put over it takes the other's place."""

Keys = tuple[str, ...]


def replaced(below: dict[str, Any], above: dict[str, Any]) -> list[Keys]:
    """Keys of a part's own costs that give way to a cost model which `above` brings.

    That is power, leakage, energies, and the area if the model says one. Without a model, or with one that does not
    exist, nothing gives way.
    """
    costs = above.get("costs")
    name = _plain(costs.get("model")) if isinstance(costs, dict) else None
    if name is None:
        return []
    try:
        kind = registry.part_class(str(_plain(above.get("class", below.get("class")))), Part)
    except registry.RegistryError:
        return []
    model = models_of(kind).get(str(name))
    if model is None:
        return []
    keys = ("power", "leakage", "area") if model.gives_area else ("power", "leakage")
    energies = [(key, "energy") for key, value in below.items() if isinstance(value, dict) and "energy" in value]
    return [*((key,) for key in keys if key in below), *energies]


def without(part: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """A part without the value at `keys`, if there is one; the mapping on the way is copied."""
    first, *rest = keys
    if first not in part:
        return part
    if not rest:
        return {key: value for key, value in part.items() if key != first}
    return {**part, first: without(part[first], tuple(rest))}


def _plain(value: Any) -> Any:
    """A value, or what `{value: …}` stands for."""
    return value.get("value") if isinstance(value, dict) else value
