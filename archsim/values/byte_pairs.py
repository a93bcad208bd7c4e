"""Byte pairs, merged in the order in which they were learnt (A. Radford et al., 2019), by the package `tokenizers`."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError, UsageError
from archsim.values.files import read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_PAIR = 2


def package() -> Any:  # noqa: ANN401 - a module
    """The package `tokenizers`; raises UsageError where it is not installed."""
    try:
        import tokenizers
    except ImportError:
        raise UsageError("tokenizers need the tokenizers package: pip install 'archsim[tokenizers]'") from None
    return tokenizers


def of_json(path: Path) -> Callable[[str], list[int]]:
    """By Hugging Face's tokenizer.json. Raises ArchsimError for a file that is none."""
    raw = read_bytes(path, "a tokenizer")
    try:
        made = package().Tokenizer.from_buffer(raw)
    except Exception as error:  # noqa: BLE001 - the package raises no other
        raise ArchsimError(f"{path}: is no tokenizer ({_why(error)})") from None
    made.no_truncation()
    made.no_padding()
    return partial(_ids, made)


def of_pairs(vocabulary: Path, merges: Path) -> Callable[[str], list[int]]:
    """By GPT-2's two files. Raises ArchsimError for broken ones."""
    folder = vocabulary.parent
    try:
        tokens = json.loads(read_bytes(vocabulary, "tokens"))
        lines = read_bytes(merges, "merges").decode("utf-8").splitlines()
    except (ValueError, RecursionError) as error:
        raise ArchsimError(f"{folder}: the tokenizer's files are broken ({error})") from None
    pairs = [tuple(line.split()) for line in lines if line and not line.startswith("#version")]
    if not isinstance(tokens, dict) or any(len(pair) != _PAIR for pair in pairs):
        raise ArchsimError(f"{folder}: the tokenizer's files are broken; expected tokens by text, and lines of two")
    split = package().pre_tokenizers.ByteLevel(add_prefix_space=False)
    return of_tables(folder, tokens, pairs, split)


def of_tables(
    place: Path,
    tokens: Mapping[str, int],
    merges: Sequence[tuple[str, ...]],
    split: Any,  # noqa: ANN401 - of the package
    special: Sequence[str] = (),
) -> Callable[[str], list[int]]:
    """By tokens, written in characters that stand for bytes, and by pairs in their order.

    Parameters
    ----------
    place
        What is named in messages.
    tokens, merges
        The tables.
    split
        How a text is cut into pieces, which end in those characters.
    special
        Tokens that are found in a text before it is cut.

    Raises
    ------
    ArchsimError
        For pairs that are no tokens; later for texts with bytes that are none.
    """
    whole = package()
    try:
        made = whole.Tokenizer(whole.models.BPE(dict(tokens), list(merges)))
    except Exception as error:  # noqa: BLE001 - the package raises no other
        raise ArchsimError(f"{place}: the tokenizer's tables are broken ({_why(error)})") from None
    made.pre_tokenizer = split
    made.add_special_tokens([whole.AddedToken(each, special=True, normalized=False) for each in special])
    missing = frozenset(whole.pre_tokenizers.ByteLevel.alphabet()) - frozenset(tokens)
    return partial(_whole_ids, made, place, missing) if missing else partial(_ids, made)


def _why(error: Exception) -> str:
    """In a line."""
    return " ".join(str(error).split())[:100]


def _ids(made: Any, text: str) -> list[int]:  # noqa: ANN401 - of the package
    ids: list[int] = made.encode(text).ids
    return ids


def _whole_ids(made: Any, place: Path, missing: frozenset[str], text: str) -> list[int]:  # noqa: ANN401
    """Refuses what the package would leave out."""
    pieces = "".join(piece for piece, _ in made.pre_tokenizer.pre_tokenize_str(text))
    unknown = next((letter for letter in pieces if letter in missing), None)
    if unknown is not None:
        raise ArchsimError(f"{place}: has no token {unknown!r}")
    return _ids(made, text)
