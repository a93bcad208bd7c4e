"""Tokens of texts: by the files that lie beside a model, or by the tables that it has in itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from archsim.errors import ArchsimError
from archsim.graph.gguf_header import MAGIC, read_header
from archsim.values.byte_pairs import of_json, of_pairs
from archsim.values.files import begin
from archsim.values.gguf_tokenizer import gguf_tokenizer
from archsim.values.llama2c import read_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Encode = Callable[[str], list[int]]

_WHOLE = "tokenizer.json"
_PAIRS = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))
"""Of tokens and of merges, as Hugging Face and as OpenAI name them."""


def find_tokenizer(model: Path, tokenizer: Path | None, vocabulary: int) -> Encode:
    """What makes tokens of a text, those that begin and end a sequence included.

    Parameters
    ----------
    model
        A checkpoint, which has a tokenizer beside it or, if it is a GGUF file, in it; or the folder of one.
    tokenizer
        A file of llama2.c, a GGUF file, `tokenizer.json`, or a folder with that or with GPT-2's two files; None: that
        of the model.
    vocabulary
        Tokens that the model knows.

    Raises
    ------
    ArchsimError
        Where there is none, where it is broken, and later for a text with a token that the model does not know.
    """
    place = tokenizer or (model if model.is_dir() or _is_gguf(model) else model.parent)
    if tokenizer is None and model.suffix == ".bin" and not _is_gguf(model):
        place = model.with_name(f"tok{vocabulary}.bin")
        if not place.is_file():
            raise ArchsimError(f"{model}: needs a tokenizer; found no {place.name} beside it. Try --tokenizer FILE")
    return partial(_checked, _read(place, vocabulary), place, vocabulary)


def _checked(encode: Encode, place: Path, vocabulary: int, text: str) -> list[int]:
    tokens = encode(text)
    largest = max(tokens, default=0)
    if largest >= vocabulary:
        raise ArchsimError(f"{place}: gives token {largest}; the model has a vocabulary of {vocabulary}")
    return tokens


def _is_gguf(path: Path) -> bool:
    return path.is_file() and begin(path, "a model", len(MAGIC)) == MAGIC


def _read(place: Path, vocabulary: int) -> Encode:
    if place.is_dir():
        return _of_folder(place)
    if _is_gguf(place):
        return gguf_tokenizer(read_header(place))
    if place.suffix == ".json":
        return of_json(place)
    return read_tokenizer(place, vocabulary).encode


def _of_folder(folder: Path) -> Encode:
    if (folder / _WHOLE).is_file():
        return of_json(folder / _WHOLE)
    for names in _PAIRS:
        tokens, merges = (folder / name for name in names)
        if tokens.is_file() and merges.is_file():
            return of_pairs(tokens, merges)
    expected = " or ".join((_WHOLE, *(" and ".join(names) for names in _PAIRS)))
    raise ArchsimError(f"{folder}: found no tokenizer; expected {expected}. Tokens in a .npy file need none")
