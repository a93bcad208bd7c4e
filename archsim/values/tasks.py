"""A model and what it has to predict, from files: texts, which are made tokens, or tokens."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from tokenize import TokenError
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.executor import Executor
from archsim.values.files import begin, read_bytes
from archsim.values.metrics import score
from archsim.values.opened import open_model
from archsim.values.tokenizers import find_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from archsim.values.arithmetic import Arithmetic, Values
    from archsim.values.metrics import Scores, Tokens
    from archsim.values.opened import Opened

_END = "<|endoftext|>"
_DIMENSIONS = 2
"""Of tokens: sequences, n."""


@dataclass(frozen=True)
class Task:
    """A model, and the sequences that it has to predict; it can be sent to a process."""

    model: Opened
    sequences: tuple[tuple[int, ...], ...]

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model.name

    def run(self, arithmetic: Arithmetic) -> Scores:
        """Predict everything."""
        return score(Predictor(self.model, arithmetic), self.sequences)


class Predictor:
    """A model that is executed by an arithmetic."""

    def __init__(self, model: Opened, arithmetic: Arithmetic) -> None:
        self.executor = Executor(model.graph, model.arrays, arithmetic)

    def logits(self, tokens: Tokens) -> Values:
        """Of every position, (batch, n, vocabulary), for tokens (batch, n); raises ArchsimError for too many."""
        graph = self.executor.graph
        found: Values = self.executor.run({graph.inputs[0].name: tokens}, everywhere=True)[graph.outputs[0]]
        return found


def load_task(model: Path, text: Path, tokenizer: Path | None = None, limit: int | None = None) -> Task:
    """A model and a text, which is split where it says `<|endoftext|>`, and to the model's length.

    Parameters
    ----------
    model
        As for `open_model`.
    text
        UTF-8; or a `.npy` file of tokens (sequences, n).
    tokenizer
        As for `find_tokenizer`.
    limit
        The most sequences.

    Raises:
    ------
    ArchsimError
        Where a file is wrong, the model is none that predicts tokens, or there is nothing to predict.
    """
    opened = open_model(model)
    if opened.graph.feedback is None or len(opened.graph.inputs) > 1:
        raise ArchsimError(f"{model}: predicts no tokens; expected a decoder")
    if text.suffix == ".npy":
        sequences: Iterable[list[int]] = _tokens(text, opened.vocabulary)
    else:
        encode = find_tokenizer(model, tokenizer, opened.vocabulary)
        try:
            stories = read_bytes(text, "a text").decode("utf-8").split(_END)
        except UnicodeDecodeError:
            raise ArchsimError(f"{text}: found bytes that are no UTF-8; expected a text") from None
        sequences = (encode(story.strip()) for story in stories if story.strip())
    cut = opened.positions + 1
    parts = (tuple(tokens[at : at + cut]) for tokens in sequences for at in range(0, len(tokens), cut))
    kept = tuple(islice(parts, limit))
    if all(len(tokens) < 2 for tokens in kept):  # noqa: PLR2004 (one to predict, one to predict from)
        raise ArchsimError(f"{text}: found no text to predict; expected two tokens or more")
    return Task(opened, kept)


def _tokens(path: Path, vocabulary: int) -> list[list[int]]:
    begin(path, "tokens")
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TokenError) as error:
        raise ArchsimError(f"{path}: is no whole file of numpy numbers ({' '.join(str(error).split())})") from None
    wrong = found.ndim != _DIMENSIONS or found.dtype.kind not in "iu"
    if wrong or (found.size and (found.min() < 0 or found.max() >= vocabulary)):
        shape = f"{found.dtype} {found.shape}"
        raise ArchsimError(f"{path}: found {shape}; expected whole numbers (sequences, n) from 0 to {vocabulary - 1}")
    rows: list[list[int]] = found.tolist()
    return rows
