"""Expert routing as files write it: a router, TopK, and weights that are gathered; values, MACs and weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsim.graph.job import make_job
from tests.values.onnx_runs import case, compared

DRAW = np.random.default_rng(5)
POSITIONS, WIDTH, EXPERTS, INNER, CHOSEN = 6, 8, 5, 12, 2


def floats(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.normal(size=shape).astype(np.float32)


TENSORS = {
    "router": floats(WIDTH, EXPERTS),
    "up": floats(EXPERTS, WIDTH, INNER),
    "down": floats(EXPERTS, INNER, WIDTH),
    "k": np.array([CHOSEN]),
    "sizes": np.array([POSITIONS, EXPERTS]),
    **{name: np.array([at]) for name, at in (("first", 0), ("second", 1), ("third", 2), ("last", -1))},
    "middle": np.array([1, 2]),
}
GATES = ("r = MatMul (x, router)", "p = Softmax <axis = -1> (r)", "v, i = TopK <axis = -1> (p, k)")
AFTER = ("r = MatMul (x, router)", "t, i = TopK <axis = -1> (r, k)", "v = Softmax <axis = -1> (t)")
PICKED = ("a = Gather <axis = 0> (up, i)", "b = Gather <axis = 0> (down, i)")
PRODUCTS = (
    *("w = Unsqueeze (x, middle)", "h = MatMul (w, a)", "g = Relu (h)", "o = MatMul (g, b)"),
    *(
        "n = Squeeze (o, third)",
        "u = Unsqueeze (v, last)",
        "m = Mul (n, u)",
        "y = ReduceSum <keepdims = 0> (m, second)",
    ),
)
EINSUMS = (
    *('h = Einsum <equation = "td,tkdf->tkf"> (x, a)', "s = Sigmoid (h)", "g = Mul (h, s)"),
    *('o = Einsum <equation = "tkf,tkfd->tkd"> (g, b)', 'y = Einsum <equation = "tkd,tk->td"> (o, v)'),
)
DENSE = (
    *("w = Unsqueeze (x, first)", "h = MatMul (w, up)", "g = Relu (h)", "o = MatMul (g, down)"),
    *("z = ConstantOfShape (sizes)", "s = ScatterElements <axis = 1> (z, i, v)", "f = Transpose <perm = [1, 0]> (s)"),
    *("u = Unsqueeze (f, last)", "m = Mul (o, u)", "y = ReduceSum <keepdims = 0> (m, first)"),
)
ROUTER, OF_ONE = POSITIONS * WIDTH * EXPERTS, 2 * WIDTH * INNER


@pytest.mark.parametrize(
    ("lines", "macs"),
    [
        ((*GATES, *PICKED, *PRODUCTS), ROUTER + POSITIONS * CHOSEN * OF_ONE),
        ((*GATES, *PICKED, *EINSUMS), ROUTER + POSITIONS * CHOSEN * (OF_ONE + WIDTH)),
        ((*AFTER, *PICKED, *EINSUMS), ROUTER + POSITIONS * CHOSEN * (OF_ONE + WIDTH)),
        ((*GATES, *DENSE), ROUTER + POSITIONS * EXPERTS * OF_ONE),
    ],
)
def test_experts(lines: tuple[str, ...], macs: int, tmp_path: Path) -> None:
    """Those that are chosen are counted; all, where the file computes all and puts gates of 0 before the others."""
    graph = compared(case(*lines, x=(POSITIONS, WIDTH), **TENSORS).model(opset=18), tmp_path)
    assert graph.parameters == WIDTH * EXPERTS + EXPERTS * OF_ONE
    assert make_job(graph, "prefill", None, 0, 1).macs(graph) == macs
