"""Networks in integers, fast: the same inputs again and again, each time with other bits.

Products are those of `QuantisedArithmetic`, bit for bit: sums of whole numbers below 2^24 are exact in float32, and
those of longer products are done in float64. Only what comes after them is rounded in another order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.graph.nodes import Contraction
from archsim.kernels.draws import generator
from archsim.values.arithmetic import FloatArithmetic, Product, Values, node_of
from archsim.values.executor import Executor
from archsim.values.products import rows_of
from archsim.values.ranges import InputRange, fitted_range, top, weight_codes
from archsim.values.replay import Replay
from archsim.values.running import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archsim.graph.graph import Graph
    from archsim.values.ranges import Bits
    from archsim.values.running import Array

_EXACT = 1 << 24
"""Whole numbers up to it are exact in float32."""
_SAMPLES = 1 << 16
"""Inputs of a projection, drawn, by which its ranges are fitted."""


class _Codes(FloatArithmetic):
    """Products of whole numbers with bits that may change; all else in float32."""

    def __init__(self, ranges: Mapping[str, Mapping[int, InputRange]]) -> None:
        self.ranges, self.bits = ranges, dict[str, tuple[int, int]]()

    def inputs(self, key: str, x: Values) -> Values:
        """Codes, before windows are made of them: a window's padding is code 0."""
        bits = self.bits[key][1]
        span = self.ranges[key][bits]
        codes = np.divide(x, span.unit(bits), dtype=np.float32)
        np.rint(codes, out=codes)
        return np.clip(codes, span.low(bits), span.top(bits), out=codes)

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        """Sums of codes, scaled back."""
        held: dict[int, tuple[Values, Values]] = {}
        own = node_of(key)

        def product(codes: Values) -> Values:
            weight_bits, input_bits = self.bits[own]
            if weight_bits not in held:
                whole, scale = weight_codes(weight, weight_bits, fitted=True)
                held[weight_bits] = np.ascontiguousarray(whole.T), scale
            (weights, scale), span = held[weight_bits], self.ranges[own][input_bits]
            exact = len(weights) * top(weight_bits) * span.top(input_bits) < _EXACT
            kind = np.float32 if exact else np.float64
            sums = codes.astype(kind, copy=False) @ weights.astype(kind, copy=False)
            out = sums if exact else np.empty(sums.shape, np.float32)
            np.multiply(sums, span.unit(input_bits) * scale, out=out, casting="same_kind")
            if bias is not None:
                out += bias
            return out

        return product


class IntegerNetwork:
    """A network on a fixed set of inputs. Where only later products have other bits, earlier ones are not run again.

    Parameters
    ----------
    graph, arrays
        The network and its weights.
    inputs
        Of its only input, the batch first.
    ranges
        Of `input_ranges`.
    memory
        Bytes of tensors that are kept from run to run.
    """

    def __init__(
        self,
        graph: Graph,
        arrays: Mapping[str, Array],
        inputs: Values,
        ranges: Mapping[str, Mapping[int, InputRange]],
        *,
        memory: int = 2 << 30,
    ) -> None:
        self._arithmetic = _Codes(ranges)
        executor, keys = Executor(graph, arrays, self._arithmetic), [linear.key for linear in graph.linears]
        self._replay = Replay(executor, {graph.inputs[0].name: inputs}, graph.outputs[0], keys, memory=memory)
        self._seen: dict[str, tuple[int, int]] = {}

    def logits(self, bits: Bits) -> Values:
        """(batch, values). bits: of every projection."""
        self._arithmetic.bits = dict(bits)
        changed = [key for key in bits if bits[key] != self._seen.get(key)]
        found = self._replay.run(changed, keep=True)
        self._seen = dict(bits)
        return found.reshape(len(found), -1)


def input_ranges(
    graph: Graph, arrays: Mapping[str, Array], inputs: Values, choices: Sequence[int]
) -> dict[str, dict[int, InputRange]]:
    """Ranges with the least squared error for each number of bits, by what some inputs bring to each product.

    Parameters
    ----------
    graph, arrays
        The network and its weights.
    inputs
        Of its only input, the batch first.
    choices
        Numbers of bits.
    """
    nodes = [node for node in graph.nodes if isinstance(node, Contraction) and node.stationary]
    executor = Executor(graph, arrays, FloatArithmetic())
    tensors = executor.run({graph.inputs[0].name: inputs}, also=[node.inputs[0] for node in nodes])
    found: dict[str, dict[int, InputRange]] = {}
    for node in nodes:
        rows = rows_of(node, tensors[node.inputs[0]], node.summed, Run(executor.arithmetic))
        drawn = generator(0, node.key, "samples of inputs").integers(0, rows.size, min(rows.size, _SAMPLES))
        samples = rows[np.unravel_index(drawn, rows.shape)]  # in equal strides they would be of few columns
        signed = bool(tensors[node.inputs[0]].min(initial=0) < 0)
        found[node.key] = {bits: fitted_range(samples, bits, signed=signed) for bits in choices}
    return found
