"""What a projection's errors do to the loss, with error bars from tokens and from seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.profile.replay import Losses


CLUSTERS = 10
"""So many sequences, or more, say by themselves how far they scatter; of fewer the scatter is itself too uncertain."""


def perplexity(losses: Losses) -> float:
    """Exponential of the mean loss."""
    return float(np.exp(losses.mean()))


def change(base: Losses, runs: Sequence[Losses], lengths: Sequence[int], *, drawn: bool = True) -> dict[str, Any]:
    """Changes of perplexity and of negative log-likelihood (nats a token) over seeds, for losses (tokens,).

    lengths: tokens of each sequence. drawn: whether another seed gives other values. delta_ppl: mean and standard
    deviation over seeds, and their number. delta_nll: the mean; `stderr_tokens`, of the differences of equal tokens,
    each averaged over seeds, where sequences are independent, or, where they are fewer than CLUSTERS, tokens are;
    `stderr_seeds`, of the seeds' means; `stderr`, both together. Of one seed of what is drawn the latter two are None.
    """
    perplexities = np.array([perplexity(run) for run in runs]) - perplexity(base)
    pairs = np.stack(list(runs)) - base
    by_seed, by_token = pairs.mean(axis=1), pairs.mean(axis=0)
    tokens = _error(by_token, lengths if len(lengths) >= CLUSTERS else [1] * len(by_token))
    seeds = _error(by_seed, [1] * len(runs)) if len(runs) > 1 else None if drawn else 0.0
    return {
        "delta_ppl": {"mean": float(perplexities.mean()), "std": _spread(perplexities), "n": len(runs)},
        "delta_nll": {
            "mean": float(by_token.mean()),
            "stderr": None if seeds is None else float(np.hypot(tokens, seeds)),
            "stderr_tokens": tokens,
            "stderr_seeds": seeds,
        },
    }


def _spread(values: Losses) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _error(values: Losses, sizes: Sequence[int]) -> float:
    """Standard error of the mean of values in clusters of these sizes; clusters are independent, their members not.

    That of a ratio of two sums, of values and of numbers (W. G. Cochran, Sampling Techniques, 1977, chapter 6).
    """
    number = len(sizes)
    if number < 2:  # noqa: PLR2004 (one has no spread)
        return 0.0
    counts = np.array(sizes)
    sums = np.add.reduceat(values, np.cumsum(counts) - counts)
    return float(np.sqrt(((sums - values.mean() * counts) ** 2).sum() * number / (number - 1)) / len(values))


def correlation(one: Sequence[float], other: Sequence[float]) -> dict[str, float | None]:
    """Kendall's tau-b and Spearman's rank correlation; none where either has no order."""
    if len(set(one)) < 2 or len(set(other)) < 2:  # noqa: PLR2004 (two make an order)
        return {"kendall": None, "spearman": None}
    from scipy.stats import kendalltau, spearmanr

    return {"kendall": float(kendalltau(one, other)[0]), "spearman": float(spearmanr(one, other)[0])}
