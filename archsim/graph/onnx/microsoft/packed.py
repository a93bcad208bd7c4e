"""Weights of a few bits that lie in bytes, side by side in blocks with a scale each: MatMulNBits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import quoted
from archsim.graph.onnx.constants import Constant
from archsim.graph.onnx.writing import Writing

_BITS = (2, 4, 8)
_BYTE = 8
_SMALLEST = 16


def unpacked(writing: Writing) -> str:
    """The weights (inputs, outputs) as a tensor that is worked out when it is read. Raises ArchsimError."""
    node = writing.node
    inputs, outputs, size = (node.whole(name, 0) for name in ("K", "N", "block_size"))
    bits = node.whole("bits", 4)
    if bits not in _BITS or size < _SMALLEST or size & (size - 1) or min(inputs, outputs) < 1:
        found = f"{bits} bits of {inputs} inputs and {outputs} outputs in blocks of {size}"
        raise writing.refused(f"found {found}; expected 2, 4 or 8 bits, and blocks of a power of 2 from {_SMALLEST} on")
    if node.input(4):
        raise writing.refused("its inputs are in groups by an index, g_idx; expected them in order")
    if node.whole("weight_prepacked", 0):
        raise writing.refused("its weights are packed for one kind of GPU; expected weight_prepacked 0")
    blocks, held = -(-inputs // size), size * bits // _BYTE
    packed = _constant(writing, 1, "weights", [(outputs, blocks, held)])
    scales = _constant(writing, 2, "scales", [(outputs, blocks), (outputs * blocks,)])
    row = -(-blocks * bits // _BYTE)
    zeros = None
    if node.input(3):
        forms = [(outputs, row), (outputs * row,), (outputs, blocks), (outputs * blocks,)]
        zeros = _constant(writing, 3, "zero points", forms)
        if zeros.numbers != outputs * (row if zeros.whole else blocks):
            expected = "bytes" if zeros.whole else "numbers"
            raise writing.refused(f"found {zeros.numbers} zero points; expected {outputs} x {row} {expected}")

    def read() -> NDArray[Any]:
        codes = digits(packed.read().reshape(outputs, blocks, held), bits).astype(np.float32)
        if zeros is None:
            codes -= 1 << (bits - 1)
        elif zeros.whole:
            codes -= digits(zeros.read().reshape(outputs, row), bits)[:, :blocks, None]
        else:
            codes -= zeros.read().reshape(outputs, blocks, 1).astype(np.float32)
        codes *= scales.read().reshape(outputs, blocks, 1).astype(np.float32)
        return np.ascontiguousarray(codes.reshape(outputs, -1)[:, :inputs].T)

    return writing.later((inputs, outputs), read, bits)


def _constant(writing: Writing, at: int, what: str, shapes: Sequence[tuple[int, ...]]) -> Constant:
    """An input that is known before the run, in one of these shapes."""
    name = writing.node.input(at)
    found = writing.constants.get(name) if name in writing.file.constant else None
    if found is None:
        raise writing.refused(f"its {what} {quoted(name)} are made at run time; expected a constant")
    if found.shape not in shapes:
        raise writing.refused(f"found {what} {list(found.shape)}; expected {list(shapes[0])}")
    return found


def digits(packed: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Numbers of so many bits that lie in bytes of the last dimension, the lowest bits first."""
    shifts = np.arange(0, _BYTE, bits, dtype=np.uint8)
    found = (packed[..., None] >> shifts) & np.uint8((1 << bits) - 1)
    return found.reshape(*packed.shape[:-1], -1)
