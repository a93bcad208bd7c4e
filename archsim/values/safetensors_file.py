"""safetensors files: a header in JSON, which is checked against the file's size, then the numbers."""

import json
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, NoReturn

from archsim.errors import ArchsimError, quoted
from archsim.values.files import begin, read_bytes
from archsim.values.stored import Stored, floats

_EXPECTED = "a safetensors file (.safetensors)"
_LONGEST_HEADER = 100_000_000
_LENGTH = 8
"""Bytes of the header's length."""
_MOST_DIMENSIONS = 8
_BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64"), 64),
}
_READ = {"F32": "<f4", "F16": "<f2", "BF16": "bf16", "F64": "<f8"}
_WHOLE, _INDEX = "model.safetensors", "model.safetensors.index.json"


@dataclass(frozen=True)
class Tensors:
    """file: of all tensors, or the folder that they are in; stored: by their names."""

    file: Path
    stored: dict[str, Stored]


def read_safetensors(path: Path) -> Tensors:
    """All tensors of a file, or of a folder with one or with several and an index.

    Parameters
    ----------
    path
        The file, the folder, or `model.safetensors.index.json`.

    Returns
    -------
    Tensors
        None is read so far.

    Raises
    ------
    ArchsimError
        For a file that is none, or whose header does not fit its size.
    """
    folder = path if path.is_dir() else path.parent
    if path.is_dir():
        usual = [folder / name for name in (_INDEX, _WHOLE) if (folder / name).is_file()]
        alone = sorted(folder.glob("*.safetensors"))
        path = usual[0] if usual else alone[0] if len(alone) == 1 else folder / _WHOLE
    if path.suffix != ".json":
        return Tensors(path, _read_one(path))
    found: dict[str, Stored] = {}
    for file in sorted(set(_files(path))):
        found |= _read_one(folder / file)
    return Tensors(folder, found)


def _files(index: Path) -> list[str]:
    try:
        read = json.loads(read_bytes(index, "an index of safetensors files"))
    except (ValueError, RecursionError):
        read = None
    files = read.get("weight_map") if isinstance(read, dict) else None
    names = list(files.values()) if isinstance(files, dict) else []
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise ArchsimError(f"{index}: found no files; expected a 'weight_map' with the file of each tensor, beside it")
    return names


def _read_one(path: Path) -> dict[str, Stored]:
    raw = begin(path, _EXPECTED, _LENGTH)
    size, length = path.stat().st_size, int.from_bytes(raw, "little")
    if len(raw) < _LENGTH or not 1 < length <= min(size - _LENGTH, _LONGEST_HEADER):
        _refuse(path, f"a header of {length:,} bytes in {size:,}")
    try:
        header = json.loads(begin(path, _EXPECTED, _LENGTH + length)[_LENGTH:])
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        _refuse(path, "a header that is no JSON of tensors")
    entries = [_entry(path, name, given) for name, given in header.items() if name != "__metadata__"]
    end = 0
    for name, _, _, span in sorted(entries, key=lambda entry: entry[3]):
        if span[0] != end:
            _refuse(path, f"{quoted(name)} at byte {span[0]:,}; expected it at {end:,}")
        end = span[1]
    if end != size - _LENGTH - length:
        _refuse(path, f"{size - _LENGTH - length:,} bytes of numbers; its header asks for {end:,}")
    first = _LENGTH + length
    return {
        name: Stored(path, name, shape, partial(_numbers, path, name, kind, shape, first + span[0]))
        for name, kind, shape, span in entries
    }


def _entry(path: Path, name: str, given: Any) -> tuple[str, str, tuple[int, ...], tuple[int, int]]:  # noqa: ANN401
    """Name, type, shape, first byte and last; each checked by itself."""
    given = given if isinstance(given, dict) else {}
    kind, shape, span = (given.get(key) for key in ("dtype", "shape", "data_offsets"))
    whole = all(isinstance(sizes, list) and all(type(n) is int and n >= 0 for n in sizes) for sizes in (shape, span))
    if not isinstance(kind, str) or not whole or len(span) != 2 or len(shape) > _MOST_DIMENSIONS:  # noqa: PLR2004
        _refuse(path, f"no 'dtype', 'shape' and 'data_offsets' of {quoted(name)}")
    bits = _BITS.get(kind)
    if bits is not None and prod(shape) * bits != 8 * (span[1] - span[0]):
        _refuse(path, f"{span[1] - span[0]:,} bytes of {quoted(name)}, {kind} {shape}")
    return name, kind, tuple(shape), (span[0], span[1])


def _refuse(path: Path, found: str) -> NoReturn:
    raise ArchsimError(f"{path}: is no whole safetensors file (found {found})")


def _numbers(path: Path, name: str, kind: str, shape: tuple[int, ...], offset: int) -> Any:  # noqa: ANN401 - numpy's
    if kind not in _READ:
        raise ArchsimError(f"{path}: {name} is of type {kind}; expected {', '.join(_READ)}")
    return floats(path, offset, _READ[kind], shape)
