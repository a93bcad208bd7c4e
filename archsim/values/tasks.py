"""A model and what it has to predict, from files: checkpoints of llama2.c and GPT-2, texts and tokens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.bpe import read_byte_pairs
from archsim.values.gpt2 import Gpt2
from archsim.values.llama import Llama
from archsim.values.llama2c import read_checkpoint, read_tokenizer
from archsim.values.metrics import score
from archsim.values.weights import Named, read_bytes, read_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from archsim.values.arithmetic import Arithmetic
    from archsim.values.layered import Layered
    from archsim.values.metrics import Scores

_END = "<|endoftext|>"
_HEAD_DIM = 64
"""Of a head of every GPT-2."""


@dataclass(frozen=True)
class Task:
    """A model that is made for an arithmetic, and the sequences that it has to predict; it can be sent to a process."""

    make: Callable[[Arithmetic], Layered]
    sequences: tuple[tuple[int, ...], ...]
    name: str = "model"

    def run(self, arithmetic: Arithmetic) -> Scores:
        """Predict everything."""
        return score(self.make(arithmetic), self.sequences)


@dataclass(frozen=True)
class _Model:
    make: Callable[[Arithmetic], Layered]
    vocabulary: int
    positions: int
    encode: Callable[[], Callable[[str], list[int]]]


def load_task(model: Path, text: Path, tokenizer: Path | None = None, limit: int | None = None) -> Task:
    """A model and a text, which is split where it says `<|endoftext|>`, and to the model's length.

    model: a checkpoint of llama2.c; or a safetensors file of GPT-2, or its folder. text: may also be a `.npy` file of
    tokens (sequences, n). tokenizer: a file of llama2.c, a folder of GPT-2; None: beside the model. limit: the most
    sequences. Raises ArchsimError.
    """
    found = _gpt2(model, tokenizer) if model.is_dir() or model.suffix == ".safetensors" else _llama(model, tokenizer)
    if text.suffix == ".npy":
        sequences: Iterable[list[int]] = _tokens(text, found.vocabulary)
    else:
        encode = found.encode()
        try:
            stories = read_bytes(text, "a text").decode("utf-8").split(_END)
        except UnicodeDecodeError:
            raise ArchsimError(f"{text}: found bytes that are no UTF-8; expected a text") from None
        sequences = (encode(story.strip()) for story in stories if story.strip())
    cut = found.positions + 1
    parts = (tuple(tokens[at : at + cut]) for tokens in sequences for at in range(0, len(tokens), cut))
    kept = tuple(islice(parts, limit))
    if all(len(tokens) < 2 for tokens in kept):  # noqa: PLR2004 (one to predict, one to predict from)
        raise ArchsimError(f"{text}: found no text to predict; expected two tokens or more")
    return Task(found.make, kept, model.name)


def _llama(path: Path, tokenizer: Path | None) -> _Model:
    config, weights = read_checkpoint(path)

    def encode() -> Callable[[str], list[int]]:
        return read_tokenizer(tokenizer or _beside(path, config.vocabulary), config.vocabulary).encode

    return _Model(partial(Llama, config, weights), config.vocabulary, config.positions, encode)


def _gpt2(path: Path, tokenizer: Path | None) -> _Model:
    file = path / "model.safetensors" if path.is_dir() else path
    named = Named(file, read_safetensors(file), ("transformer.",))
    vocabulary, dim = named.take("wte.weight", -1, -1).shape
    positions = named.take("wpe.weight", -1, dim).shape[0]
    heads = _heads(file.with_name("config.json"), dim)
    return _Model(
        partial(Gpt2, named, heads),
        vocabulary,
        positions,
        lambda: read_byte_pairs(tokenizer or file.parent).encode,
    )


def _heads(config: Path, dim: int) -> int:
    """As the configuration says, where there is one; else as all of OpenAI's models have."""
    if not config.is_file():
        return max(1, dim // _HEAD_DIM)
    try:
        found = json.loads(read_bytes(config, "a configuration"))
    except ValueError:
        raise ArchsimError(f"{config}: is no whole JSON; expected a configuration of GPT-2") from None
    heads = found.get("n_head") if isinstance(found, dict) else None
    if type(heads) is not int or heads < 1:
        raise ArchsimError(f"{config}: n_head: found {heads!r}; expected how many heads a layer has")
    return heads


def _beside(model: Path, vocabulary: int) -> Path:
    found = model.parent / f"tok{vocabulary}.bin"
    if not found.is_file():
        raise ArchsimError(f"{model}: needs a tokenizer; found no {found.name} beside it. Try --tokenizer FILE")
    return found


def _tokens(path: Path, vocabulary: int) -> list[list[int]]:
    read_bytes(path, "tokens")
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ArchsimError(f"{path}: is no whole file of numpy numbers ({error})") from None
    wrong = found.ndim != 2 or found.dtype.kind not in "iu"  # noqa: PLR2004 (sequences, n)
    if wrong or (found.size and (found.min() < 0 or found.max() >= vocabulary)):
        shape = f"{found.dtype} {found.shape}"
        raise ArchsimError(f"{path}: found {shape}; expected whole numbers (sequences, n) from 0 to {vocabulary - 1}")
    rows: list[list[int]] = found.tolist()
    return rows
