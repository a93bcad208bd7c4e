"""Rotary positions, projections and windows as exporters write them: one operator each, and the evaluator's values."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsim.graph import Graph, load_model
from archsim.graph.nodes import Contraction, Elementwise, Normalise
from archsim.graph.onnx.load import load_onnx_arrays
from archsim.graph.operators import Linear, Rowwise
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from tests.values.onnx_runs import case, compared

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "torch"
DRAW = np.random.default_rng(4)
ANGLES = np.outer(np.arange(5), [1, 0.1]).astype(np.float32)
FULL = np.concatenate([ANGLES, ANGLES], -1)


def floats(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.normal(size=shape).astype(np.float32)


def whole(*numbers: int) -> Any:  # noqa: ANN401
    return np.array(numbers, np.int64)


def kinds(graph: Graph) -> list[str]:
    return [each.kind for each in graph.operators]


ENDS: dict[str, Any] = {"zero": whole(0), "two": whole(2), "four": whole(4), "six": whole(6), "last": whole(3)}
PARTS = ("a = Slice (p, zero, two, last)", "b = Slice (p, two, four, last)")
EVEN = ("a = Slice (p, zero, four, last, two)", "b = Slice (p, one, four, last, two)")
TURNED = ("m = Mul (a, c)", "n = Mul (b, s)", "e = Sub (m, n)", "g = Mul (a, s)", "h = Mul (c, b)", "i = Add (h, g)")
HALF = ("n = Neg (b)", "r = Concat <axis=3> (n, a)", "m = Mul (r, s)", "o = Mul (p, c)")
STACKED = (
    *("ee = Reshape (e, apart)", "ii = Reshape (i, apart)", "st = Concat <axis=4> (ee, ii)"),
    "y = Reshape (st, whole)",
)
ROTARY: dict[str, tuple[tuple[str, ...], Any]] = {
    "half, sum": ((*PARTS, *HALF, "y = Add (m, o)"), FULL),
    "half, pairs": ((*PARTS, *TURNED, "y = Concat <axis=-1> (e, i)"), ANGLES),
    "neighbours, pairs": ((*EVEN, *TURNED, *STACKED), ANGLES),
}


@pytest.mark.parametrize("name", ROTARY)
def test_rotary_positions_are_one_operator(name: str, tmp_path: Path) -> None:
    """3 heads of 4 values at 5 positions of 2 sequences; the tables are not trained."""
    lines, angles = ROTARY[name]
    tensors = {"c": np.cos(angles), "s": np.sin(angles), "one": whole(1), "apart": whole(2, 3, 5, 2, 1)} | ENDS
    given = case(*lines, "z = Relu (y)", p=(2, 3, 5, 4), whole=whole(2, 3, 5, 4), **tensors)
    graph = compared(given.model("y", "z"), tmp_path)
    assert (kinds(graph), graph.parameters) == (["rotary", "relu"], 0)


def test_rotary_positions_of_the_first_values(tmp_path: Path) -> None:
    """4 of 6 values of a head are turned."""
    lines = ("p = Slice (x, zero, four, last)", "rest = Slice (x, four, six, last)", *PARTS, *HALF, "t = Add (o, m)")
    tensors = {"c": np.cos(FULL), "s": np.sin(FULL)} | ENDS
    graph = compared(case(*lines, "y = Concat <axis=3> (t, rest)", x=(2, 3, 5, 6), **tensors).model(), tmp_path)
    (rotary,) = graph.operators
    assert isinstance(rotary, Rowwise)
    assert (rotary.kind, rotary.rows * rotary.width * (rotary.stream.length or 1)) == ("rotary", 2 * 3 * 5 * 6)


@pytest.mark.parametrize("changed", ["o = Mul (r, c)", "n = Neg (a)", "y = Sub (m, o)"])
def test_what_is_no_rotation_stays_as_it_is(changed: str, tmp_path: Path) -> None:
    lines = [
        changed if changed.split(maxsplit=1)[0] == line.split()[0] else line
        for line in (*PARTS, *HALF, "y = Add (m, o)")
    ]
    tensors = {"c": np.cos(FULL), "s": np.sin(FULL)} | ENDS
    graph = compared(case(*lines, p=(2, 3, 5, 4), **tensors).model(), tmp_path)
    assert "rotary" not in kinds(graph)


PROJECTED = (
    *("q0 = MatMul (x, wq)", "q1 = Add (q0, bq)", "k0 = MatMul (x, wk)", "v0 = MatMul (z, wv)", "v1 = Add (v0, bv)"),
    *("q2 = Reshape (q1, s)", "k2 = Reshape (k0, t)", "v2 = Reshape (v1, t)"),
    *("q = Transpose <perm=[0, 2, 1, 3]> (q2)", "k = Transpose <perm=[0, 2, 3, 1]> (k2)"),
    *("v = Transpose <perm=[0, 2, 1, 3]> (v2)", "a = MatMul (q, k)", "p = Softmax (a)", "y = MatMul (p, v)"),
)


@pytest.mark.parametrize(("lines", "sizes"), [((), [16]), (("z = Relu (x)",), [12, 4])])
def test_projections_of_one_input_are_one_product(lines: tuple[str, ...], sizes: list[int], tmp_path: Path) -> None:
    """8 + 4 + 4 outputs of 6 inputs, two of which have a bias; values may come from another tensor."""
    named = PROJECTED if lines else [line.replace("(z,", "(x,") for line in PROJECTED]
    tensors = {"wq": floats(6, 8), "wk": floats(6, 4), "wv": floats(6, 4), "bq": floats(8), "bv": floats(4)}
    shapes = {"s": whole(2, 5, 2, 4), "t": whole(2, 5, 1, 4)}  # two heads share keys
    given = case(*lines, *named, x=(2, 5, 6), **tensors, **shapes)
    graph = compared(given.model(), tmp_path)
    assert sorted(each.out_features for each in graph.operators if isinstance(each, Linear)) == sorted(sizes)
    assert graph.parameters == 6 * 16 + 8 + 4


def test_windows_of_a_network_of_layers_have_the_values_of_pytorch() -> None:
    """Swin's weights, from an export of it; of its table each row is where two pixels of a window are as far apart."""
    network = load_model(FIXTURES / "swin.yaml")
    exported, numbers = load_onnx_arrays(FIXTURES / "swin-eager.dynamo.onnx")
    arrays: dict[str, Any] = {}
    pairs = [[node for node in graph.nodes if _has_weights(node)] for graph in (network, exported)]
    for own, other in zip(*pairs, strict=True):
        for name, given in zip(own.inputs[1:], other.inputs[1:], strict=True):
            value, shape = numbers[given], network.weights[name].shape
            turned = isinstance(own, Contraction) and value.ndim == 2
            arrays[name] = (value.T if turned else value).reshape(shape)
    spread = [node for node in exported.nodes if isinstance(node, Elementwise) and node.kind == "add"]
    biases = [numbers[name] for node in spread for name in node.inputs if name in exported.weights]
    tables = [name for name in network.weights if name.endswith(".table")]
    for name, bias in zip(tables, biases, strict=True):
        arrays[name] = _table(bias.reshape(-1, 2, 16, 16)[0])
    given = np.load(FIXTURES / "swin-eager.npz")
    made = Executor(network, arrays, FloatArithmetic()).run({"image": given["in 0"]})
    wanted = given["out 0"].reshape(8, 8, 16).transpose(2, 0, 1)
    (values,) = made.values()
    assert np.abs(values[0] - wanted).max() <= 1e-4 * np.abs(wanted).max()


def _has_weights(node: Any) -> bool:  # noqa: ANN401
    product = isinstance(node, Contraction) and node.stationary
    return product or (isinstance(node, Normalise) and node.function == "layernorm")


def _table(bias: Any) -> Any:  # noqa: ANN401
    """[49 distances, heads] of [heads, 16 pixels, 16 keys] of windows of 4 x 4."""
    found = np.zeros((49, len(bias)), np.float32)
    for pixel in range(16):
        for key in range(16):
            down, across = pixel // 4 - key // 4, pixel % 4 - key % 4
            found[(down + 3) * 7 + across + 3] = bias[:, pixel, key]
    return found
