"""llama2.c's files: checkpoints (version 0, float32; version 2, int8 in groups) and tokenizers."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.llama2c import EXPECTED, LONGEST_HEADER, Header, read_header
from archsim.values.files import begin, read_bytes
from archsim.values.score_merges import Tokenizer
from archsim.values.stored import Numbers, Stored, at, floats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FLOAT = 4
"""Bytes."""


@dataclass(frozen=True)
class _Run:
    """Tensors of one kind, those of all layers one after the other. group: of how many int8 there is a scale."""

    name: str
    number: int
    shape: tuple[int, ...]
    group: int | None = None

    @property
    def size(self) -> int:
        """Bytes of one."""
        count = prod(self.shape)
        return count * _FLOAT if self.group is None else count + count // self.group * _FLOAT


def tensors_of(path: Path) -> dict[str, Stored]:
    """All tensors of a checkpoint, by the names of Llama's own files; none is read so far.

    Raises ArchsimError for a file that is none, is cut short, or is too long.
    """
    header = read_header(path, begin(path, EXPECTED, LONGEST_HEADER))
    runs = _plain(header) if header.group is None else _quantised(header, header.group)
    end, size = header.begin + sum(run.number * run.size for run in runs), path.stat().st_size
    if end > size:
        asked = f"ends after {size:,} bytes; its header asks for {end:,}"
        raise ArchsimError(f"{path}: {asked}. Is it {EXPECTED}, and whole?")
    if end < size:
        raise ArchsimError(f"{path}: has {size - end:,} bytes more than its header asks for; is it {EXPECTED}?")
    return {one.name: one for one in _stored(path, header.begin, runs)}


def _stored(path: Path, offset: int, runs: list[_Run]) -> Iterator[Stored]:
    for run in runs:
        for number in range(run.number):
            if run.group is None:
                numbers = partial(floats, path, offset, "<f4", run.shape)
            else:
                numbers = partial(_grouped, path, offset, run.group, run.shape)
            yield Stored(path, run.name.format(number), run.shape, numbers)
            offset += run.size


def _grouped(path: Path, offset: int, group: int, shape: tuple[int, ...]) -> Numbers:
    """int8 numbers, then a float32 scale for each group of them."""
    numbers = at(path, offset, "i1", (prod(shape) // group, group))
    scales = at(path, offset + numbers.size, "<f4", (len(numbers), 1))
    made: Numbers = (numbers * scales).astype(np.float32).reshape(shape)
    return made


def _plain(h: Header) -> list[_Run]:
    wide = h.dim // h.heads * h.kv_heads
    sines = _Run("sines", 1, (h.positions, h.dim // h.heads))  # nobody needs them
    return [
        _Run("tok_embeddings.weight", 1, (h.vocabulary, h.dim)),
        _Run("layers.{}.attention_norm.weight", h.layers, (h.dim,)),
        *_attention(h, wide, None),
        _Run("layers.{}.ffn_norm.weight", h.layers, (h.dim,)),
        *_feed_forward(h, None),
        _Run("norm.weight", 1, (h.dim,)),
        sines,
        *([] if h.tied else [_Run("output.weight", 1, (h.vocabulary, h.dim))]),
    ]


def _quantised(h: Header, group: int) -> list[_Run]:
    wide = h.dim // h.heads * h.kv_heads
    return [
        _Run("layers.{}.attention_norm.weight", h.layers, (h.dim,)),
        _Run("layers.{}.ffn_norm.weight", h.layers, (h.dim,)),
        _Run("norm.weight", 1, (h.dim,)),
        _Run("tok_embeddings.weight", 1, (h.vocabulary, h.dim), group),
        *_attention(h, wide, group),
        *_feed_forward(h, group),
        *([] if h.tied else [_Run("output.weight", 1, (h.vocabulary, h.dim), group)]),
    ]


def _attention(h: Header, wide: int, group: int | None) -> list[_Run]:
    sizes = {"wq": (h.dim, h.dim), "wk": (wide, h.dim), "wv": (wide, h.dim), "wo": (h.dim, h.dim)}
    return [_Run(f"layers.{{}}.attention.{name}.weight", h.layers, shape, group) for name, shape in sizes.items()]


def _feed_forward(h: Header, group: int | None) -> list[_Run]:
    sizes = {"w1": (h.hidden, h.dim), "w2": (h.dim, h.hidden), "w3": (h.hidden, h.dim)}
    return [_Run(f"layers.{{}}.feed_forward.{name}.weight", h.layers, shape, group) for name, shape in sizes.items()]


def read_tokenizer(path: Path, vocabulary: int) -> Tokenizer:
    """A tokenizer of as many pieces; raises ArchsimError for a file that is none, or of another number."""
    raw = read_bytes(path, "a tokenizer of llama2.c")
    here, pieces, scores = 4, [], []
    try:
        for _ in range(vocabulary):
            score, length = struct.unpack_from("<fi", raw, here)
            if not 0 <= length <= len(raw) - here - 8:
                raise ArchsimError(f"{path}: found a piece of {length} bytes; is it a tokenizer of llama2.c?")
            pieces.append(raw[here + 8 : here + 8 + length])
            scores.append(score)
            here += 8 + length
    except struct.error:
        raise ArchsimError(f"{path}: has {len(pieces)} pieces; the model has a vocabulary of {vocabulary}") from None
    if here != len(raw):
        raise ArchsimError(f"{path}: has more than {vocabulary} pieces, the model's vocabulary")
    return Tokenizer(tuple(pieces), tuple(scores))
