"""Tokens of a text by pieces that have scores: the pair of the best score is merged first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from collections.abc import Mapping

_GONE = -1
"""In place of a token that was merged into the one before it."""


@dataclass(frozen=True)
class Tokenizer:
    """Pieces of text with scores.

    Parameters
    ----------
    pieces, scores
        By token.
    first
        The token that begins a sequence; None: none does.
    blank
        Whether a text begins with a blank.
    bytes_from
        The token of byte 0; those of the other bytes follow.
    """

    pieces: tuple[bytes, ...]
    scores: tuple[float, ...]
    first: int | None = 1
    blank: bool = True
    bytes_from: int = 3

    @cached_property
    def tokens(self) -> Mapping[bytes, int]:
        """By piece; of two that are the same, the first."""
        return {piece: token for token, piece in reversed(list(enumerate(self.pieces)))}

    def encode(self, text: str) -> list[int]:
        """Tokens of a text, the one that begins a sequence first; characters that have none are spelt in bytes.

        Raises ArchsimError where there are no tokens of bytes either.
        """
        known = self.tokens
        tokens = [] if self.first is None else [self.first]
        for character in f" {text}" if text and self.blank else text:
            raw = character.encode()
            if raw not in known and len(self.pieces) < self.bytes_from + 256:
                raise ArchsimError(f"the tokenizer has no token {character!r}, and none for each byte")
            tokens += [known[raw]] if raw in known else [byte + self.bytes_from for byte in raw]
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
