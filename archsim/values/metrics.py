"""How good the values are: perplexity, and how far from another arithmetic's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.values.arithmetic import Values

Tokens = NDArray[np.int64]


class LanguageModel(Protocol):
    """Gives logits."""

    def logits(self, tokens: Tokens) -> Values:
        """Of every position, (batch, n, vocabulary), for tokens (batch, n)."""
        ...


@dataclass(frozen=True, eq=False)
class Scores:
    """Of all predicted tokens: losses (n,), negative log-likelihoods in nats; log-probabilities (n, vocabulary)."""

    losses: NDArray[np.float64]
    log_probabilities: Values

    @property
    def perplexity(self) -> float:
        """Exponential of the mean loss."""
        return float(np.exp(self.losses.mean()))

    def agreement(self, other: "Scores") -> float:
        """Share of positions at which both think the same token most likely."""
        return float((self.log_probabilities.argmax(axis=1) == other.log_probabilities.argmax(axis=1)).mean())

    def divergence(self, other: "Scores") -> float:
        """Mean Kullback-Leibler divergence of `other` from this, nats a token."""
        p = np.exp(self.log_probabilities.astype(np.float64))
        return float((p * (self.log_probabilities.astype(np.float64) - other.log_probabilities)).sum(axis=1).mean())


def score(model: LanguageModel, sequences: Iterable[Sequence[int]]) -> Scores:
    """Predict every token but the first of each sequence from those before it; raises ArchsimError if there is none."""
    losses, kept = [], []
    for tokens in sequences:
        if len(tokens) < 2:  # noqa: PLR2004 (one to predict, one to predict from)
            continue
        x = np.asarray(tokens, np.int64)
        found = model.logits(x[None, :-1])[0].astype(np.float64)
        found -= found.max(axis=1, keepdims=True)
        log_probabilities = found - np.log(np.exp(found).sum(axis=1, keepdims=True))
        losses.append(-log_probabilities[np.arange(len(x) - 1), x[1:]])
        kept.append(log_probabilities.astype(np.float32))
    if not losses:
        raise ArchsimError("found no text to predict; expected two tokens or more")
    return Scores(np.concatenate(losses), np.concatenate(kept))


@dataclass(frozen=True, eq=False)
class States:
    """What an encoder makes of sequences: of each its last hidden states, (positions, values)."""

    hidden: tuple[Values, ...]

    @property
    def positions(self) -> int:
        """Of all sequences."""
        return sum(map(len, self.hidden))

    def cosine(self, other: "States") -> float:
        """Of the angle between both means over positions; mean over sequences."""
        pairs = [
            (one.mean(axis=0, dtype=np.float64), another.mean(axis=0, dtype=np.float64))
            for one, another in zip(self.hidden, other.hidden, strict=True)
        ]
        return float(np.mean([a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for a, b in pairs]))

    def errors(self, other: "States") -> NDArray[np.float64]:
        """Of each position how far the other's hidden state is from this, over its length."""
        own, others = (np.concatenate(states.hidden).astype(np.float64) for states in (self, other))
        found: NDArray[np.float64] = np.linalg.norm(others - own, axis=1) / np.linalg.norm(own, axis=1)
        return found


def accuracy(logits: Values, labels: NDArray[np.integer]) -> float:
    """Share of rows (n, classes) whose largest is the label's."""
    return float((logits.argmax(axis=1) == labels).mean())
