"""Costs that a part does not give itself, from the cost model that it names: `costs: {model: survey, node: 32 nm}`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final

from archsim import units
from archsim.costs.model import PARAMETERS, Bounds, Estimate, Model
from archsim.errors import Fault, did_you_mean, quoted
from archsim.machine.cost_models import cost_models, models_of
from archsim.machine.provenance import Provenance
from archsim.machine.source import Document, Loc, dotted
from archsim.machine.wording import shown
from archsim.parts.base import Action, Computed, Part

_DIGITS: Final = 6
"""Significant digits of a computed cost: what is printed is what is counted."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A part with all costs, and where the computed ones come from."""

    part: Part
    origins: Mapping[Loc, Provenance] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter's value in SI units, as it is written, and where."""

    value: float
    text: str
    loc: Loc


class CostsError(Exception):
    """What is wrong with a part's `costs`."""

    def __init__(self, *faults: Fault) -> None:
        """Take the faults."""
        super().__init__(*faults)
        self.faults = faults


def price(part: Part, name: str, costs: Any, document: Document, written: Mapping[Loc, Provenance]) -> Priced:
    """The part with what it does not give itself from its model; raises CostsError, with a place for each fault.

    What the part gives wins: with `power` no energy and no leakage is computed, with an action's energy not that one,
    with `area` no area. written: texts of the file's values.
    """
    model = _chosen(part, name, costs, document)
    parameters = _parameters(part, name, model, costs, document, written)
    wanted = list(_wanted(part))
    if not wanted:
        return Priced(part)
    values = {key: found.value for key, found in parameters.items()}
    outside = list(model.outside(values))
    if outside:
        raise CostsError(*(_fault(document, part, model, key, parameters, bounds) for key, bounds in outside))
    said = ", ".join(f"{key} {found.text}" for key, found in parameters.items())
    place = document.value_place(("parts", name, "costs", "model"))
    origin = Provenance(f"{model.name}({said})", model.source, "derived", model.text, place)
    return _with(part, name, wanted, model.estimate(values), origin)


def check(part: Part, name: str, costs: Any, document: Document, written: Mapping[Loc, Provenance]) -> None:
    """Whether `costs` that nobody has chosen are well formed, in range or not; raises CostsError.

    Nothing is said of a class that no model speaks of, since it may have taken the place of the file's, and of keys
    without a model, since they may be meant for another alternative's.
    """
    if _spoken_of(part) and (not isinstance(costs, dict) or "model" in costs):
        _parameters(part, name, _chosen(part, name, costs, document), costs, document, written)


def _spoken_of(part: Part) -> bool:
    return bool(models_of(type(part))) and type(part).cost is Part.cost


def _chosen(part: Part, name: str, costs: Any, document: Document) -> Model:
    loc: Loc = ("parts", name, "costs")
    if not isinstance(costs, dict):
        found = f"found {shown(costs)}; expected keys and values, such as {{model: survey, node: 32 nm}}"
        raise CostsError(Fault(f"{dotted(loc)}: {found}", document.place(loc)))
    known = models_of(type(part))
    if not _spoken_of(part):
        parts = ", ".join(sorted({model.part for model in cost_models()}))
        why = f"no cost model speaks of this class; expected one of: {parts}"
        why = "the part's class makes its costs itself; leave it out" if known else why
        raise CostsError(Fault(f"{dotted(loc)}: {why}", document.key_place(loc)))
    wanted = costs.get("model")
    if wanted is None:
        raise CostsError(Fault(f"{dotted(loc)}: needs a 'model'. {did_you_mean('', known)}", document.place(loc)))
    if not isinstance(wanted, str) or wanted not in known:
        found = f"found {shown(wanted)}. {did_you_mean(wanted if isinstance(wanted, str) else '', known)}"
        raise CostsError(Fault(f"{dotted(loc)}.model: {found}", document.value_place((*loc, "model"))))
    return known[wanted]


def _parameters(
    part: Part, name: str, model: Model, costs: dict[str, Any], document: Document, written: Mapping[Loc, Provenance]
) -> dict[str, _Parameter]:
    """All that the model needs, from the part itself, else from its `costs`, else what is usual."""
    loc: Loc = ("parts", name)
    found = {key: said for key in model.bounds if (said := _own(part, key, loc, written)) is not None}
    own = dict(found)
    open_ = [key for key in model.bounds if key not in own]
    faults = [
        Fault(f"{dotted((*loc, 'costs', key))}: {_useless(key, own, open_)}", document.key_place((*loc, "costs", key)))
        for key in costs
        if key != "model" and key not in open_
    ]
    for key in open_:
        at: Loc = (*loc, "costs", key)
        usual = model.bounds[key].usual
        if key in costs:
            try:
                found[key] = _Parameter(parameter(key, costs[key]), written[at].text, at)
            except units.UnitError as error:
                faults.append(Fault(f"{dotted(at)}: {error}", document.value_place(at)))
        elif usual is not None:
            found[key] = _Parameter(usual.value, usual.text, (*loc, "costs"))
        elif not faults:  # a misspelt key is one fault, not also a missing one
            needs = f"model {quoted(model.name)} needs {quoted(key)}, {model.bounds[key]}"
            faults.append(Fault(f"{dotted((*loc, 'costs'))}: {needs}", document.key_place((*loc, "costs"))))
    if faults:
        raise CostsError(*faults)
    return {key: found[key] for key in model.bounds}


def parameter(key: str, text: Any) -> float:
    """The value of a model's parameter in SI units; raises UnitError."""
    if not isinstance(text, str):
        raise units.UnitError(f"found {shown(text)}; expected one value")
    dimension = PARAMETERS[key]
    return float(units.whole(text)) if dimension is None else float(units.parse(text, dimension) * units.SI[dimension])


def _useless(key: str, own: Mapping[str, _Parameter], open_: list[str]) -> str:
    if key in own:
        return f"the part says it itself, {dotted(own[key].loc)}; leave it out here"
    return f"unknown key. {did_you_mean(key, ('model', *open_))}"


def _own(part: Part, key: str, loc: Loc, written: Mapping[Loc, Provenance]) -> _Parameter | None:
    """What the part itself says of a parameter; a rate is that of its first action."""
    if key == "rate":
        action = part.actions[0]
        given: Action = getattr(part, action)
        at = next(((*loc, action, word) for word in ("rate", "interval", "latency") if getattr(given, word)), loc)
        per_second = float(1 / given.pace() * units.SI["frequency"])
        return _Parameter(per_second, written[at].text if at in written else f"{per_second:g} Hz", at)
    value = getattr(part, key, None)
    if not isinstance(value, (int, Fraction)):
        return None
    dimension, at = PARAMETERS[key], (*loc, key)
    scale = units.SI[dimension] if dimension is not None else Fraction(1)
    return _Parameter(float(value * scale), written[at].text if at in written else str(value), at)


def _wanted(part: Part) -> Iterator[str]:
    """Costs that the part does not give: `area`, `leakage`, names of actions."""
    if part.area is None:
        yield "area"
    if part.power is None:
        if "leakage" not in part.model_fields_set:
            yield "leakage"
        yield from (action for action in part.actions if getattr(part, action).energy is None)


def _fault(
    document: Document, part: Part, model: Model, key: str, parameters: Mapping[str, _Parameter], bounds: Bounds
) -> Fault:
    """A parameter outside the model's range; and the models in whose range all is that the part says."""
    found = parameters[key]
    own = {name: each.value for name, each in parameters.items() if name == key or "costs" not in each.loc}
    others = [
        other.name
        for other in models_of(type(part)).values()
        if other is not model
        and (key in other.bounds or "costs" not in found.loc)  # else it is of no use there
        and not list(other.outside(other.example() | {k: own[k] for k in own if k in other.bounds}))
    ]
    hint = f" In range: {', '.join(others)}." if others else ""
    message = (
        f"{dotted(found.loc)}: found {found.text}; cost model {quoted(model.name)} holds for {key} {bounds}.{hint}"
    )
    return Fault(message, document.value_place(found.loc))


def _with(part: Part, name: str, wanted: list[str], estimate: Estimate, origin: Provenance) -> Priced:
    """The part with an estimate for all that is wanted of it; origin: of the estimate, its text says why."""
    new: dict[str, Any] = {}
    origins: dict[Loc, Provenance] = {}
    for what in wanted:
        action = what in part.actions
        si = estimate.energy if action else estimate.area if what == "area" else estimate.leakage
        if si is None:
            continue
        dimension = "energy" if action else "area" if what == "area" else "power"
        exact = Fraction(f"{si:.{_DIGITS}g}") / units.SI[dimension]
        loc: Loc = ("parts", name, what, "energy") if action else ("parts", name, what)
        if action:
            given: Action = getattr(part, what)
            fields = {key: getattr(given, key) for key in given.model_fields_set}
            new[what] = Computed(**fields | {"energy": exact, "by": origin.text})
        else:
            new[what] = exact
        origins[loc] = replace(origin, text=f"{_shown(exact, dimension)} = {origin.text}")
    own = {key: getattr(part, key) for key in part.model_fields_set}
    return Priced(type(part).model_validate(own | new), origins)


def _shown(value: Fraction, dimension: str) -> str:
    """Energies in pJ, as those that follow from power; areas and leakage in the unit that suits them."""
    si = float(value * units.SI[dimension])
    if dimension == "energy":
        return f"{si * 1e12:.{_DIGITS}g} pJ"
    return units.format_si(si, "m2" if dimension == "area" else "W", _DIGITS)
