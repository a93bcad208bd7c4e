"""Published figures beside what archsim computes: `hw_configs/validation`, one file a paper."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from archsim import resources, units
from archsim.description import Node, describe
from archsim.errors import ArchsimError, Fault, did_you_mean
from archsim.graph import load_model
from archsim.graph.job import Job
from archsim.machine import load_machine
from archsim.machine.bibliography import bibliography, unknown_source
from archsim.machine.fits import layout
from archsim.machine.load import change
from archsim.machine.load import validate as checked
from archsim.machine.machine import Machine
from archsim.machine.provenance import mapping
from archsim.machine.source import Document, read
from archsim.mapping.placement import place
from archsim.model_measures import printed, steady, weights
from archsim.parts.quantity import Name, Share
from archsim.units import JOULES_PER_ZJ, M2_PER_UM2, SECONDS_PER_PS, WATTS_PER_NW

FOLDER = "hw_configs/validation"
Status = Literal["pass", "miss", "contradiction", "not_derivable"]
_TO_SI = {
    "power": WATTS_PER_NW,
    "area": M2_PER_UM2,
    "time": SECONDS_PER_PS,
    "energy": JOULES_PER_ZJ,
    "performance": 1 / SECONDS_PER_PS,
}


class Figure(BaseModel):
    """One published figure, as printed; what archsim measures for it, or why nothing can be.

    measure: `power MODULE`, `area MODULE`, `product latency|inside|interval|energy|rate per W` (of
    one block of weights), `rate of MODULE`, `rate per mm2 of MODULE`, `rate per W of
    MODULE`, `energy PART.ACTION`, `chips for MODEL`, `weights of MODEL`, `time a position of MODEL`,
    `running power of MODEL`, `running rate per W of MODEL`, `work of MODEL in TIME at POWER` (which are printed);
    some layers of a model are `MODEL/LAYER, LAYER`. settings: of the machine, for this figure alone.
    basis: predicted, calibrated (it set a parameter) or identity.
    contradicts: another figure of the same source; hangs_on: what one would have to know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    figure: Name
    group: Literal["component sums", "single operations", "layers", "chip totals", "end to end"]
    published: Name
    unit: str = ""
    source: Name | None = None
    method: Name | None = None
    basis: Literal["predicted", "calibrated", "identity"] = "predicted"
    measure: Name | None = None
    settings: list[Name] = []
    tolerance: Share | None = None
    contradicts: str = ""
    hangs_on: str = ""
    note: str = ""


class Figures(BaseModel):
    """The figures of one paper, and the machine that they are of."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_id: Literal["archsim.validation/1"] = Field(alias="schema")
    machine: Name | None = None
    source: Name
    method: Name
    figures: list[Figure]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A figure and what came of it; values in SI units, None where there is none."""

    figure: str
    group: str
    machine: str
    source: str
    method: str
    basis: str
    printed: str
    published: float | None
    simulated: float | None
    relative_error: float | None
    tolerance: float | None
    status: Status
    remark: str


def validate(only: Path | None = None) -> list[Checked]:
    """Check the figures of all papers, or of one file; raises ArchsimError where a file is wrong."""
    paths = [only] if only is not None else sorted(resources.find(FOLDER).glob("*.yaml"))
    return [found for path in paths for found in _of_file(path)]


def _of_file(path: Path) -> Iterator[Checked]:
    document = read(path)
    faults: list[Fault] = []
    file = checked(Figures, mapping(document), document, (), faults)
    if file is None or faults:
        raise ArchsimError(*faults)
    machine = load_machine(file.machine) if file.machine is not None else None
    for index, figure in enumerate(file.figures):
        try:
            yield _check(file, figure, machine)
        except ArchsimError as error:
            raise _placed(document, index, error) from None


def _placed(document: Document, index: int, error: ArchsimError) -> ArchsimError:
    return ArchsimError(*(Fault(fault.message, document.place(("figures", index))) for fault in error.faults))


def _check(file: Figures, figure: Figure, machine: Machine | None) -> Checked:
    source = figure.source or file.source
    wrong = unknown_source(source)
    if wrong is not None:
        raise ArchsimError(wrong)
    known = bibliography()
    published, simulated = _published(figure.published), None
    if figure.measure is not None:
        if machine is None:
            raise ArchsimError("a measure needs the file's 'machine'")
        simulated = _measured(change(machine, figure.settings) if figure.settings else machine, figure.measure)
    error = simulated / published - 1 if simulated is not None and published else None
    tolerance = None if figure.tolerance is None else float(figure.tolerance)
    return Checked(
        figure=figure.figure,
        group=figure.group,
        machine=machine.name if machine is not None else "",
        source=str(known[source]) if source in known else source,
        method=figure.method or file.method,
        basis=figure.basis,
        printed=f"{figure.published} {figure.unit}".strip(),
        published=published,
        simulated=simulated,
        relative_error=error,
        tolerance=tolerance,
        status=_status(figure, error, tolerance),
        remark=figure.contradicts or figure.hangs_on or figure.note,
    )


def _status(figure: Figure, error: float | None, tolerance: float | None) -> Status:
    if figure.contradicts:
        return "contradiction"
    if figure.hangs_on:
        return "not_derivable"
    if error is None or tolerance is None:
        raise ArchsimError("needs a 'measure' and a 'tolerance', or 'hangs_on', or 'contradicts'")
    return "pass" if abs(error) <= tolerance else "miss"


def _published(text: str) -> float:
    """A plain number, or a quantity in SI units."""
    if text.replace(".", "", 1).isdigit():
        return float(text)
    for dimension, worth in _TO_SI.items():
        try:
            return float(units.parse(text, dimension)) * worth
        except units.UnitError:
            continue
    raise ArchsimError(f"published: found '{text}'; expected a number, or a power, area, time, energy or rate")


def _measured(machine: Machine, measure: str) -> float:
    for prefix, of in _MEASURES.items():
        if measure.startswith(prefix):
            return of(machine, measure.removeprefix(prefix).strip())
    raise ArchsimError(f"measure: found '{measure}'. {did_you_mean(measure, [prefix.strip() for prefix in _MEASURES])}")


def _nodes(machine: Machine) -> Mapping[str, Node]:
    return _all_nodes(machine.digest, machine.file)


@cache
def _all_nodes(_digest: str, file: str) -> Mapping[str, Node]:
    def walk(node: Node) -> Iterator[Node]:
        yield node
        for child in node.children:
            yield from walk(child)

    return {node.name: node for node in walk(describe(load_machine(file)).root)}


def _node(machine: Machine, name: str) -> Node:
    nodes = _nodes(machine)
    if name not in nodes:
        raise ArchsimError(f"measure: no such part or module: '{name}'. {did_you_mean(name, nodes)}")
    return nodes[name]


def _product(machine: Machine, what: str) -> float:
    speed = _node(machine, machine.core).speed
    known = {"latency": "mvm_latency_s", "interval": "mvm_interval_s", "inside": "core_latency_s"}
    others = ("energy", "rate per W")
    if speed is None or what not in (*known, *others):
        raise ArchsimError(f"measure: found product '{what}'. {did_you_mean(what, (*known, *others))}")
    if what == "rate per W":
        return speed.peak_ops_per_s * speed.mvm_interval_s / speed.mvm_energy_j
    if what == "energy":  # a core that holds several blocks of weights does a product in each
        blocks = layout(machine.modules[machine.core], machine.parts, machine.precision).blocks
        return speed.mvm_energy_j / blocks
    return float(getattr(speed, known[what]))


def _rate(machine: Machine, module: str) -> float:
    """Operations a second of all cores in a module, all working."""
    speed = _node(machine, machine.core).speed
    return 0.0 if speed is None else speed.peak_ops_per_s * float(machine.count(machine.core, module))


def _rate_per_mm2(machine: Machine, module: str) -> float:
    return _rate(machine, module) / (_node(machine, module).area_m2 * 1e6)


def _rate_per_w(machine: Machine, module: str) -> float:
    return _rate(machine, module) / _node(machine, module).peak_power_w


def _energy(machine: Machine, name: str) -> float:
    part, _, action = name.partition(".")
    if part not in machine.parts or action not in machine.parts[part].actions:
        raise ArchsimError(f"measure: no such action: '{name}'; expected PART.ACTION")
    return machine.parts[part].cost(action).energy * JOULES_PER_ZJ


def _running_power(machine: Machine, model: str) -> float:
    found = steady(machine, model)
    return found.energy / found.time


def _running_rate(machine: Machine, model: str) -> float:
    found = steady(machine, model)
    return found.operations / found.energy


def _chips(machine: Machine, model: str) -> float:
    return float(place(machine, load_model(model), Job(seq=128)).chips)


_MEASURES: dict[str, Callable[[Machine, str], float]] = {
    "power ": lambda machine, name: _node(machine, name).peak_power_w,
    "area ": lambda machine, name: _node(machine, name).area_m2,
    "product ": _product,
    "rate of ": _rate,
    "rate per mm2 of ": _rate_per_mm2,
    "rate per W of ": _rate_per_w,
    "energy ": _energy,
    "chips for ": _chips,
    "weights of ": lambda _, models: weights(models),
    "work of ": lambda _, models: printed(models),
    "time a position of ": lambda machine, model: steady(machine, model).time,
    "running power of ": _running_power,
    "running rate per W of ": _running_rate,
}


def summary(rows: list[Checked]) -> dict[str, Any]:
    """How many of each status; only predicted figures count as evidence."""
    predicted = [row for row in rows if row.basis == "predicted"]
    return {
        "pass": sum(row.status == "pass" for row in predicted),
        "miss": sum(row.status == "miss" for row in predicted),
        "contradiction": sum(row.status == "contradiction" for row in rows),
        "not_derivable": sum(row.status == "not_derivable" for row in rows),
        "calibrated_or_identity": len(rows) - len(predicted),
    }
