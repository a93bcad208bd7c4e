"""Counts of an ONNX file before it is unpacked: nodes, tensors, graphs inside of nodes, functions inside of others."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archsim.errors import ArchsimError, quoted

MOST_NODES = 30_000
"""Of a file, those inside of others and of functions included."""
_MOST_TENSORS = 200_000
# Numbers of fields, of ONNX's protobuf
_MODEL = {7: "graph", 25: "function"}
_INNER = {
    "graph": {1: "node", 5: "tensor", 11: "tensor", 12: "tensor", 13: "tensor", 15: "tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
}
_DEEPEST = 40
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def require_few(path: Path) -> None:
    """Raise ArchsimError for a file of too many nodes or tensors, which protobuf would unpack first.

    A file that is not sound protobuf is left to protobuf's own message.
    """
    if not path.stat().st_size:
        return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        counts = {"node": 0, "tensor": 0}
        waiting = [(0, len(raw), "model", 0)]
        while waiting:
            begin, end, kind, depth = waiting.pop()
            inner = _MODEL if kind == "model" else _INNER.get(kind, {})
            for number, start, stop in _fields(raw, begin, end):
                what = inner.get(number)
                if what is None:
                    continue
                if what in counts:
                    counts[what] += 1
                if depth > _DEEPEST:
                    raise ArchsimError(f"has graphs more than {_DEEPEST} deep in each other; expected fewer")
                if counts["node"] > MOST_NODES or counts["tensor"] > _MOST_TENSORS:
                    most = f"{MOST_NODES:,} nodes and {_MOST_TENSORS:,} tensors"
                    raise ArchsimError(f"has more than {most}, those inside of others included; expected fewer")
                if what in _INNER:
                    waiting.append((start, stop, what, depth + (what == "graph")))


def _fields(raw: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Of a message: number, and where the bytes begin and end, of each field that is itself made of bytes."""
    while at < end:
        tag, at = _varint(raw, at, end)
        form = tag & 7
        if form == _VARINT:
            _, at = _varint(raw, at, end)
        elif form == _BYTES:
            length, at = _varint(raw, at, end)
            if length > end - at:
                return
            yield tag >> 3, at, at + length
            at += length
        elif form in (_FIXED64, _FIXED32):
            at += 8 if form == _FIXED64 else 4
        else:
            return


def _varint(raw: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 64:  # noqa: PLR2004 - bits
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the last
            return value, at
    return value, end


def require_few_inlined(model: Any) -> None:  # noqa: ANN401
    """Functions may be called in functions: nodes are counted before they are written out."""
    functions = {(one.domain, one.name): one for one in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size_of(graph: Any, depth: int) -> int:  # noqa: ANN401
        nodes = [node for one in graphs_of(graph) for node in one.node]
        return sum(called((node.domain, node.op_type), depth) for node in nodes)

    def called(name: tuple[str, str], depth: int) -> int:
        if name not in functions:
            return 1
        if depth > _DEEPEST:
            what = f"function {quoted(name[1])} is called more than {_DEEPEST} deep in others, or calls itself"
            raise ArchsimError(f"{what}; expected fewer")
        if name not in sizes:
            sizes[name] = size_of(functions[name], depth + 1)
        size = sizes[name]
        if size > MOST_NODES:
            raise ArchsimError(f"function {quoted(name[1])} has {size:,} nodes; expected at most {MOST_NODES:,}")
        return size

    total = size_of(model.graph, 0)
    if total > MOST_NODES:
        raise ArchsimError(f"has {total:,} nodes with its functions written out; expected at most {MOST_NODES:,}")


def graphs_of(graph: Any) -> Iterator[Any]:  # noqa: ANN401
    """A graph or function, and graphs inside of nodes."""
    waiting = [graph]
    while waiting:
        last = waiting.pop()
        yield last
        for node in last.node:
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += attribute.graphs
