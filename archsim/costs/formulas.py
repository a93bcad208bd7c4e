"""Formulas by name: parameters, constants and printed points, all in SI units, to energy, area and leakage."""

from collections.abc import Mapping
from itertools import pairwise
from math import ceil, exp, log, log2, log10
from typing import Final

from archsim.costs.model import Bounds, Estimate, Figure, Formula, OutsideError, Table
from archsim.units import format_si

_PJ, _NM, _UM2 = 1e-12, 1e-9, 1e-12

Numbers = Mapping[str, float]


def survey(x: Numbers, k: Numbers, _: Table) -> Estimate:
    """Regression on published ADCs (Andrulis et al., 2024): x has bits, rate, node.

    The Schreier figure of merit is bounded by the rate and by the bits; with the signal-to-noise ratio of an ideal
    quantiser it gives an energy, which is then corrected for node and bits. The area follows from node, rate, energy.
    """
    bits, rate, node = x["bits"], log(x["rate"]), log(x["node"] / _NM)
    sndr = 20 * log10(2) * bits + 10 * log10(1.5)
    by_rate = k["foms_intercept"] + k["foms_per_ln_rate"] * rate
    by_bits = k["foms_most"] + k["foms_most_per_bit"] * ceil(bits)
    correction = k["energy_intercept"] + k["energy_per_ln_node"] * node + k["energy_per_ln_bits"] * log(bits)
    picojoules = 0.5 * 10 ** ((sndr - min(by_rate, by_bits)) / 10) * exp(correction + k["energy_residual"])
    area = k["area_intercept"] + k["area_per_ln_node"] * node + k["area_per_ln_rate"] * rate
    return Estimate(picojoules * _PJ, exp(area + k["area_per_ln_energy"] * log(picojoules)) * _UM2)


def zigzag_adc(x: Numbers, k: Numbers, _: Table) -> Estimate:
    """SAR converter under an array (Sun et al., 2023): x has bits, rate, rows, voltage.

    A conversion takes (k3 rows + k4) bits, which bounds the rate.
    """
    bits = x["bits"]
    fastest = 1 / ((k["delay_per_row"] * x["rows"] + k["delay"]) * bits)
    bounds = Bounds(most=Figure(format_si(fastest, "S/s"), fastest))
    if not bounds.hold(x["rate"]):
        raise OutsideError("rate", bounds)
    energy = (k["switched"] * bits + k["switched_per_level2"] * 4**bits) * x["voltage"] ** 2
    return Estimate(energy, 10 ** (k["area_exponent"] - k["area_exponent_per_bit"] * bits) * 2**bits * _UM2)


def zigzag_dac(x: Numbers, k: Numbers, _: Table) -> Estimate:
    """Driver of a row: x has bits, voltage."""
    return Estimate(k["switched"] * x["bits"] * x["voltage"] ** 2)


def zigzag_array(x: Numbers, k: Numbers, _: Table) -> Estimate:
    """Cells of an array, all in use, half of them switching: x has rows, cols, voltage."""
    return Estimate(0.5 * k["gate_capacitance"] * x["voltage"] ** 2 * x["rows"] * x["cols"])


def zigzag_shift_add(x: Numbers, k: Numbers, _: Table) -> Estimate:
    """A full adder and a flip-flop for each bit: x has bits, voltage."""
    gates = k["adder_gates"] + k["register_gates"]
    area = k["adder_area_gates"] + k["register_area_gates"]
    energy = gates * k["gate_capacitance"] * x["voltage"] ** 2
    return Estimate(x["bits"] * energy, x["bits"] * area * k["gate_area"])


def zigzag_adder(x: Numbers, k: Numbers, _: Table) -> Estimate:
    """Tree of adders for `inputs` values of `bits`, a wider one at each level; the energy is of one value taken in."""
    levels = ceil(log2(x["inputs"]))
    adders = sum((x["bits"] + n - 1) * x["inputs"] / 2**n for n in range(1, levels + 1))
    energy = k["adder_gates"] * k["gate_capacitance"] * x["voltage"] ** 2
    return Estimate(adders * energy / x["inputs"], adders * k["adder_area_gates"] * k["gate_area"])


def table(x: Numbers, k: Numbers, printed: Table) -> Estimate:
    """Printed points, a power law between neighbours; a word's energy is in proportion to its bits.

    k may have `width`, of the words that were printed, and x then has the part's.
    """
    words = x["width"] / k["width"] if "width" in k else 1.0
    area, leakage = (_between(printed, what, x[printed.along]) for what in ("area", "leakage"))
    energy = _between(printed, "energy", x[printed.along])
    return Estimate((energy or 0.0) * words, area, leakage)


def per_bit(x: Numbers, k: Numbers, _: Table) -> Estimate:
    """So much for each bit of a word: x has width, and length (of a wire) where the constants are per metre."""
    bits = x["width"]
    energy = k["energy_per_bit"] if "energy_per_bit" in k else k["energy_per_bit_mm"] * x["length"] / k["mm"]
    area = k["area"] if "area" in k else k["area_per_bit"] * bits if "area_per_bit" in k else None
    return Estimate(energy * bits, area, k["leakage_per_bit"] * bits if "leakage_per_bit" in k else None)


def _between(printed: Table, what: str, value: float) -> float | None:
    """A figure of the table at a value of its parameter; None where it is not printed."""
    if what not in printed.points[0]:
        return None
    for low, high in pairwise(printed.points):
        left, right = low[printed.along], high[printed.along]
        if left < value < right:
            share = log(value / left) / log(right / left)
            return float(low[what] * (high[what] / low[what]) ** share)
    return min(printed.points, key=lambda point: abs(point[printed.along] - value))[what]


FORMULAS: Final[Mapping[str, Formula]] = {
    formula.__name__: formula
    for formula in (survey, zigzag_adc, zigzag_dac, zigzag_array, zigzag_shift_add, zigzag_adder, table, per_bit)
}
"""The names that files in `hw_configs/costs` use."""
