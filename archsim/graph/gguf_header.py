"""GGUF files as models: the sizes in their header, which is checked against the file's size; weights are not read."""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from archsim.errors import ArchsimError, Place, quoted
from archsim.machine.source import Data, Document

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_SHORTEST_KEY, _SHORTEST_TENSOR = 13, 32
"""Bytes of an entry."""
_MOST_DIMENSIONS = 4
_ALIGNMENT = 32


@dataclass(frozen=True)
class Tensor:
    """Where a tensor's numbers begin in the file (bytes), their type as GGML numbers it, its sizes, outermost first."""

    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True)
class GgufHeader:
    """What a header says: values by key, and tensors by name."""

    path: Path
    values: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    @cached_property
    def architecture(self) -> str:
        """Before the keys of its sizes."""
        return str(self.values.get("general.architecture", ""))

    def size(self, key: str, default: int | None = None) -> int:
        """A size of the architecture; raises ArchsimError where it is not there, or no size."""
        full = f"{self.architecture}.{key}"
        found = self.values.get(full, default)
        if type(found) is not int or found < 0:
            raise ArchsimError(f"{self.path}: {full}: found {found!r}; expected a size")
        return found

    def number(self, key: str, default: float) -> float:
        """A number of the architecture."""
        found = self.values.get(f"{self.architecture}.{key}", default)
        return float(found) if isinstance(found, int | float) else default


def read_header(path: Path) -> GgufHeader:
    """The header of a file. Raises ArchsimError where it is none, or says more than the file has."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        return _Cursor(path, raw).header()


class _Cursor:
    """Reads on; every step is checked against the file's end."""

    def __init__(self, path: Path, raw: mmap.mmap) -> None:
        self.path, self.raw, self.at = path, raw, 0

    def header(self) -> GgufHeader:
        magic, version = self.take(len(MAGIC)), self.scalar("<I")
        if magic != MAGIC or version not in _VERSIONS:
            self.refuse(f"GGUF of version {version}; expected version 2 or 3")
        tensors, keys = self.count(_SHORTEST_TENSOR, "tensors"), self.count(_SHORTEST_KEY, "keys")
        values = {}
        for _ in range(keys):
            key = self.string()
            values[key] = self.value(self.scalar("<I"))
        found = {}
        for _ in range(tensors):
            name, dims = self.string(), self.scalar("<I")
            if dims > _MOST_DIMENSIONS:
                self.refuse(f"{dims:,} dimensions of {quoted(name)}; expected at most {_MOST_DIMENSIONS}")
            sizes = tuple(self.scalar("<Q") for _ in range(dims))
            found[name] = Tensor(sizes[::-1], self.scalar("<I"), self.scalar("<Q"))
        alignment = values.get("general.alignment", _ALIGNMENT)
        if type(alignment) is not int or alignment < 1:
            self.refuse(f"an alignment of {alignment!r}")
        first = -(-self.at // alignment) * alignment
        if any(tensor.offset > len(self.raw) - first for tensor in found.values()):
            self.refuse("tensors that begin after its end")
        moved = {name: Tensor(one.shape, one.kind, first + one.offset) for name, one in found.items()}
        return GgufHeader(self.path, values, moved)

    def refuse(self, found: str) -> NoReturn:
        raise ArchsimError(f"{self.path}: is no whole GGUF file (found {found})")

    def take(self, size: int) -> bytes:
        if size > len(self.raw) - self.at:
            self.refuse(f"an end after {len(self.raw):,} bytes; its header asks for {self.at + size:,} or more")
        self.at += size
        return self.raw[self.at - size : self.at]

    def scalar(self, form: str) -> Any:  # noqa: ANN401 - any of numbers
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self, least: int, what: str) -> int:
        """A number of things that have so many bytes at least."""
        number: int = self.scalar("<Q")
        if number * least > len(self.raw) - self.at:
            self.refuse(f"{number:,} {what} in {len(self.raw):,} bytes")
        return number

    def string(self) -> str:
        return self.take(self.scalar("<Q")).decode("utf-8", "surrogateescape")

    def value(self, kind: int) -> Any:  # noqa: ANN401 - as the file says
        if kind == _STRING:
            return self.string()
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        inner = self.scalar("<I") if kind == _ARRAY else None
        if inner == _STRING:
            return [self.string() for _ in range(self.count(8, "strings"))]
        if inner not in _SCALARS:
            self.refuse(f"a value of type {kind if inner is None else inner}")
        form = _SCALARS[inner]
        number = self.count(struct.calcsize(form), "numbers")
        return struct.unpack(f"<{number}{form[1]}", self.take(number * struct.calcsize(form)))


_GATED = {"architecture": "decoder", "gated": "true", "norm": "rmsnorm", "rotary": "true", "bias": "false"}
_ARCHITECTURES: Mapping[str, Mapping[str, str]] = {
    # the rows of Llama's queries and keys are put in another order when a file is made
    "llama": {**_GATED, "activation": "silu", "rotary_form": "neighbours"},
    "qwen2": {**_GATED, "activation": "silu", "rotary_form": "halves"},
    "qwen3": {**_GATED, "activation": "silu", "rotary_form": "halves", "qk_norm": "true"},
    "gemma": {**_GATED, "activation": "gelu_tanh", "rotary_form": "halves"},
}


def from_gguf(path: Path) -> Document:
    """A model file's data. Raises ArchsimError for a file that is none, or of an architecture that is unknown."""
    header = read_header(path)
    fixed = _ARCHITECTURES.get(header.architecture)
    if fixed is None:
        known = ", ".join(_ARCHITECTURES)
        raise ArchsimError(f"{path}: found the architecture {quoted(header.architecture)}; expected one of {known}")
    if header.size("expert_count", 0):
        raise ArchsimError(f"{path}: found a mixture of experts; expected one feed-forward part a layer")
    scaling = header.values.get(f"{header.architecture}.rope.scaling.type", "none")
    if scaling != "none" or "rope_freqs.weight" in header.tensors:
        raise ArchsimError(f"{path}: found rotary positions that are scaled; expected plain ones")
    hidden, heads, table = header.size("embedding_length"), header.size("attention.head_count"), _vocabulary(header)
    if not heads:
        raise ArchsimError(f"{path}: found no heads; expected 1 or more")
    size = header.size("attention.key_length", hidden // heads)
    sizes: dict[str, object] = {
        "layers": header.size("block_count"),
        "hidden": hidden,
        "heads": heads,
        "kv_heads": header.size("attention.head_count_kv", heads),
        "head_dim": size,
        "ffn": header.size("feed_forward_length"),
        "vocabulary": table,
        "positions": header.size("context_length"),
        "epsilon": header.number("attention.layer_norm_rms_epsilon", 1e-5),
        "rotary_base": header.number("rope.freq_base", 10_000.0),
        "rotary_values": header.size("rope.dimension_count", size),
    }
    if header.architecture == "gemma":
        sizes["embedding_scale"] = hidden**0.5
    data: Data = {
        "schema": "archsim.model/1",
        "name": path.stem,
        "description": f"a GGUF file of {header.architecture}",
        **fixed,
        **{key: str(value) for key, value in sizes.items()},
        "qkv_bias": str("blk.0.attn_q.bias" in header.tensors).lower(),
        "tied": str("output.weight" not in header.tensors).lower(),
    }
    return Document(str(path), data, {(): Place(str(path), 1, 1)}, {})


def _vocabulary(header: GgufHeader) -> int:
    table = header.tensors.get("token_embd.weight")
    if table is None or len(table.shape) != 2:  # noqa: PLR2004 - tokens, values
        raise ArchsimError(f"{header.path}: found no table of tokens; expected 'token_embd.weight'")
    return table.shape[0]
