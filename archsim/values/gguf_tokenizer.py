"""Tokenizers by the tables of GGUF files: byte pairs, or pieces with scores."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from archsim.errors import ArchsimError, quoted
from archsim.values.byte_pairs import of_tables, package
from archsim.values.score_merges import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.graph.gguf_header import GgufHeader

_NORMAL, _CONTROL, _GIVEN = 1, 3, 4
"""Types of tokens: of the text; marks; those that users added."""
_WORDS = r"(?i:'(?:[sdmt]|ll|ve|re))|[^\r\n\p{L}\p{N}]?\p{L}+|NUMBER| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_NUMBERS = {"llama-bpe": r"\p{N}{1,3}", "qwen2": r"\p{N}"}
"""By the name of the way in which a text is cut: how many digits a piece may have."""
_UNSEEN = b"\xff"
"""Before pieces that no text has: no character begins so."""


def gguf_tokenizer(header: GgufHeader) -> Callable[[str], list[int]]:
    """What makes tokens of a text. Raises ArchsimError where the file has no table, or one that is not known."""
    model = header.values.get("tokenizer.ggml.model")
    pieces, kinds = _table(header, "tokens"), header.values.get("tokenizer.ggml.token_type")
    kinds = kinds if isinstance(kinds, tuple) and len(kinds) == len(pieces) else (_NORMAL,) * len(pieces)
    pre = str(header.values.get("tokenizer.ggml.pre", "gpt-2"))
    begins = header.values.get("tokenizer.ggml.add_bos_token", model == "llama" or pre == "llama-bpe")
    first = header.values.get("tokenizer.ggml.bos_token_id") if begins else None
    if model == "llama":
        return _scored(header, pieces, kinds, first)
    if model != "gpt2":
        _refuse(header, f"a tokenizer of kind {model!r}; expected 'gpt2' or 'llama'")
    merges = [tuple(line.split(" ", 1)) for line in _table(header, "merges")]
    special = [piece for piece, kind in zip(pieces, kinds, strict=True) if kind in (_CONTROL, _GIVEN)]
    tokens = {piece: token for token, piece in enumerate(pieces)}
    encode = of_tables(header.path, tokens, merges, _split(header, pre), special)
    return encode if first is None else partial(_begun, encode, first)


def _table(header: GgufHeader, name: str) -> Sequence[str]:
    found = header.values.get(f"tokenizer.ggml.{name}")
    if not isinstance(found, list):
        _refuse(header, f"no tokenizer.ggml.{name}; expected a list of texts. Tokens in a .npy file need none")
    return found


def _refuse(header: GgufHeader, found: str) -> NoReturn:
    raise ArchsimError(f"{header.path}: found {found}")


def _begun(encode: Callable[[str], list[int]], first: int, text: str) -> list[int]:
    return [first, *encode(text)]


def _split(header: GgufHeader, name: str) -> Any:  # noqa: ANN401 - of the package
    """Into words with the blank before them; as bytes."""
    cuts = package().pre_tokenizers
    if name == "gpt-2":
        return cuts.ByteLevel(add_prefix_space=False)
    if name == "smollm":
        return cuts.Sequence([cuts.Digits(individual_digits=True), cuts.ByteLevel(add_prefix_space=False)])
    if name not in _NUMBERS:
        known = ", ".join(("gpt-2", "smollm", *_NUMBERS))
        _refuse(header, f"a text that is cut as {quoted(name)}; expected one of {known}")
    words = package().Regex(_WORDS.replace("NUMBER", _NUMBERS[name]))
    return cuts.Sequence([cuts.Split(words, "isolated"), cuts.ByteLevel(add_prefix_space=False, use_regex=False)])


def _scored(
    header: GgufHeader, pieces: Sequence[str], kinds: Sequence[int], first: int | None
) -> Callable[[str], list[int]]:
    scores = header.values.get("tokenizer.ggml.scores")
    if not isinstance(scores, tuple) or len(scores) != len(pieces):
        _refuse(header, f"no scores of {len(pieces):,} tokens; expected tokenizer.ggml.scores")
    bytes_from = pieces.index("<0x00>") if "<0x00>" in pieces else len(pieces)
    seen = [b"" if kind in (_NORMAL, _GIVEN) else _UNSEEN for kind in kinds]
    texts = [piece.replace("\u2581", " ").encode("utf-8", "surrogateescape") for piece in pieces]
    made = Tokenizer(
        pieces=tuple(mark + text for mark, text in zip(seen, texts, strict=True)),
        scores=scores,
        first=first,
        blank=bool(header.values.get("tokenizer.ggml.add_space_prefix", True)),
        bytes_from=bytes_from,
    )
    return made.encode
