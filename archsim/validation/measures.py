"""Measures of a machine before any run: power, area and rates, and its product of a matrix and a vector.

`power MODULE`, `area MODULE`, `product latency|inside|interval|energy|rate per W` (of one block), `rate of MODULE`,
`rate per mm2 of MODULE`, `rate per W of MODULE`, `energy PART.ACTION`, `time PART.ACTION`, `chips for MODEL`,
`tiles for MODEL`, `arrays for MODEL`, `weights of MODEL`, `time a position of MODEL`, `running power of MODEL`,
`running rate per W of MODEL`, `work of MODEL in TIME at POWER` (which are printed); some layers of a model are
`MODEL/LAYER, LAYER`.
"""

from collections.abc import Callable, Iterator, Mapping

from archsim.description import Node, describe
from archsim.errors import ArchsimError, did_you_mean
from archsim.graph import load_model
from archsim.graph.job import Job
from archsim.machine.fits import layout
from archsim.machine.machine import Machine
from archsim.mapping.mapping import Mapping as Placement
from archsim.mapping.placement import place
from archsim.parts.base import Cost
from archsim.units import JOULES_PER_ZJ, SECONDS_PER_PS
from archsim.validation.models import printed, steady, weights


def of_machine(machine: Machine, measure: str) -> float:
    """The value in SI units; raises ArchsimError for a measure that there is not."""
    for prefix, of in sorted(_MEASURES.items(), key=lambda of: -len(of[0])):
        if measure.startswith(prefix):
            return of(machine, measure.removeprefix(prefix).strip())
    raise ArchsimError(f"measure: found '{measure}'. {did_you_mean(measure, [prefix.strip() for prefix in _MEASURES])}")


_NODES: dict[str, Mapping[str, Node]] = {}
_PLACED: dict[tuple[str, str], Placement] = {}
"""By the machine's digest, what many measures share."""


def _nodes(machine: Machine) -> Mapping[str, Node]:
    def walk(node: Node) -> Iterator[Node]:
        yield node
        for child in node.children:
            yield from walk(child)

    if machine.digest not in _NODES:
        _NODES[machine.digest] = {node.name: node for node in walk(describe(machine).root)}
    return _NODES[machine.digest]


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


def _cost(machine: Machine, name: str) -> Cost:
    part, _, action = name.partition(".")
    if part not in machine.parts or action not in machine.parts[part].actions:
        raise ArchsimError(f"measure: no such action: '{name}'; expected PART.ACTION")
    return machine.parts[part].cost(action)


def _running_power(machine: Machine, model: str) -> float:
    found = steady(machine, model)
    return found.energy / found.time


def _running_rate(machine: Machine, model: str) -> float:
    found = steady(machine, model)
    return found.operations / found.energy


def _chips(machine: Machine, model: str) -> float:
    return float(_placed(machine, model).chips)


def _tiles(machine: Machine, model: str) -> float:
    """Tiles that hold weights."""
    runs = [run for each in _placed(machine, model).placed.values() for run in each.runs]
    return float(len({(chip, first + at) for chip, first, number in runs for at in range(number)}))


def _arrays(machine: Machine, model: str) -> float:
    """Crossbar arrays that hold weights."""
    tilings = [each.tiling for each in _placed(machine, model).placed.values()]
    return float(sum(each.blocks * each.copies * each.layout.arrays_per_block for each in tilings))


def _placed(machine: Machine, model: str) -> Placement:
    key = machine.digest, model
    if key not in _PLACED:
        _PLACED[key] = place(machine, load_model(model), Job(seq=128))
    return _PLACED[key]


_MEASURES: dict[str, Callable[[Machine, str], float]] = {
    "power ": lambda machine, name: _node(machine, name).peak_power_w,
    "area ": lambda machine, name: _node(machine, name).area_m2,
    "product ": _product,
    "rate of ": _rate,
    "rate per mm2 of ": _rate_per_mm2,
    "rate per W of ": _rate_per_w,
    "energy ": lambda machine, name: _cost(machine, name).energy * JOULES_PER_ZJ,
    "time ": lambda machine, name: float(_cost(machine, name).latency) * SECONDS_PER_PS,
    "chips for ": _chips,
    "tiles for ": _tiles,
    "arrays for ": _arrays,
    "weights of ": lambda _, models: weights(models),
    "work of ": lambda _, models: printed(models),
    "time a position of ": lambda machine, model: steady(machine, model).time,
    "running power of ": _running_power,
    "running rate per W of ": _running_rate,
}
