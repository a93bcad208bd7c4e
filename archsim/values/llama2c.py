"""llama2.c's files: checkpoints (version 0, float32; version 2, int8 in groups) and tokenizers."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.llama2c import EXPECTED, Header, read_header
from archsim.values.llama import LlamaConfig, LlamaWeights
from archsim.values.weights import check_finite, read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archsim.values.arithmetic import Values

_GONE = -1
"""In place of a token that was merged into the one before it."""


def read_checkpoint(path: Path) -> tuple[LlamaConfig, LlamaWeights]:
    """Configuration and weights; raises ArchsimError for a file that is none, is cut short, or is too long."""
    raw = read_bytes(path, EXPECTED)
    header = read_header(path, raw)
    sizes = (header.dim, header.hidden, header.layers, header.heads, header.kv_heads, header.vocabulary)
    config = LlamaConfig(*sizes, header.positions)
    read = _Cursor(path, raw, header.begin)
    weights = _plain(read, config, header) if header.group is None else _quantised(read, config, header, header.group)
    read.finish()
    return config, _checked(path, weights)


class _Cursor:
    """Reads on; every read is checked against the file's end."""

    def __init__(self, path: Path, raw: bytes, at: int) -> None:
        self.path, self.raw, self.at = path, raw, at

    def floats(self, *shape: int) -> Values:
        found: Values = self._take(np.dtype("<f4"), shape).astype(np.float32)
        return found

    def groups(self, size: int, *shape: int) -> Values:
        """int8 numbers with a float32 scale for each group of `size`."""
        numbers = self._take(np.dtype("i1"), shape).reshape(-1, size)
        scales = self._take(np.dtype("<f4"), (numbers.shape[0], 1))
        found: Values = (numbers * scales).astype(np.float32).reshape(shape)
        return found

    def _take(self, kind: Any, shape: tuple[int, ...]) -> Any:  # noqa: ANN401 (numpy's dtypes)
        count = int(np.prod(shape))
        end = self.at + count * kind.itemsize
        if end > len(self.raw):
            asked = f"ends after {len(self.raw):,} bytes; its header asks for {end:,} or more"
            raise ArchsimError(f"{self.path}: {asked}. Is it {EXPECTED}, and whole?")
        found = np.frombuffer(self.raw, kind, count, self.at).reshape(shape)
        self.at = end
        return found

    def finish(self) -> None:
        if self.at != len(self.raw):
            more = len(self.raw) - self.at
            raise ArchsimError(f"{self.path}: has {more:,} bytes more than its header asks for; is it {EXPECTED}?")


def _plain(read: _Cursor, c: LlamaConfig, header: Header) -> LlamaWeights:
    n, d, h = c.layers, c.dim, c.hidden
    embedding = read.floats(c.vocabulary, d)
    attention_norm = read.floats(n, d)
    q, k = read.floats(n, d, d), read.floats(n, c.kv_dim, d)
    v, o = read.floats(n, c.kv_dim, d), read.floats(n, d, d)
    ffn_norm = read.floats(n, d)
    gate, down, up = read.floats(n, h, d), read.floats(n, d, h), read.floats(n, h, d)
    norm = read.floats(d)
    read.floats(c.positions * c.head_dim)  # tables of sines that nobody needs
    head = embedding if header.tied else read.floats(c.vocabulary, d)
    return LlamaWeights(embedding, attention_norm, q, k, v, o, ffn_norm, gate, up, down, norm, head)


def _quantised(read: _Cursor, c: LlamaConfig, header: Header, size: int) -> LlamaWeights:
    n, d, h = c.layers, c.dim, c.hidden
    attention_norm, ffn_norm, norm = read.floats(n, d), read.floats(n, d), read.floats(d)
    embedding = read.groups(size, c.vocabulary, d)

    def layers(rows: int, cols: int) -> Values:
        return np.stack([read.groups(size, rows, cols) for _ in range(n)])

    q, k, v, o = layers(d, d), layers(c.kv_dim, d), layers(c.kv_dim, d), layers(d, d)
    gate, down, up = layers(h, d), layers(d, h), layers(h, d)
    head = embedding if header.tied else read.groups(size, c.vocabulary, d)
    return LlamaWeights(embedding, attention_norm, q, k, v, o, ffn_norm, gate, up, down, norm, head)


def _checked(path: Path, weights: LlamaWeights) -> LlamaWeights:
    for name, values in vars(weights).items():
        check_finite(path, name, values)
    return weights


@dataclass(frozen=True)
class Tokenizer:
    """Pieces of text with scores: the pair of the best score is merged first."""

    pieces: tuple[bytes, ...]
    scores: tuple[float, ...]

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, the one that begins a sequence first; characters that have none are spelt in bytes."""
        known = {piece: token for token, piece in reversed(list(enumerate(self.pieces)))}
        tokens = [1]
        if text:
            tokens.append(known[b" "])
        for character in text:
            raw = character.encode()
            tokens += [known[raw]] if raw in known else [byte + 3 for byte in raw]
        return self._merged(tokens, known)

    def _merged(self, tokens: list[int], known: Mapping[bytes, int]) -> list[int]:
        """Merges the pair of the best score, of equals the leftmost, until none is known; in n log n steps.

        Each token knows its neighbours. A pair in the heap is out of date if either of its tokens is another by now.
        """
        before, after = list(range(-1, len(tokens) - 1)), [*range(1, len(tokens)), -1]
        heap: list[tuple[float, int, int, int, int, int]] = []

        def offer(at: int, to: int) -> None:
            if at >= 0 and to >= 0:
                pair = known.get(self.pieces[tokens[at]] + self.pieces[tokens[to]])
                if pair is not None:
                    heappush(heap, (-self.scores[pair], at, to, tokens[at], tokens[to], pair))

        for at, to in enumerate(after):
            offer(at, to)
        while heap:
            _, at, to, left, right, pair = heappop(heap)
            if (tokens[at], tokens[to]) != (left, right) or after[at] != to:
                continue
            tokens[at], tokens[to], after[at] = pair, _GONE, after[to]
            if after[at] >= 0:
                before[after[at]] = at
            offer(before[at], at)
            offer(at, after[at])
        return [token for token in tokens if token != _GONE]


def read_tokenizer(path: Path, vocabulary: int) -> Tokenizer:
    """A tokenizer of as many pieces; raises ArchsimError for a file that is none, or of another number."""
    raw = read_bytes(path, "a tokenizer of llama2.c")
    at, pieces, scores = 4, [], []
    try:
        for _ in range(vocabulary):
            score, length = struct.unpack_from("<fi", raw, at)
            if not 0 <= length <= len(raw) - at - 8:
                raise ArchsimError(f"{path}: found a piece of {length} bytes; is it a tokenizer of llama2.c?")
            pieces.append(raw[at + 8 : at + 8 + length])
            scores.append(score)
            at += 8 + length
    except struct.error:
        raise ArchsimError(f"{path}: has {len(pieces)} pieces; the model has a vocabulary of {vocabulary}") from None
    if at != len(raw):
        raise ArchsimError(f"{path}: has more than {vocabulary} pieces, the model's vocabulary")
    return Tokenizer(tuple(pieces), tuple(scores))
