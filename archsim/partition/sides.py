"""The two sides that projections are shared out to: what arrays and digital units can do, by the machine's file."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archsim.description import describe
from archsim.machine.fits import layout
from archsim.mapping.digital import DENSE
from archsim.units import JOULES_PER_ZJ, SECONDS_PER_PS
from archsim.values.arrays import array_spec

if TYPE_CHECKING:
    from archsim.description import Node, Speed
    from archsim.machine.machine import Machine


def sides(machine: Machine) -> dict[str, dict[str, Any]]:
    """Of `arrays` and `digital`: operations a second of one chip in full use, joules a multiply-accumulate; and errors.

    Digital energy has the reading of weights from their memory in it. Raises ArchsimError.
    """
    return {"arrays": _arrays(machine), "digital": _digital(machine)}


def _arrays(machine: Machine) -> dict[str, Any]:
    spec = array_spec(machine)
    lay = layout(machine.modules[machine.core], machine.parts, machine.precision)
    speed = _speed(describe(machine).root)
    cells, errors = lay.crossbar.rows * lay.outputs_per_block * lay.blocks, spec.non_ideal
    return {
        "rows": lay.crossbar.rows,
        "outputs": lay.outputs_per_block,
        "weight_bits": spec.weight_bits,
        "input_bits": spec.input_bits,
        "converter_bits": spec.adc.bits,
        "clip": None if machine.choices.clip is None else float(machine.choices.clip),
        "programming": {"model": errors.programming.model, "sigma": errors.programming.sigma},
        "read": errors.read,
        "drift_s": errors.drift.time_s,
        "ops_per_s": speed.peak_ops_per_s * float(machine.count(machine.core)) if speed else None,
        "energy_per_mac_j": speed.mvm_energy_j / cells if speed else None,
    }


def _speed(node: Node) -> Speed | None:
    return node.speed or next(filter(None, map(_speed, node.children)), None)


def _digital(machine: Machine) -> dict[str, Any]:
    name = next(step.by for step in machine.recipes[DENSE])
    unit, memory = machine.parts[name], machine.parts[str(machine.digital_weights)]
    step = next(step.function for step in machine.recipes[DENSE])
    cost = unit.cost(unit.steps[step])
    word = int(getattr(memory, "width"))  # noqa: B009 (every memory has one)
    reading = memory.cost("read")
    paces = (  # products a picosecond that units make, and that weights come for
        unit.parallel * machine.count(name) / cost.interval,
        machine.count(str(machine.digital_weights)) * Fraction(word, int(machine.precision.weights)) / reading.interval,
    )
    return {
        "unit": name,
        "weights_in": machine.digital_weights,
        "weight_bits": int(machine.precision.weights),
        "room_bits": int(getattr(memory, "size", 0) * machine.count(str(machine.digital_weights))),
        "ops_per_s": 2 * float(min(paces)) / SECONDS_PER_PS,
        "energy_per_mac_j": (cost.energy + reading.energy * int(machine.precision.weights) / word) * JOULES_PER_ZJ,
    }
