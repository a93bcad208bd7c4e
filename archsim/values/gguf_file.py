"""Tensors of GGUF files: floats, or whole numbers in blocks that have a scale."""

from functools import partial
from math import prod
from pathlib import Path

from archsim.errors import ArchsimError, UsageError
from archsim.graph.gguf_header import GgufHeader, Tensor
from archsim.values.stored import Numbers, Stored, at, floats

_FLOATS = {0: "<f4", 1: "<f2", 30: "bf16"}
_BYTES = {"<f4": 4, "<f2": 2, "bf16": 2}
_BLOCK = 32
"""Numbers."""
_BLOCKS = {2: 18, 3: 20, 8: 34}
"""Bytes of a block, by the number of its type: Q4_0, Q4_1, Q8_0."""


def tensors_of(header: GgufHeader) -> dict[str, Stored]:
    """All tensors, of which none is read so far. Raises ArchsimError for those that the file is too short for."""
    return {name: _stored(header, name, tensor) for name, tensor in header.tensors.items()}


def _stored(header: GgufHeader, name: str, tensor: Tensor) -> Stored:
    path, count = header.path, prod(tensor.shape)
    if tensor.kind in _FLOATS:
        size = count * _BYTES[_FLOATS[tensor.kind]]
        numbers = partial(floats, path, tensor.offset, _FLOATS[tensor.kind], tensor.shape)
    else:
        size = count // _BLOCK * _BLOCKS.get(tensor.kind, 0)
        numbers = partial(_blocks, path, name, tensor)
    end = tensor.offset + size
    if end > path.stat().st_size:
        raise ArchsimError(f"{path}: ends after {path.stat().st_size:,} bytes; {name} would end at {end:,}")
    return Stored(path, name, tensor.shape, numbers)


def _blocks(path: Path, name: str, tensor: Tensor) -> Numbers:
    try:
        from gguf import GGMLQuantizationType
        from gguf.quants import dequantize
    except ImportError:
        raise UsageError("GGUF files need the gguf package: pip install 'archsim[gguf]'") from None
    if tensor.kind not in _BLOCKS:
        known = {int(kind): kind.name for kind in GGMLQuantizationType}
        expected = ", ".join(known[kind] for kind in (*_FLOATS, *_BLOCKS))
        raise ArchsimError(f"{path}: {name} is of type {known.get(tensor.kind, tensor.kind)}; expected {expected}")
    *outer, last = tensor.shape or (1,)
    if last % _BLOCK:
        raise ArchsimError(f"{path}: {name} has rows of {last:,} numbers; expected a multiple of {_BLOCK}")
    raw = at(path, tensor.offset, "u1", (*outer, last // _BLOCK * _BLOCKS[tensor.kind]))
    numbers: Numbers = dequantize(raw, GGMLQuantizationType(tensor.kind))
    return numbers
