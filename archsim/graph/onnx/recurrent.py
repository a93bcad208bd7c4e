"""ONNX's LSTM: forward, backward, or both side by side."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import quoted
from archsim.graph.onnx.constants import Constant
from archsim.graph.onnx.file import FileNode
from archsim.graph.onnx.importer import Importer, Made
from archsim.graph.recurrent import GATES, lstm

_GATES = (0, 2, 3, 1)
"""Places in the file, which has input, output, forget and cell, of the gates in the order of the layer."""
_LENGTHS, _FIRST_HIDDEN, _FIRST_CELL, _PEEPHOLES = 4, 5, 6, 7
"""Places among the inputs, after data, weights, recurrent weights and biases."""
_ACTIVATIONS = ["sigmoid", "tanh", "tanh"]


def recurrent(importer: Importer, node: FileNode) -> Made:
    """All hidden states [positions, directions, batch, hidden], the last ones, and the last cells.

    Raises ArchsimError for what is not known of it.
    """
    batch_first = bool(node.whole("layout", 0))
    weights, again = importer.constant(node, 1, "weights"), importer.constant(node, 2, "recurrent weights")
    biases = importer.constant(node, 3, "biases") if node.input(3) else None
    sizes = importer.sizes(node.inputs[0])
    direction = node.word("direction", "forward")
    halves = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}.get(direction, ())
    hidden = again.shape[-1] if again.shape else 0
    expected = (len(halves), GATES * hidden)
    shapes = [each.shape for each in (weights, again, biases) if each is not None]
    wanted = [(*expected, *sizes[-1:]), (*expected, hidden), (len(halves), 2 * GATES * hidden)]
    if len(sizes) != 3 or shapes != wanted[: len(shapes)] or node.whole("hidden_size", hidden) != hidden:  # noqa: PLR2004
        found = (
            f"{list(sizes)} of {quoted(node.inputs[0])} and weights {' and '.join(str(list(each)) for each in shapes)}"
        )
        raise importer.refused(node, f"found {found} in direction {direction}, which do not fit")
    builder, x = importer.builder, importer.tensor(node.inputs[0])
    x = builder.transpose(x, (1, 0, 2)) if batch_first else x
    steps, batch = sizes[1::-1] if batch_first else sizes[:2]
    _require_plain(importer, node, steps)
    cells = any(name in importer.file.readers or name in importer.file.outputs for name in node.outputs[2:])
    states, lasts = [], []
    for half, backward in enumerate(halves):
        importer.begin("lstm")
        made = lstm(builder, x, hidden, 0 if biases is None else 2, backward=backward, cells=cells)
        _give_arrays(importer, half, weights, again, biases)
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


def _give_arrays(importer: Importer, half: int, weights: Constant, again: Constant, biases: Constant | None) -> None:
    """Both matrices side by side, the two biases added, gates in the order in which the layer has them."""

    def ordered(x: NDArray[Any]) -> NDArray[Any]:
        gates = x.reshape(GATES, -1, *x.shape[1:])[list(_GATES)]
        return gates.reshape(x.shape).astype(np.float32)

    key = f"{importer.builder.layer}/product"
    importer.arrays[f"{key}.weight"] = lambda: ordered(np.concatenate([weights.read()[half], again.read()[half]], 1))
    if biases is not None:
        importer.arrays[f"{key}.bias"] = lambda: ordered(biases.read()[half].reshape(2, -1).sum(axis=0))


def _require_plain(importer: Importer, node: FileNode, steps: int) -> None:
    words = [word.decode() if isinstance(word, bytes) else str(word) for word in node.attributes.get("activations", [])]
    usual = _ACTIVATIONS * (len(words) // len(_ACTIVATIONS))
    if [word.lower() for word in words] != usual or "clip" in node.attributes or node.whole("input_forget", 0):
        raise importer.refused(node, "has activations, a clip or coupled gates of its own; expected the usual ones")
    if node.input(_PEEPHOLES):
        raise importer.refused(node, "has peepholes, which archsim does not know")
    for at in (_FIRST_HIDDEN, _FIRST_CELL):
        if node.input(at) and importer.constant(node, at, "first state").read().any():
            raise importer.refused(node, "its first state is not zero; expected zeros")
    if node.input(_LENGTHS) and (importer.constant(node, _LENGTHS, "lengths").read() != steps).any():
        raise importer.refused(node, f"has sequences of different lengths; expected all of {steps}")
