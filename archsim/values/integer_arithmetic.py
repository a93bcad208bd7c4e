"""Projections in integers, with the bits, the cut and the sharing out to units that a machine's file says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archsim.mapping.bits import bits_named
from archsim.values.arithmetic import node_of
from archsim.values.digital import beside
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.ranges import InputRange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Stored
    from archsim.kernels.spec import ArraySpec
    from archsim.machine.machine import Machine
    from archsim.steps.arithmetic import Span
    from archsim.values.arithmetic import Product, Values


def coded(span: Span, bits: int) -> InputRange:
    """The range of codes of so many bits over what was seen; without a sign where no number was below 0."""
    top = InputRange(1.0, span.signed).top(bits)
    return InputRange(span.limit(top) or 1.0, span.signed)


class IntegerArithmetic(QuantisedArithmetic):
    """Products in arrays, or exact where no `spec` of them is given; all else in float32.

    Projections that digital units compute (`mapping.digital`) are exact in integers of the machine's precision; their
    weights are not cut off.
    """

    def __init__(
        self,
        machine: Machine,
        seed: int = 0,
        ranges: Mapping[str, InputRange] | None = None,
        spec: ArraySpec | None = None,
        read: Mapping[str, Span] | None = None,
    ) -> None:
        """Keep what is known beforehand.

        Parameters
        ----------
        machine
            Whose file says how.
        seed
            Of the errors of arrays.
        ranges
            Of codes of inputs of projections, by key.
        spec
            Of arrays; None: products are exact.
        read
            What inputs of projections reach, by key, where no range of codes is given: ranges fit their bits.
        """
        super().__init__(
            weight_bits=int(machine.precision.weights),
            input_bits=int(machine.precision.inputs),
            spec=spec,
            seed=seed,
            clip=None if machine.choices.clip is None else float(machine.choices.clip),
            ranges=dict(ranges or {}),
        )
        self.machine, self.read = machine, dict(read or {})
        self.stored: Mapping[str, Stored] = {}
        self.units = QuantisedArithmetic(self.weight_bits, self.input_bits, ranges=self.ranges)

    def begin(self, graph: Graph) -> None:
        """Projections of which the machine's file names no bits have those of the model's."""
        self.stored = graph.stored

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        """In arrays, with bits of its own where the file names some; some output channels in digital units."""
        own = bits_named(self.machine, node_of(key), self.stored.get(node_of(key)))
        if own is not None:
            self.bits[key] = own.weights, own.inputs
        if key in self.read and key not in self.ranges:
            self.ranges[key] = coded(self.read[key], self.input_bits if own is None else own.inputs)
        return beside(self.machine, key, weight, bias, super().linear, self.units.linear)
