"""llama2.c's checkpoints as models: the sizes in their header; weights are not read."""

import struct
from dataclasses import dataclass
from pathlib import Path

from archsim.errors import ArchsimError, Fault, Place
from archsim.machine.source import Data, Document, Loc, read

EXPECTED = "a checkpoint of llama2.c"
LONGEST_HEADER = 256
_MAGIC = 0x616B3432
_SHORT = 28
"""Bytes of a header of version 0: seven whole numbers."""
_GROUPED = 2
"""The one version with a magic number that is read here: int8 in groups."""
_MOST = 1 << 24


@dataclass(frozen=True, slots=True)
class Header:
    """Sizes, and where weights begin (bytes). tied: the head's weights are those of the token table.

    group: of how many weights a scale is, in version 2; None in version 0, whose weights are float32.
    """

    dim: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int
    positions: int
    tied: bool
    group: int | None
    begin: int


def read_header(path: Path, raw: bytes) -> Header:
    """The header of a file that begins with `raw`; raises ArchsimError where it is none."""
    if len(raw) >= LONGEST_HEADER and struct.unpack_from("<I", raw)[0] == _MAGIC:
        version = struct.unpack_from("<i", raw, 4)[0]
        if version != _GROUPED:
            raise ArchsimError(f"{path}: found a checkpoint of version {version}; expected 0 or 2")
        shared, group = struct.unpack_from("<Bi", raw, 36)
        return _header(path, struct.unpack_from("<7i", raw, 8), tied=bool(shared), group=group)
    if len(raw) < _SHORT:
        raise ArchsimError(f"{path}: found {len(raw)} bytes; expected {EXPECTED}")
    numbers = struct.unpack_from("<7i", raw)
    return _header(path, numbers, tied=numbers[5] > 0, group=None)


def _header(path: Path, numbers: tuple[int, ...], *, tied: bool, group: int | None) -> Header:
    dim, hidden, layers, heads, kv_heads, vocabulary, positions = numbers
    sizes = (dim, hidden, layers, heads, kv_heads, abs(vocabulary), positions)
    whole = all(0 < n < _MOST for n in sizes)
    if not whole or dim % heads or heads % kv_heads or (dim // heads) % 2:
        raise ArchsimError(f"{path}: its header says {list(numbers)}; expected {EXPECTED}")
    if group is not None and (not 0 < group < _MOST or dim % group or hidden % group):
        raise ArchsimError(f"{path}: found groups of {group}; expected a size that divides {dim} and {hidden}")
    return Header(*sizes, tied=tied, group=group, begin=_SHORT if group is None else LONGEST_HEADER)


def beginning(path: Path) -> bytes | None:
    """The first bytes of a binary file; None of one that may be text, or that cannot be read."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(LONGEST_HEADER)
    except OSError:
        return None
    return raw if b"\0" in raw else None


def from_checkpoint(path: Path, raw: bytes) -> Document:
    """A model file's data, for a binary file that begins with `raw`; raises ArchsimError where it is no checkpoint."""
    try:
        header = read_header(path, raw)
    except ArchsimError:
        if path.suffix != ".bin":
            _refuse(path)
        raise
    data: Data = {
        "schema": "archsim.model/1",
        "name": path.stem,
        "description": "a checkpoint of llama2.c",
        "architecture": "decoder",
        "layers": str(header.layers),
        "hidden": str(header.dim),
        "heads": str(header.heads),
        "kv_heads": str(header.kv_heads),
        "ffn": str(header.hidden),
        "vocabulary": str(header.vocabulary),
        "positions": str(header.positions),
        "activation": "silu",
        "gated": "true",
        "norm": "rmsnorm",
        "rotary": "true",
        "rotary_form": "neighbours",
        "bias": "false",
        "tied": str(header.tied).lower(),
    }
    places: dict[Loc, Place] = {(): Place(str(path), 1, 1)}
    return Document(str(path), data, places, {})


def _refuse(path: Path) -> None:
    """Say of a binary file what is said of one where text is expected, and what else it may be."""
    try:
        read(path)
    except ArchsimError as error:
        raise ArchsimError(*(Fault(f"{fault.message}, or {EXPECTED}", fault.place) for fault in error.faults)) from None
