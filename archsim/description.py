"""A machine as a tree of what it is made of, with areas, peak power and the speed of its cores."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from archsim.core.load import full_core
from archsim.core.timing import Timer
from archsim.errors import ArchsimError
from archsim.machine.bibliography import cited
from archsim.machine.fits import layout
from archsim.machine.machine import Machine
from archsim.machine.schema import Choices
from archsim.parts.base import UNKNOWN
from archsim.units import JOULES_PER_ZJ, M2_PER_UM2, SECONDS_PER_PS, WATTS_PER_NW


@dataclass(frozen=True, slots=True)
class Parameter:
    """A figure of a part: as written, or derived (then `text` says how)."""

    key: str
    text: str
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class Speed:
    """Of a core: one MVM from the tile's memory and back, its interval, its time inside the core, peak rate, energy."""

    mvm_latency_s: float
    mvm_interval_s: float
    core_latency_s: float
    peak_ops_per_s: float
    mvm_energy_j: float


@dataclass(frozen=True, slots=True)
class Node:
    """A module or part: `count` in its parent (1/4 where four share one), `total` in the outermost module.

    Area in m2 and peak power in W are those of one.
    """

    path: str
    name: str
    count: Fraction
    total: Fraction
    area_m2: float
    peak_power_w: float
    part_class: str | None
    parameters: tuple[Parameter, ...]
    speed: Speed | None
    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Description:
    """A machine's tree and what it rests on. mapping: choices of how models are put on it, but for the usual ones."""

    machine: str
    text: str
    root: Node
    mapping: Mapping[str, Any]
    sources: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def describe(machine: Machine) -> Description:
    """Describe a machine; nothing is run but one MVM."""
    notes = remarks(machine)
    try:
        speed = _speed(machine)
    except ArchsimError as error:
        speed = None
        notes += (f"a core in full use cannot work: {error}",)
    root = _node(machine, speed, machine.root, "", Fraction(1), Fraction(1))
    made = chosen(machine.choices)
    named = [f"mapping.{name}" for name, value in made.items() if isinstance(value, dict)]
    if named:
        notes += (f"names in {', '.join(named)} are of a model's projections: they are checked when one is run",)
    return Description(machine.name, machine.description, root, made, cited(machine.provenance), notes)


def chosen(choices: Choices) -> dict[str, Any]:
    """JSON-ready choices that differ from the usual ones: words and numbers, or by name shares, copies or bits."""
    usual = Choices()
    found: dict[str, Any] = {
        name: getattr(choices, name)
        for name in ("replicate", "order", "pack")
        if getattr(choices, name) != getattr(usual, name)
    }
    if choices.clip is not None:
        found["clip"] = float(choices.clip)
    if choices.digital:
        found["digital"] = {name: float(share) for name, share in choices.digital.items()}
    if choices.copies:
        found["copies"] = dict(choices.copies)
    if choices.bits:
        found["bits"] = {
            name: {kind: int(bits) for kind in ("weights", "inputs") if (bits := getattr(given, kind)) is not None}
            for name, given in choices.bits.items()
        }
    return found


def remarks(machine: Machine) -> tuple[str, ...]:
    """What a reader of any figure of this machine should know."""
    figures = [origin for loc, origin in machine.provenance.items() if loc[0] == "parts" and loc[-1] != "class"]
    assumed = sum(origin.status == "assumed" for origin in figures)
    found = (
        [f"{assumed} of {len(figures)} figures of parts are assumed; archsim describe marks them"] if assumed else []
    )
    unknown = sum(origin.source is None or origin.status is None for origin in figures)
    if unknown:
        found.append(f"{unknown} of {len(figures)} figures of parts have no source or status")
    computed = dict.fromkeys(loc[1] for loc, origin in machine.provenance.items() if origin.place is not None)
    if computed:
        found.append(f"costs of {', '.join(map(str, computed))} are computed by models; archsim describe says how")
    used = sorted({name for _, name, _ in machine.walk()})
    without_area = [name for name in used if machine.parts[name].area is None]
    if without_area:
        found.append(f"no area is given for {', '.join(without_area)}: counted as 0")
    free = [
        f"{name}.{action}"
        for name in used
        for action in machine.parts[name].actions
        if machine.parts[name].cost(action).derivation == UNKNOWN
    ]
    if free:
        found.append(f"neither power nor energy is given for {', '.join(free)}: counted as 0")
    return tuple(found)


def peak(machine: Machine) -> tuple[float, float, float]:
    """With all cores at work: operations a second, the same for each watt and mm2 of the outermost module."""
    rate = _speed(machine).peak_ops_per_s * float(machine.count(machine.core))
    power = float(machine.peak_power(machine.root)) * WATTS_PER_NW
    area = float(machine.area(machine.root)) * M2_PER_UM2 * 1e6
    return rate, rate / power if power else 0.0, rate / area if area else 0.0


def _node(machine: Machine, speed: Speed | None, name: str, above: str, count: Fraction, total: Fraction) -> Node:
    path = f"{above}.{name}" if above else name
    members = machine.modules[name].members if name in machine.modules else {}
    return Node(
        path=path,
        name=name,
        count=count,
        total=total,
        area_m2=float(machine.area(name)) * M2_PER_UM2,
        peak_power_w=float(machine.peak_power(name)) * WATTS_PER_NW,
        part_class=type(machine.parts[name]).__name__ if name in machine.parts else None,
        parameters=_parameters(machine, name) if name in machine.parts else (),
        speed=speed if name == machine.core else None,
        children=tuple(_node(machine, speed, inner, path, n, total * n) for inner, n in members.items()),
    )


def _parameters(machine: Machine, name: str) -> tuple[Parameter, ...]:
    given = [
        Parameter(".".join(map(str, loc[2:])), origin.text, origin.status or "", origin.source or "")
        for loc, origin in machine.provenance.items()
        if loc[:2] == ("parts", name) and loc[2:] != ("class",)
    ]
    part = machine.parts[name]
    for action in part.actions:
        cost = part.cost(action)
        text = f"{cost.energy * JOULES_PER_ZJ * 1e12:.6g} pJ = {cost.derivation}"
        if cost.derivation != "given" and text not in [figure.text for figure in given]:
            given.append(Parameter(f"{action}.energy", text, "derived", ""))
    return tuple(given)


def _speed(machine: Machine) -> Speed:
    lay = layout(machine.modules[machine.core], machine.parts, machine.precision)
    load, timer = full_core(lay), Timer(machine)
    through, inside = timer.time(load), timer.time(load, with_tile=False)
    macs = load.inputs.total * lay.outputs_per_block
    energies = {
        f"{m}.{p}.{a}": machine.parts[p].cost(a).energy for m, p, _ in machine.walk() for a in machine.parts[p].actions
    }
    spent = sum(energies[action] * number for action, number in inside.counts.items())
    return Speed(
        mvm_latency_s=through.latency * SECONDS_PER_PS,
        mvm_interval_s=through.interval * SECONDS_PER_PS,
        core_latency_s=inside.latency * SECONDS_PER_PS,
        peak_ops_per_s=2 * macs / (through.interval * SECONDS_PER_PS),
        mvm_energy_j=spent * JOULES_PER_ZJ,
    )
