"""Two cheap guesses at a projection's sensitivity, which need no programming seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from archsim.kernels.draws import generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archsim.profile.causes import Analog
    from archsim.profile.replay import Replay
    from archsim.values.arithmetic import Product, Values

PROXIES: Final = ("fisher", "outliers")
_STEP = 0.01
"""Size of the probe, over the root mean square of the outputs: small enough that losses are straight along it."""


def moments(replay: Replay) -> dict[str, tuple[Values, Values]]:
    """Of each projection's inputs: mean square and largest magnitude of each channel, both (in,)."""
    squares: dict[str, Values] = {}
    largest: dict[str, Values] = {}
    counts: dict[str, int] = {}

    def watch(key: str, x: Values) -> None:
        top = np.abs(x).max(axis=0)
        squares[key] = squares.get(key, np.float32(0)) + (x**2).sum(axis=0)
        largest[key] = np.maximum(largest[key], top) if key in largest else top
        counts[key] = counts.get(key, 0) + len(x)

    replay.run({}, watch)
    return {key: (squares[key] / np.float32(counts[key]), largest[key]) for key in squares}


def outliers(largest: Values) -> float:
    """How far the largest channel stands above the middle one: 1 where all are alike.

    It is what makes inputs of few bits coarse (T. Dettmers et al., LLM.int8(), NeurIPS 2022).
    """
    middle = float(np.median(largest))
    return float(largest.max()) / middle if middle else float(bool(largest.max()))


def fisher(replay: Replay, analog: Analog, key: str, squares: Values) -> float:
    """Second-order change of the loss, nats a token: half the squared gradients times squared errors of weights.

    The Fisher matrix's diagonal is taken apart as J. Martens and R. Grosse do (ICML 2015): the mean square of an input
    times that of the gradient of an output. The latter is measured without a backward pass, by the change of each
    token's loss along one random direction (J. C. Spall, IEEE TAC 37, 1992), all outputs of all positions at once.
    Weight errors are those of programming and clipping with seed 0; what converters do is not in it.
    """
    weight, bias = replay.matrices[key]
    wrong = analog.error("all", 0, key, weight)
    variance = float((wrong.astype(np.float64) ** 2 @ squares).mean())
    return 0.5 * variance * squared_gradient(replay, key, weight, bias)


def squared_gradient(replay: Replay, key: str, weight: Values, bias: Values | None) -> float:
    """Mean over tokens of the sum over outputs and positions of the squared gradient of the loss."""
    size = [1.0]

    def probe(sign: float) -> Mapping[str, Product]:
        draw = generator(0, key, "probe")

        def product(x: Values) -> Values:
            y = x @ weight.T if bias is None else x @ weight.T + bias
            if draw.bit_generator.state["state"]["counter"][0] == 0:
                size[0] = float(np.sqrt((y.astype(np.float64) ** 2).mean())) or 1.0
            step = np.float32(sign * _STEP * size[0])
            return y + step * draw.standard_normal(y.shape, np.float32)

        return {key: product}

    up, down = (replay.run(probe(sign)) for sign in (1.0, -1.0))
    return float((((up - down) / 2) ** 2).mean()) / (_STEP * size[0]) ** 2
