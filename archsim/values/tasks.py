"""A model and what it is run on, from files: checkpoints, texts and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from tokenize import TokenError
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError, quoted
from archsim.graph.axes import shown
from archsim.values.executor import Executor
from archsim.values.files import begin, read_bytes
from archsim.values.metrics import States, score
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


@dataclass(frozen=True, eq=False)
class Task:
    """A model with its weights, and sequences of tokens; it can be sent to a process."""

    model: Opened
    sequences: tuple[tuple[int, ...], ...]

    @property
    def predicts(self) -> bool:
        """Whether the model makes the next token."""
        return self.model.graph.feedback is not None

    def require_predicting(self) -> None:
        """Raise ArchsimError for an encoder."""
        if not self.predicts:
            expected = "expected one that does, such as a checkpoint of llama2.c"
            raise ArchsimError(f"{self.model.path}: {self.model.graph.name} predicts no tokens; {expected}")

    def run(self, arithmetic: Arithmetic) -> Scores:
        """Predict everything; raises ArchsimError."""
        self.require_predicting()
        return score(Predictor(self.model, arithmetic), self.sequences)

    def encode(self, arithmetic: Arithmetic) -> States:
        """Of an encoder: its last hidden states; raises ArchsimError."""
        model = Predictor(self.model, arithmetic)
        return States(tuple(model.logits(np.array([tokens]))[0] for tokens in self.sequences if tokens))


class Predictor:
    """A model that is executed by an arithmetic."""

    def __init__(self, model: Opened, arithmetic: Arithmetic) -> None:
        self.executor = Executor(model.graph, model.arrays, arithmetic)

    def logits(self, tokens: Tokens) -> Values:
        """The first result at every position, (batch, n, values), for tokens (batch, n); raises ArchsimError."""
        graph = self.executor.graph
        found: Values = self.executor.run({graph.inputs[0].name: tokens}, everywhere=True)[graph.outputs[0]]
        return found


def load_task(model: Path, text: Path, tokenizer: Path | None = None, limit: int | None = None) -> Task:
    """A model and a text, which is split where it says `<|endoftext|>`, and to the model's length.

    Parameters
    ----------
    model
        What `open_model` opens.
    text
        Or a `.npy` file of tokens (sequences, n).
    tokenizer
        What `find_tokenizer` takes; None: that of the model.
    limit
        The most sequences.

    Raises
    ------
    ArchsimError
        For files that are wrong, models that take no tokens, and texts that have none.
    """
    opened = open_model(model)
    inputs = opened.graph.inputs
    if not opened.vocabulary or [len(each.shape) for each in inputs] != [1]:
        names = " and ".join(f"'{each.name}' {shown(each.shape)}" for each in inputs)
        raise ArchsimError(f"{model}: {opened.graph.name} takes {names}; expected a model that takes tokens alone")
    if text.suffix == ".npy":
        sequences: Iterable[list[int]] = _tokens(text, opened.vocabulary)
    else:
        encode = find_tokenizer(model, tokenizer, opened.vocabulary)
        try:
            stories = read_bytes(text, "a text").decode("utf-8").split(_END)
        except UnicodeDecodeError:
            raise ArchsimError(f"{text}: found bytes that are no UTF-8; expected a text") from None
        sequences = (encode(story.strip()) for story in stories if story.strip())
    predicts = opened.graph.feedback is not None
    cut = opened.positions + predicts
    parts = (tuple(tokens[at : at + cut]) for tokens in sequences for at in range(0, len(tokens), cut))
    kept = tuple(islice(parts, limit))
    if all(len(tokens) < 1 + predicts for tokens in kept):
        needed = "no text to predict; expected two tokens or more" if predicts else "no text; expected some tokens"
        raise ArchsimError(f"{text}: found {needed}")
    return Task(opened, kept)


def _tokens(path: Path, vocabulary: int) -> list[list[int]]:
    begin(path, "tokens")
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TokenError) as error:
        raise ArchsimError(f"{path}: is no whole file of numpy numbers ({' '.join(str(error).split())})") from None
    wrong = found.ndim != _DIMENSIONS or found.dtype.kind not in "iu"
    if wrong or (found.size and (found.min() < 0 or found.max() >= vocabulary)):
        shape = quoted(f"{found.dtype} {found.shape}")[1:-1]
        raise ArchsimError(f"{path}: found {shape}; expected whole numbers (sequences, n) from 0 to {vocabulary - 1}")
    rows: list[list[int]] = found.tolist()
    return rows
