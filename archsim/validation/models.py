"""What validation measures of models, or of some of their layers: weights, and time and energy in the steady state."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from archsim.errors import ArchsimError, did_you_mean
from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.machine.machine import Machine
from archsim.simulation import simulate
from archsim.units import UnitError, parse

SHORT, LONG = 128, 256
"""Positions of two runs whose difference is the steady state."""
_PRINTED = re.compile(r"(?P<models>.+) in (?P<time>[^ ]+ [^ ]+) at (?P<power>[^ ]+ [^ ]+)")
_PS_PER_S, _NW_PER_W = 1e12, 1e9


@dataclass(frozen=True)
class Steady:
    """Of one position of a long sequence: seconds, joules, operations."""

    time: float
    energy: float
    operations: float


def models(text: str) -> Iterator[Graph]:
    """`MODEL`, or `MODEL/LAYER, LAYER`: a model, or some layers of it; several with ` + ` between them."""
    for each in text.split(" + "):
        name, _, layers = each.strip().partition("/")
        graph = load_model(name)
        yield _some(graph, [layer.strip() for layer in layers.split(",")]) if layers else graph


def _some(graph: Graph, layers: list[str]) -> Graph:
    """Only these layers; what they take from others comes in from outside."""
    for layer in layers:
        if layer not in graph.layers:
            raise ArchsimError(f"measure: {graph.name} has no layer '{layer}'. {did_you_mean(layer, graph.layers)}")
    kept = [operator for operator in graph.operators if operator.layer in layers]
    keys = {operator.key for operator in kept}
    operators = (replace(each, inputs=tuple(edge for edge in each.inputs if edge.source in keys)) for each in kept)
    return replace(graph, operators=tuple(operators), feedback=None)


def weights(text: str) -> float:
    """Of all matrices."""
    return float(sum(linear.weights for graph in models(text) for linear in graph.linears))


def steady(machine: Machine, text: str) -> Steady:
    """A position more of a long sequence, on a machine that does nothing else."""
    graph, *others = models(text)
    if others:
        raise ArchsimError(f"measure: found {1 + len(others)} models; expected one, or some of its layers")
    runs = [simulate(machine, graph, seq=seq) for seq in (SHORT, LONG)]
    work = [2.0 * make_job(graph, "prefill", seq, 0, 1).macs(graph) for seq in (SHORT, LONG)]
    more = LONG - SHORT
    return Steady(
        time=(runs[1].latency_s - runs[0].latency_s) / more,
        energy=(runs[1].energy_j - runs[0].energy_j) / more,
        operations=(work[1] - work[0]) / more,
    )


def printed(text: str) -> float:
    """`MODELS in TIME at POWER`: operations a joule, two for every weight, where time and power are printed."""
    found = _PRINTED.fullmatch(text)
    if found is None:
        raise ArchsimError(f"measure: found '{text}'; expected MODELS in TIME at POWER, such as vgg-16 in 2 us at 1 W")
    try:
        seconds, watts = parse(found["time"], "time") / _PS_PER_S, parse(found["power"], "power") / _NW_PER_W
    except UnitError as error:
        raise ArchsimError(f"measure: {error}") from None
    return 2 * weights(found["models"]) / float(seconds * watts)
