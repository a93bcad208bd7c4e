"""What a projection's errors do to the loss, with error bars from tokens and from seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.profile.replay import Losses


def perplexity(losses: Losses) -> float:
    """Exponential of the mean loss."""
    return float(np.exp(losses.mean()))


def change(base: Losses, runs: Sequence[Losses]) -> dict[str, Any]:
    """Changes of perplexity and of negative log-likelihood (nats a token) over seeds, for losses (tokens,).

    delta_ppl: mean and standard deviation over seeds, and their number. delta_nll: the mean; `stderr_tokens`, of the
    differences of equal tokens, each averaged over seeds; `stderr_seeds`, of the seeds' means; `stderr`, both together.
    """
    perplexities = np.array([perplexity(run) for run in runs]) - perplexity(base)
    pairs = np.stack(list(runs)) - base
    by_seed, by_token = pairs.mean(axis=1), pairs.mean(axis=0)
    tokens, seeds = _error(by_token), _error(by_seed)
    return {
        "delta_ppl": {"mean": float(perplexities.mean()), "std": _spread(perplexities), "n": len(runs)},
        "delta_nll": {
            "mean": float(by_token.mean()),
            "stderr": float(np.hypot(tokens, seeds)),
            "stderr_tokens": tokens,
            "stderr_seeds": seeds,
        },
    }


def _spread(values: Losses) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _error(values: Losses) -> float:
    return _spread(values) / float(np.sqrt(len(values)))


def correlation(one: Sequence[float], other: Sequence[float]) -> dict[str, float | None]:
    """Kendall's tau-b and Spearman's rank correlation; none where either has no order."""
    if len(set(one)) < 2 or len(set(other)) < 2:  # noqa: PLR2004 (two make an order)
        return {"kendall": None, "spearman": None}
    from scipy.stats import kendalltau, spearmanr

    return {"kendall": float(kendalltau(one, other)[0]), "spearman": float(spearmanr(one, other)[0])}
