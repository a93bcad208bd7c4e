"""The cost models that come with archsim: `hw_configs/costs/*.yaml`, each number with its source and range."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from archsim import registry, resources, units
from archsim.costs.formulas import FORMULAS
from archsim.costs.model import PARAMETERS, Bounds, Figure, Model, Table
from archsim.errors import ArchsimError, Fault
from archsim.machine.bibliography import unknown_source
from archsim.machine.provenance import Provenance, separate, sources
from archsim.machine.source import Loc, dotted, read
from archsim.machine.wording import reword
from archsim.parts.base import Part
from archsim.parts.quantity import Name, choice, field_type

FOLDER: Final = "hw_configs/costs"
_SECTIONS = ("models",)

_Figure = Annotated[Figure, field_type(lambda text: Figure(text, units.si(text)), Figure)]
_Number = Annotated[float, field_type(units.si, float)]
_Parameter = Annotated[str, choice(tuple(PARAMETERS))]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RangeSpec(_Strict):
    """From `least` to `most`, or only `at` one value; `usual` is taken where nobody says."""

    least: _Figure | None = None
    most: _Figure | None = None
    usual: _Figure | None = None
    at: _Figure | None = None

    def bounds(self) -> Bounds:
        """As formulas know it."""
        return Bounds(self.at or self.least, self.at or self.most, self.at or self.usual)


class PartSpec(_Strict):
    """What a source says of one class of parts."""

    formula: Annotated[str, choice(tuple(FORMULAS))]
    along: _Parameter = ""
    parameters: dict[_Parameter, RangeSpec]
    constants: dict[str, _Number] = Field(default_factory=dict)
    points: list[dict[str, _Number]] = Field(default_factory=list)


class ModelSpec(_Strict):
    """A source: parameters and constants here are shared by all its parts."""

    text: Name
    parameters: dict[_Parameter, RangeSpec] = Field(default_factory=dict)
    constants: dict[str, _Number] = Field(default_factory=dict)
    parts: dict[str, PartSpec]


class CostsFile(_Strict):
    """One file of cost models."""

    schema_id: Literal["archsim.costs/1"] = Field(alias="schema")
    models: dict[str, ModelSpec]


@cache
def cost_models() -> tuple[Model, ...]:
    """All models, by class of part and name. Raises ArchsimError if a file is broken."""
    found = [model for path in sorted(resources.find(FOLDER).glob("*.yaml")) for model in read_models(path)]
    return tuple(sorted(found, key=lambda model: (model.part, model.name)))


def models_of(part: type[Part]) -> dict[str, Model]:
    """Models of a class of parts by name: its own, and those of the classes that it extends."""
    return {model.name: model for model in cost_models() if issubclass(part, registry.part_class(model.part, Part))}


def read_models(path: Path) -> list[Model]:
    """The models of one file; raises ArchsimError with all that is wrong with it."""
    document = read(path)
    data, provenance, faults = separate(document, _SECTIONS)
    for loc, source in sources(document, _SECTIONS):
        wrong = unknown_source(source)
        faults += [Fault(f"{dotted(loc)}: {wrong}", document.place(loc))] if wrong is not None else []
    try:
        file = CostsFile.model_validate(data)
    except ValidationError as error:
        raise ArchsimError(*faults, *reword(error, CostsFile, document, ())) from None
    if faults:
        raise ArchsimError(*faults)
    return [
        _model(name, part, model, spec, provenance)
        for name, model in file.models.items()
        for part, spec in model.parts.items()
    ]


def _model(name: str, part: str, model: ModelSpec, spec: PartSpec, provenance: Mapping[Loc, Provenance]) -> Model:
    origin = provenance["models", name, "parts", part, "formula"]
    ranges: dict[str, Any] = {**model.parameters, **spec.parameters}
    return Model(
        name=name,
        part=part,
        text=model.text,
        source=origin.source or "",
        formula=FORMULAS[spec.formula],
        bounds={key: ranges[key].bounds() for key in PARAMETERS if key in ranges},
        constants={**model.constants, **spec.constants},
        table=Table(spec.along, tuple(sorted(spec.points, key=lambda point: point[spec.along]))),
    )
