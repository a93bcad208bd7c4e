"""Changes with their error bars, ranks, and the guesses at them."""

from pathlib import Path

import numpy as np
import pytest

from archsim.graph.load import build
from archsim.machine.source import parse
from archsim.profile.change import change, correlation
from archsim.profile.profile import stability
from archsim.profile.proxies import outliers, squared_gradient
from archsim.profile.replay import Replay
from archsim.values.opened import Opened
from archsim.values.tasks import Task

HEAD = """
schema: archsim.network/1
name: head
input: 1
positions: 100
generates: true
layers: [embedding: {rows: 7, out: 5}, linear: {out: 7, bias: false}]
"""


def test_error_bars_of_tokens_and_of_seeds() -> None:
    """Two tokens, two seeds: changes 0.1, 0.3 and 0.3, 0.9.

    By token, over seeds: 0.2, 0.6: mean 0.4, deviation 0.2828, over the root of 2: 0.2. By seed: 0.2, 0.6: the same.
    Together 0.2828. Perplexities: e^0.2 - 1 = 0.2214, e^0.6 - 1 = 0.8221: mean 0.5218, deviation 0.4248.
    """
    found = change(np.zeros(2), [np.array([0.1, 0.3]), np.array([0.3, 0.9])], [2])
    assert found["delta_nll"] == pytest.approx(
        {"mean": 0.4, "stderr": 0.08**0.5, "stderr_tokens": 0.2, "stderr_seeds": 0.2}
    )
    assert found["delta_ppl"] == pytest.approx({"mean": 0.5217608, "std": 0.4247704, "n": 2}, abs=1e-6)


def test_one_seed_says_nothing_of_seeds() -> None:
    """Changes 0.1, 0.3: deviation 0.1414, over the root of 2: 0.1. What is not drawn has no error of seeds."""
    runs = [np.array([0.1, 0.3])]
    once = change(np.zeros(2), runs, [2])["delta_nll"]
    assert (once["stderr"], once["stderr_seeds"]) == (None, None)
    assert once["stderr_tokens"] == pytest.approx(0.1)
    sure = change(np.zeros(2), runs, [2], drawn=False)["delta_nll"]
    assert (sure["stderr"], sure["stderr_seeds"]) == (pytest.approx(0.1), 0.0)


def test_tokens_of_a_sequence_are_not_independent() -> None:
    """Ten sequences of two tokens, whose changes are all 1 in one, all 0 in nine: mean 0.1.

    Sequences: sums 2 and 0 less 0.2: 1.8^2 + 9 x 0.2^2 = 3.6, times 10 / 9, root 2, over 20: 0.1. Tokens: 2 x 0.9^2 +
    18 x 0.1^2 = 1.8, times 20 / 19, root 1.3765, over 20: 0.0688. So five of four tokens, which are too few.
    A sequence of one token and nine of two, the change 1 in the first alone: mean 1/19; less that 18/19, and nine times
    2/19: squares (324 + 36) / 361, times 10 / 9, root 1.0526, over 19: 0.0554.
    """

    def error(values: list[float], lengths: list[int]) -> float:
        found: float = change(np.zeros(len(values)), [np.array(values)], lengths)["delta_nll"]["stderr_tokens"]
        return found

    one = [1.0, 1.0] + [0.0] * 18
    assert error(one, [2] * 10) == pytest.approx(0.1)
    assert error(one, [4] * 5) == pytest.approx(0.0688247)
    assert error([1.0] + [0.0] * 18, [1] + [2] * 9) == pytest.approx(0.0554017)


def test_ranks() -> None:
    """1 2 3 and 1 3 2: one of three pairs is the other way round, tau (2 - 1) / 3; rho 1 - 6 x 2 / 24 = 0.5."""
    assert correlation([1, 2, 3], [1, 3, 2]) == pytest.approx({"kendall": 1 / 3, "spearman": 0.5})
    assert correlation([1, 1, 1], [1, 3, 2]) == {"kendall": None, "spearman": None}
    base, runs = np.zeros(1), [[np.array([level + s]) for s in (0.0, 0.1)] for level in (1.0, 2.0, 3.0)]
    assert stability(base, runs) == pytest.approx({"kendall": 1.0, "spearman": 1.0})
    crossed = [[np.array([even]), np.array([odd])] for even, odd in ((1.0, 1.0), (2.0, 3.0), (3.0, 2.0))]
    assert stability(base, crossed) == pytest.approx({"kendall": 1 / 3, "spearman": 0.5})
    assert stability(base, [[np.zeros(1)]]) == {"kendall": None, "spearman": None}


def test_outliers() -> None:
    """9 over the middle of 1, 2, 9."""
    assert outliers(np.array([1, 9, 2], np.float32)) == 4.5
    assert outliers(np.zeros(3, np.float32)) == 0


def test_squared_gradients_are_those_of_the_loss() -> None:
    """Of logits z the gradient is softmax(z) less one at the token that came: known exactly. 6,000 tokens: 5 %.

    The model is a table and a product of each token's own row.
    """
    graph, rng = build(parse(HEAD, "head.yaml")), np.random.default_rng(0)
    arrays = {name: rng.normal(size=each.shape).astype(np.float32) for name, each in graph.weights.items()}
    tokens = np.random.default_rng(2).integers(0, 7, (60, 101))
    model = Opened(Path("head"), graph, arrays, 7, 100)
    replay = Replay(Task(model, tuple(map(tuple, tokens.tolist()))))
    table, weight = arrays["input/embedding.weight"], arrays["1 linear/product.weight"]
    z = (table[tokens[:, :-1].reshape(-1)] @ weight.T).astype(np.float64)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    p[np.arange(len(p)), tokens[:, 1:].reshape(-1)] -= 1
    found = squared_gradient(replay, "1 linear/product", weight, None)
    assert found == pytest.approx((p**2).sum(axis=1).mean(), rel=0.05)
