"""Measures of a machine before any run: power, area and rates, and its product of a matrix and a vector.

`power MODULE`, `area MODULE`, `product latency|inside|interval|energy` (of one block of weights), `rate of MODULE`,
`rate per mm2 of MODULE`, `rate per W of MODULE`, `energy PART.ACTION`, `chips for MODEL`.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from archsim.description import Node, describe
from archsim.errors import ArchsimError, did_you_mean
from archsim.graph import load_model
from archsim.graph.job import Job
from archsim.machine import load_machine
from archsim.machine.fits import layout
from archsim.machine.machine import Machine
from archsim.mapping.placement import place
from archsim.units import JOULES_PER_ZJ


def of_machine(machine: Machine, measure: str) -> float:
    """The value in SI units; raises ArchsimError for a measure that there is not."""
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
    if speed is None or what not in (*known, "energy"):
        raise ArchsimError(f"measure: found product '{what}'. {did_you_mean(what, (*known, 'energy'))}")
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
}
