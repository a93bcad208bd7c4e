"""GPT-2's tokenizer: byte pairs, merged in the order in which they were learnt (A. Radford et al., 2019)."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from archsim.errors import ArchsimError
from archsim.values.weights import read_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FILES = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))
"""Of tokens and of merges, as Hugging Face and as OpenAI name them."""
_PLAIN = (range(33, 127), range(161, 173), range(174, 256))
"""Bytes that are written as themselves; the others as characters from 256 on."""
_SHORT = re.compile("'(?:[stmd]|re|ve|ll)")
_PIECE = re.compile("[ ]?L+|[ ]?N+|[ ]?O+|[S ]+(?![^S ])|[S ]+")
"""Of the kinds of characters, see `_kind`: white space leaves its last to the word that follows."""


@dataclass(frozen=True)
class BytePairs:
    """Tokens by how they are written; rank of each pair that is merged."""

    tokens: Mapping[str, int]
    ranks: Mapping[tuple[str, str], int]

    def encode(self, text: str) -> list[int]:
        """Tokens of a text. Raises ArchsimError for one that the file leaves out."""
        letters = _letters()
        known: dict[str, list[int]] = {}
        found: list[int] = []
        for piece in _pieces(text):
            if piece not in known:
                parts = self._merged([letters[byte] for byte in piece.encode()])
                missing = [part for part in parts if part not in self.tokens]
                if missing:
                    raise ArchsimError(f"the tokenizer's files have no token {missing[0]!r}")
                known[piece] = [self.tokens[part] for part in parts]
            found += known[piece]
        return found

    def _merged(self, parts: list[str]) -> list[str]:
        while len(parts) > 1:
            best = min(pairwise(parts), key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if best not in self.ranks:
                break
            joined, at = [], 0
            while at < len(parts):
                both = tuple(parts[at : at + 2]) == best
                joined.append("".join(best) if both else parts[at])
                at += 2 if both else 1
            parts = joined
        return parts


def _letters() -> list[str]:
    """A character for each byte, none of them white space."""
    found, others = [], 256
    for byte in range(256):
        plain = any(byte in span for span in _PLAIN)
        found.append(chr(byte if plain else others))
        others += not plain
    return found


def _pieces(text: str) -> list[str]:
    """Words with the blank before them, numbers, marks, and white space but for its last before a word."""
    at, found = 0, []
    kinds = "".join(map(_kind, text))
    while at < len(text):
        match = _SHORT.match(text, at) or _PIECE.match(kinds, at)
        end = match.end() if match else at + 1
        found.append(text[at:end])
        at = end
    return found


def _kind(character: str) -> str:
    """L a letter, N a number, a blank, S other white space, O anything else."""
    if character == " ":
        return " "
    if character.isspace():
        return "S"
    category = unicodedata.category(character)[0]
    return category if category in "LN" else "O"


def read_byte_pairs(folder: Path) -> BytePairs:
    """The tokenizer whose files lie in a folder; raises ArchsimError where there are none, or broken ones."""
    for names in _FILES:
        vocabulary, merges = (folder / name for name in names)
        if vocabulary.is_file() and merges.is_file():
            break
    else:
        expected = " or ".join(" and ".join(names) for names in _FILES)
        raise ArchsimError(f"{folder}: found no tokenizer; expected {expected}. Tokens in a .npy file need none")
    try:
        tokens = json.loads(read_bytes(vocabulary, "tokens"))
        lines = read_bytes(merges, "merges").decode("utf-8").splitlines()
    except ValueError as error:
        raise ArchsimError(f"{folder}: the tokenizer's files are broken ({error})") from None
    pairs = [tuple(line.split()) for line in lines if line and not line.startswith("#version")]
    if not isinstance(tokens, dict) or any(len(pair) != 2 for pair in pairs):  # noqa: PLR2004 (pairs)
        raise ArchsimError(f"{folder}: the tokenizer's files are broken; expected tokens by text, and lines of two")
    return BytePairs(tokens, {(a, b): rank for rank, (a, b) in enumerate(pairs)})
