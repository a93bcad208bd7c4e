"""Bits of each projection: its weights' say how many slices it takes, its inputs' how often its arrays are read.

What is moved to a projection has its inputs' bits; results, and what is moved between digital units, the machine's.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping as Dict
from dataclasses import dataclass

from archsim.core.timing import Timer
from archsim.errors import ArchsimError, Fault, UsageError, did_you_mean
from archsim.graph.graph import Graph
from archsim.graph.operators import Linear, Product
from archsim.graph.weights import Stored
from archsim.machine.fits import layout
from archsim.machine.machine import Machine
from archsim.mapping.digital import digitised
from archsim.mapping.named import named
from archsim.mapping.tiling import Tiling, tile_with_room

_UNIFORM = re.compile(r"w(?P<weights>[1-9]\d?)a(?P<inputs>[1-9]\d?)")


@dataclass(frozen=True, slots=True)
class Bits:
    """Of a projection's weights and inputs."""

    weights: int
    inputs: int

    def __str__(self) -> str:
        """As `--bits` takes them: w6a5."""
        return f"w{self.weights}a{self.inputs}"


def bits_of(machine: Machine, graph: Graph) -> dict[str, Bits]:
    """By projection the bits that the machine's file names for it, else for its layer, else its model's, else its own.

    Digital units compute with the machine's own, so that names of their projections change nothing.

    Raises ArchsimError for a name that the model does not have.
    """
    known = [name for each in _projections(graph) for name in (each.key, each.layer)]
    for name in machine.choices.bits:
        place = machine.document.key_place(("mapping", "bits", name))
        if name not in known and (name in graph.by_key or name in graph.by_layer):
            raise ArchsimError(Fault(f"mapping.bits.{name}: has no weights, so no bits of them", place))
        if name not in known:
            message = f"mapping.bits.{name}: {graph.name} has no such projection. {did_you_mean(name, known)}"
            raise ArchsimError(Fault(message, place))
    own = own_bits(machine)
    return {
        linear.key: bits_named(machine, linear.key, graph.stored.get(linear.key)) or own for linear in graph.linears
    }


def own_bits(machine: Machine) -> Bits:
    """Of projections for which nobody says others."""
    return Bits(int(machine.precision.weights), int(machine.precision.inputs))


def _projections(graph: Graph) -> list[Linear]:
    """All, of arrays and of digital units; of a split one the digital part has its name too."""
    products = [each.linear for each in graph.operators if isinstance(each, Product)]
    return [*graph.linears, *products]


def bits_named(machine: Machine, key: str, stored: Stored | None = None) -> Bits | None:
    """Of a projection by its key; None where neither the machine's file nor the model's names any.

    What one name leaves out another may say, then the model's file (`stored`), of which no more are taken than the
    machine has.
    """
    given, own, stored = named(machine.choices.bits, key), own_bits(machine), stored or Stored()
    if not given and stored == Stored():
        return None
    held = min(stored.weights or own.weights, own.weights), min(stored.inputs or own.inputs, own.inputs)
    weights = next((each.weights for each in given if each.weights is not None), held[0])
    inputs = next((each.inputs for each in given if each.inputs is not None), held[1])
    return Bits(int(weights), int(inputs))


def remarks_on_bits(machine: Machine, graph: Graph) -> list[str]:
    """What the model's file says of bits, and whether they are those that its projections have."""
    found = bits_of(machine, graph)
    said = Counter[str]()
    fewer = Counter[str]()
    for key, stored in graph.stored.items():
        if key not in found:
            continue
        pairs = (("weights", stored.weights, found[key].weights), ("inputs", stored.inputs, found[key].inputs))
        for what, wanted, taken in pairs:
            if wanted is not None:
                said[f"{wanted} b of {what}"] += wanted == taken
                fewer[f"{taken} b of {what} for {wanted} b"] += wanted != taken
    listed, others = (
        [
            f"{what} ({number} {'projection' if number == 1 else 'projections'})"
            for what, number in each.items()
            if number
        ]
        for each in (said, fewer)
    )
    notes = [f"bits as the model's file has them: {', '.join(listed)}"] if listed else []
    return [*notes, *([f"bits other than the model's file has: {', '.join(others)}"] if others else [])]


def uniform(machine: Machine, graph: Graph, text: str) -> dict[str, Bits]:
    """`w6a5` as bits of weights and inputs of all projections; raises UsageError for other texts."""
    found = _UNIFORM.fullmatch(text)
    if found is None:
        raise UsageError(f"bits: found '{text}'; expected bits of weights and inputs, such as w6a5")
    bits = Bits(int(found["weights"]), int(found["inputs"]))
    return {linear.key: bits for linear in digitised(machine, graph).linears}


def as_setting(bits: Dict[str, Bits]) -> str:
    """As `--set` and `change` take it."""
    found = {key: {"weights": f"{each.weights} b", "inputs": f"{each.inputs} b"} for key, each in bits.items()}
    return f"mapping.bits={json.dumps(found)}"


class Cutter:
    """Tilings of a machine's projections; those of one shape and of as many bits are cut once."""

    def __init__(self, machine: Machine, timer: Timer) -> None:
        self._machine, self._timer = machine, timer
        self._cores = int(machine.count(machine.core, machine.tile))
        self._found: dict[tuple[int, int, int, Bits], Tiling] = {}

    def tiling(self, linear: Linear, bits: Bits) -> Tiling:
        """Raises ArchsimError where not even one core has room for its results."""
        key = linear.in_features, linear.out_features, linear.groups, bits
        if key not in self._found:
            machine = self._machine
            own = own_bits(machine)
            if bits.weights > own.weights or bits.inputs > own.inputs:
                raise ArchsimError(f"{linear.key}: found {bits}; expected at most {own}, what {machine.name} has")
            lay = layout(machine.modules[machine.core], machine.parts, machine.precision, bits.weights)
            inputs = None if bits.inputs == machine.precision.inputs else bits.inputs
            path = self._timer.path(inputs=inputs)
            self._found[key] = tile_with_room(linear, lay, self._cores, path, inputs)
        return self._found[key]


def tilings_of(machine: Machine, graph: Graph) -> dict[str, Tiling]:
    """Of every projection."""
    cutter, bits = Cutter(machine, Timer(machine)), bits_of(machine, graph)
    return {linear.key: cutter.tiling(linear, bits[linear.key]) for linear in graph.linears}
