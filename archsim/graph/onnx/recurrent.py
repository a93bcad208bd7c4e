"""ONNX's LSTM, GRU and RNN with weights: forward, backward, or both side by side."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import quoted
from archsim.graph.onnx.constants import Constant, Reader
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made
from archsim.graph.onnx.recurrent_bodies import GATES
from archsim.graph.recurrent import gru, lstm, rnn

_ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (0, 1, 2), "RNN": (0,)}
"""Places in the file of the gates in the order of the layer. A file has input, output, forget and cell of an LSTM."""


def recurrent(importer: Importer, node: FileNode) -> Made:
    """All hidden states [positions, directions, batch, hidden], the last ones, and the last cells.

    Weights are known, a state begins with zeros: all others are written out before.
    """
    kind, batch_first = node.operator, bool(node.whole("layout", 0))
    weights, again = importer.constant(node, 1, "weights"), importer.constant(node, 2, "recurrent weights")
    biases = importer.constant(node, 3, "biases") if node.input(3) else None
    sizes = importer.sizes(node.inputs[0])
    direction = node.word("direction", "forward")
    halves = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}.get(direction, ())
    hidden = again.shape[-1] if again.shape else 0
    expected = (len(halves), GATES[kind] * hidden)
    shapes = [each.shape for each in (weights, again, biases) if each is not None]
    wanted = [(*expected, *sizes[-1:]), (*expected, hidden), (len(halves), 2 * GATES[kind] * hidden)]
    if len(sizes) != 3 or shapes != wanted[: len(shapes)] or node.whole("hidden_size", hidden) != hidden:  # noqa: PLR2004
        found = (
            f"{list(sizes)} of {quoted(node.inputs[0])} and weights {' and '.join(str(list(each)) for each in shapes)}"
        )
        raise importer.refused(node, f"found {found} in direction {direction}, which do not fit")
    builder, x = importer.builder, importer.tensor(node.inputs[0])
    x = builder.transpose(x, (1, 0, 2)) if batch_first else x
    steps, batch = sizes[1::-1] if batch_first else sizes[:2]
    cells = any(name in importer.file.readers or name in importer.file.outputs for name in node.outputs[2:])
    states, lasts = [], []
    for half, backward in enumerate(halves):
        importer.begin(kind.lower())
        count = 0 if biases is None else 2
        if kind == "LSTM":
            made = lstm(builder, x, hidden, count, backward=backward, cells=cells)
        elif kind == "GRU":
            after = bool(node.whole("linear_before_reset", 0))
            made = gru(builder, x, hidden, count, backward=backward, reset_after=after)
        else:
            made = rnn(builder, x, hidden, count, backward=backward)
        _give_arrays(importer, node, half, weights, again, biases)
        states.append(builder.reshape(builder.slice(made, -1, 0, hidden), (steps, 1, batch, hidden)))
        lasts.append(builder.slice(made, 0, 0 if backward else steps - 1, 1))

    def joined(parts: list[str], at: int) -> str:
        return builder.concat(parts, at) if len(parts) > 1 else parts[0]

    def ended(begin: int) -> str:
        found = joined([builder.slice(last, -1, begin, hidden) for last in lasts], 0)
        return builder.transpose(found, (1, 0, 2)) if batch_first else found

    outputs = [joined(states, 1) if node.outputs[0] else ""]
    if batch_first and outputs[0]:
        outputs = [builder.transpose(outputs[0], (2, 0, 1, 3))]
    outputs += [ended(at * hidden) if name and (cells or not at) else "" for at, name in enumerate(node.outputs[1:])]
    return outputs


@dataclass(frozen=True)
class _Numbers:
    """Of a direction: gates in the order in which the layer has them."""

    half: int
    order: Sizes
    weights: Constant
    again: Constant
    biases: Constant | None

    def _ordered(self, x: NDArray[Any]) -> NDArray[Any]:
        gates = x.reshape(len(self.order), -1, *x.shape[1:])[list(self.order)]
        return gates.astype(np.float32)

    def both(self, begin: int, end: int) -> Reader:
        """Both matrices side by side, of some gates."""

        def read() -> NDArray[Any]:
            joined = np.concatenate([self.weights.read()[self.half], self.again.read()[self.half]], 1)
            return self._ordered(joined)[begin:end].reshape(-1, joined.shape[1])

        return read

    def one(self, constant: Constant) -> Reader:
        """The last gate of a matrix."""
        return lambda: self._ordered(constant.read()[self.half])[-1]

    def bias(self, begin: int, end: int, which: slice = slice(None)) -> Reader:
        """The two biases added, or one of them, of some gates."""

        def read() -> NDArray[Any]:
            assert self.biases is not None  # noqa: S101
            vectors = self.biases.read()[self.half].reshape(2, -1)[which].sum(axis=0)
            return self._ordered(vectors)[begin:end].reshape(-1)

        return read


def _give_arrays(
    importer: Importer, node: FileNode, half: int, weights: Constant, again: Constant, biases: Constant | None
) -> None:
    """The numbers of the layer's matrices and biases."""
    layer = importer.builder.layer
    numbers = _Numbers(half, _ORDERS[node.operator], weights, again, biases)
    every = len(numbers.order)
    parts: dict[str, tuple[Reader, Reader]] = {"product": (numbers.both(0, every), numbers.bias(0, every))}
    if node.operator == "GRU":
        parts = {"product": (numbers.both(0, 2), numbers.bias(0, 2))}
        if node.whole("linear_before_reset", 0):
            parts["input product"] = numbers.one(weights), numbers.bias(2, 3, slice(0, 1))
            parts["state product"] = numbers.one(again), numbers.bias(2, 3, slice(1, 2))
        else:
            parts["candidate product"] = numbers.both(2, 3), numbers.bias(2, 3)
    for name, (matrix, vector) in parts.items():
        importer.arrays[f"{layer}/{name}.weight"] = matrix
        if biases is not None:
            importer.arrays[f"{layer}/{name}.bias"] = vector
