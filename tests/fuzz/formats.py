"""Changes of a file by its format: what a field is, and how a file is put together again."""

from __future__ import annotations

import ast
import csv
import io
import json
import struct
from typing import TYPE_CHECKING, Any

import yaml

from tests.fuzz.mutations import change_bytes, change_fields, change_tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_GGUF_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_GGUF_STRING, _GGUF_ARRAY = 8, 9
_NPY_HEADER = 10
"""Bytes before the header of a file of numpy."""
_BY_BYTES = 0.25
"""Share of files that are changed as bytes."""


def changed(random: Random, name: str, raw: bytes) -> bytes:
    """A file of this name with something else in it."""
    suffix = name.rpartition(".")[2]
    change = _CHANGES.get(suffix, change_bytes)
    if random.random() < _BY_BYTES:
        return change_bytes(random, raw)
    try:
        return change(random, raw)
    except (ValueError, RecursionError, yaml.YAMLError, struct.error, SyntaxError):
        return change_bytes(random, raw)  # a format that is broken already, or a value that it cannot hold


def _onnx(random: Random, raw: bytes) -> bytes:
    from tests.fuzz.protobuf import change_model

    return change_model(random, raw)


def _json(random: Random, raw: bytes) -> bytes:
    return json.dumps(change_tree(random, json.loads(raw), text=False)).encode()


def _yaml(random: Random, raw: bytes) -> bytes:
    tree = change_tree(random, yaml.load(raw, Loader=_LOADER), text=True)  # noqa: S506 - interprets nothing
    return yaml.dump(tree, Dumper=_DUMPER, sort_keys=False, width=1000, allow_unicode=True).encode()


def _jsonl(random: Random, raw: bytes) -> bytes:
    lines = change_tree(random, [json.loads(line) for line in raw.splitlines()], text=False)
    listed = lines if isinstance(lines, list) else [lines]
    return "\n".join(map(json.dumps, listed)).encode()


def _csv(random: Random, raw: bytes) -> bytes:
    rows = change_tree(random, list(csv.reader(io.StringIO(raw.decode()))), text=True)
    out = io.StringIO()
    listed = rows if isinstance(rows, list) else [rows]
    csv.writer(out).writerows(row if isinstance(row, list) else [row] for row in listed)
    return out.getvalue().encode()


def _safetensors(random: Random, raw: bytes) -> bytes:
    """The header, and often its length, so that what comes after it is still in its place."""
    length = int.from_bytes(raw[:8], "little")
    header = json.dumps(change_tree(random, json.loads(raw[8 : 8 + length]), text=False)).encode()
    said = len(header) if random.random() < 0.9 else length
    return said.to_bytes(8, "little") + header + raw[8 + length :]


def _npy(random: Random, raw: bytes) -> bytes:
    length = int.from_bytes(raw[8:_NPY_HEADER], "little")
    header = change_tree(random, ast.literal_eval(raw[_NPY_HEADER : _NPY_HEADER + length].decode()), text=False)
    text = repr(header).encode()
    return raw[:8] + (len(text) & 0xFFFF).to_bytes(2, "little") + text + raw[_NPY_HEADER + length :]


def _bin(random: Random, raw: bytes) -> bytes:
    """A checkpoint of llama2.c: seven sizes, or, after a magic number and a version, the same and two more."""
    first = 8 if raw[:4] == b"24ka" else 0
    fields = [(at, 4) for at in range(0, first + 28, 4)] + ([(36, 1), (37, 4)] if first else [])
    return change_fields(random, raw, fields)


def _gguf(random: Random, raw: bytes) -> bytes:
    return change_fields(random, raw, gguf_fields(raw))


def gguf_fields(raw: bytes) -> list[tuple[int, int]]:
    """First byte and size of each whole number and number in a header: counts, lengths, types, values, offsets."""
    fields = [(4, 4), (8, 8), (16, 8)]
    tensors, keys = struct.unpack_from("<QQ", raw, 8)
    at = 24

    def number(size: int) -> int:
        nonlocal at
        fields.append((at, size))
        at += size
        return int.from_bytes(raw[at - size : at], "little")

    def string() -> None:
        nonlocal at
        length = number(8)  # which moves on itself
        at += length

    def value(kind: int) -> None:
        if kind == _GGUF_STRING:
            string()
        elif kind == _GGUF_ARRAY:
            inner, count = number(4), number(8)
            for _ in range(count):
                value(inner)
        else:
            number(_GGUF_SIZES[kind])

    for _ in range(keys):
        string()
        value(number(4))
    for _ in range(tensors):
        string()
        for _ in range(number(4)):
            number(8)
        number(4)
        number(8)
    return fields


_CHANGES: dict[str, Callable[[Random, bytes], bytes]] = {
    "onnx": _onnx,
    "json": _json,
    "yaml": _yaml,
    "jsonl": _jsonl,
    "csv": _csv,
    "safetensors": _safetensors,
    "npy": _npy,
    "bin": _bin,
    "gguf": _gguf,
}
"""By the end of a file's name; others are changed as bytes."""
