"""Two forms of one network: the same values as the evaluator's, the same operators, the same times."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsim.graph import Graph
from archsim.graph.job import make_job
from archsim.graph.operators import Matmul
from archsim.machine import load_machine
from archsim.simulation import simulate
from tests.values.onnx_runs import Case, case, compared

DRAW = np.random.default_rng(5)


def floats(*shape: int) -> Any:  # noqa: ANN401
    return (0.3 * DRAW.normal(size=shape)).astype(np.float32)


def whole(*numbers: int) -> Any:  # noqa: ANN401
    return np.array(numbers, np.int64)


def number(value: float) -> Any:  # noqa: ANN401
    return np.array(value, np.float32)


def kinds(graph: Graph) -> list[str]:
    return [each.kind for each in graph.operators]


def macs(graph: Graph) -> int:
    return make_job(graph, "prefill", None, 0, 1).macs(graph)


def times(graph: Graph) -> tuple[float, float]:
    result = simulate(load_machine("isaac"), graph)
    return result.latency_s, result.energy_j


SQUARES = ("m = ReduceMean <axes=[-1]> (x)", "d = Sub (x, m)", "p = Mul (d, d)", "v = ReduceMean <axes=[2]> (p)")
MEANS = ("m = ReduceMean <axes=[-1]> (x)", "p = Mul (x, x)", "q = ReduceMean <axes=[2]> (p)", "n = Mul (m, m)")
ROOT = ("w = Add (v, e)", "r = Sqrt (w)")
SCALED = ("i = Reciprocal (r)", "s = Mul (i, g)")
APART = (*SCALED, "xs = Mul (x, s)", "ms = Mul (m, s)", "bs = Sub (b, ms)", "y = Add (xs, bs)")
TANH = ("t = Tanh (u)", "a = Add (t, one)", "h = Mul (x, half)", "y = Mul (h, a)")
GATE = ("u = Add (x, three)", "c = Clip (u, zero, six)")
WRITTEN_OUT = {
    "layernorm, scaled and shifted apart": (*SQUARES, *ROOT, *APART),
    "layernorm, scaled before": (*SQUARES, *ROOT, *SCALED, "n = Mul (d, s)", "y = Add (n, b)"),
    "layernorm by squares of means": (*MEANS, "v = Sub (q, n)", *ROOT, *APART),
    "layernorm by a power": (*SQUARES, "w = Add (v, e)", "r = Pow (w, half)", "y = Div (d, r)"),
    "layernorm, what is taken off is added": (
        *("m = ReduceMean <axes=[-1]> (x)", "z = Neg (m)", "d = Add (x, z)"),
        *(*SQUARES[2:], *ROOT, "y = Div (d, r)"),
    ),
    "rmsnorm, scaled before": ("p = Mul (x, x)", "v = ReduceMean <axes=[2]> (p)", *ROOT, *SCALED, "y = Mul (x, s)"),
    "rmsnorm without an epsilon": (
        *("p = Mul (x, x)", "v = ReduceMean <axes=[2]> (p)", "q = Sqrt (v)"),
        *("r = Reciprocal (q)", "z = Mul (x, r)", "y = Mul (z, g)"),
    ),
    "gelu of two halves": (
        "a = Mul (x, root)",
        "c = Erf (a)",
        "d = Mul (c, half)",
        "f = Add (d, half)",
        "y = Mul (x, f)",
    ),
    "gelu by half": ("a = Mul (x, root)", "c = Erf (a)", "d = Add (c, one)", "f = Mul (x, d)", "y = Div (f, two)"),
    "gelu of few digits": (
        "a = Mul (x, few)",
        "c = Erf (a)",
        "d = Add (c, one)",
        "f = Mul (x, d)",
        "y = Mul (f, half)",
    ),
    "gelu by tanh, x outside": (
        *("p = Mul (x, x)", "c = Mul (p, k)", "d = Add (c, one)", "z = Mul (x, l)", "u = Mul (z, d)"),
        *TANH,
    ),
    "silu by a power": ("n = Neg (x)", "c = Exp (n)", "d = Add (c, one)", "y = Div (x, d)"),
    "softmax by a reciprocal": ("p = Exp (x)", "s = ReduceSum (p, last)", "r = Reciprocal (s)", "y = Mul (p, r)"),
    "hardswish by a clip": (*GATE, "d = Mul (x, c)", "y = Div (d, six)"),
    "hardswish, a gate": (*GATE, "d = Mul (c, sixth)", "y = Mul (d, x)"),
    "hardswish by a hard sigmoid": ("c = HardSigmoid <alpha=0.16666667, beta=0.5> (x)", "y = Mul (x, c)"),
    "hardswish by bounds": (
        "u = Add (x, three)",
        "m = Max (u, zero)",
        "c = Min (m, six)",
        "d = Mul (x, c)",
        "y = Div (d, six)",
    ),
}
NUMBERS = {
    "e": number(0.01),
    "g": floats(6),
    "b": floats(6),
    "root": number(0.5**0.5),
    "few": number(0.7071),
    "k": number(0.044715),
    "l": number((2 / np.pi) ** 0.5),
    "last": whole(-1),
    "sixth": number(1 / 6),
    **{name: number(value) for name, value in (("zero", 0), ("half", 0.5), ("one", 1), ("two", 2), ("three", 3))},
    "six": number(6),
}


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_what_is_written_out_is_one_operator(name: str, tmp_path: Path) -> None:
    given = case(*WRITTEN_OUT[name], x=(2, 5, 6), **NUMBERS)
    assert kinds(compared(given.model(opset=13), tmp_path)) == [name.replace(",", "").split()[0]]
    for line in given.lines[:-1]:  # each tensor in turn is a result too
        compared(given.model("y", line.partition(" ")[0], opset=13), tmp_path)


SEQUENCE = {"x": (3, 7, 4), "k": floats(4, 6), "b": floats(6)}
MAP = {"x": (2, 6, 6, 3), "k": floats(6, 3, 3, 3), "b": floats(6)}
FIRST, LAST = "<perm=[0, 3, 1, 2]>", "<perm=[0, 2, 3, 1]>"
VECTORS = {"s": floats(6), "m": floats(6), "v": np.abs(floats(6)) + 1}
TAKEN_IN: dict[str, Case] = {
    "after a transpose": case(
        "a = MatMul (x, k)",
        "t = Transpose <perm=[0, 2, 1]> (a)",
        "y = Add (t, c)",
        c=SEQUENCE["b"][:, None],
        **SEQUENCE,
    ),
    "after a reshape": case(
        *("r = Reshape (x, s)", "a = MatMul (r, k)", "t = Reshape (a, u)", "y = Add (b, t)"),
        s=whole(-1, 4),
        u=whole(3, 7, 6),
        **SEQUENCE,
    ),
    "after a split into heads": case(
        *("a = MatMul (x, k)", "t = Reshape (a, s)", "u = Transpose <perm=[0, 3, 1, 2]> (t)", "v = Mul (u, c)"),
        "y = Add (v, d)",
        s=whole(3, 7, 2, 3),
        c=floats(3, 1, 2),
        d=floats(3, 1, 1),
        **SEQUENCE,
    ),
    "channels last": case(
        *(
            f"t = Transpose {FIRST} (x)",
            "a = Conv (t, k)",
            f"u = Transpose {LAST} (a)",
            "n = Mul (u, s)",
            "y = Add (n, b)",
        ),
        **MAP,
        **VECTORS,
    ),
    "channels last, a batch norm": case(
        *(f"t = Transpose {FIRST} (x)", "a = Conv (t, k)", f"u = Transpose {LAST} (a)", f"w = Transpose {FIRST} (u)"),
        *("n = BatchNormalization (w, s, b, m, v)", f"y = Transpose {LAST} (n)"),
        **MAP,
        **VECTORS,
    ),
}


@pytest.mark.parametrize("name", TAKEN_IN)
def test_scales_and_shifts_are_taken_in_through_views(name: str, tmp_path: Path) -> None:
    graph = compared(TAKEN_IN[name].model(), tmp_path)
    assert kinds(graph) == ["linear"]


def test_a_shared_bias_counts_once(tmp_path: Path) -> None:
    lines = ("a = Conv <pads=[1, 1]> (x, k, b)", "c = Relu (a)", "y = Conv <pads=[1, 1]> (c, k, b)")
    assert compared(case(*lines, x=(2, 4, 6), k=floats(4, 4, 3), b=floats(4)).model(), tmp_path).parameters == 48 + 4


PAST = np.tri(3, 10, 7, dtype=bool)
"""Three new positions after seven."""
LOW = {"low": number(-1e9), "one": number(1), "big": number(1e4)}
MASKS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "added": (("y = Add (s, m)",), {"m": np.where(PAST, 0, -1e9).astype(np.float32)}),
    "chosen": (("y = Where (m, s, low)",), {"m": PAST}),
    "beside others": (("a = Add (s, pad)", "y = Add (a, m)"), {"m": np.where(PAST, 0, -1e9).astype(np.float32)}),
    "before others": (("a = Where (m, s, low)", "y = Add (a, pad)"), {"m": PAST}),
    "no lower than": (("a = Add (s, m)", "y = Max (a, low)"), {"m": np.where(PAST, 0, -1e9).astype(np.float32)}),
    "multiplied in": (
        ("a = Mul (s, m)", "b = Sub (one, m)", "c = Mul (b, big)", "y = Sub (a, c)"),
        {"m": PAST.astype(np.float32)[None, None]},
    ),
    "of a larger one": (
        ("m = Slice (t, from, to)", "y = Where (m, s, low)"),
        {"t": np.tri(16, dtype=bool), "from": whole(7, 0), "to": whole(10, 10)},
    ),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_of_what_comes_after_a_past(name: str, tmp_path: Path) -> None:
    """Queries of three positions see 8, 9 and 10 keys of 4 values, in two heads: 27 pairs of 30.

    A mask that comes in hides more of them, and is no work.
    """
    lines, tensors = MASKS[name]
    pad = {"pad": (1, 1, 1, 10)} if any("pad" in line for line in lines) else {}
    given = case(
        *("k = Concat <axis=2> (p, n)", "kt = Transpose <perm=[0, 1, 3, 2]> (k)", "s = MatMul (q, kt)"),
        *(line.replace("y =", "h =") for line in lines),
        *("w = Softmax (h)", "y = MatMul (w, k)"),
        **{"q": (1, 2, 3, 4), "p": (1, 2, 7, 4), "n": (1, 2, 3, 4)} | pad | LOW | tensors,
    )
    graph = compared(given.model(), tmp_path)
    assert macs(graph) == 2 * 2 * 27 * 4
    assert kinds(graph) == ["matmul", "softmax", "matmul"]


@pytest.mark.parametrize(
    "repeat",
    [
        ("u = Unsqueeze (v, axes)", "w = Expand (u, wide)", "r = Reshape (w, heads)"),
        ("u = Unsqueeze (v, axes)", "w = Concat <axis=2> (u, u)", "r = Reshape (w, heads)"),
        ("r = Gather <axis=1> (v, each)",),
    ],
)
def test_heads_that_share_keys_store_them_once(repeat: tuple[str, ...], tmp_path: Path) -> None:
    """Four heads on two of three values."""
    given = [f"{name}0 = MatMul (x, w{name})" for name in "qv"]
    given += [f"{name}1 = Reshape ({name}0, s{name})" for name in "qv"]
    given += [f"{name} = Transpose <perm=[0, 2, 1, 3]> ({name}1)" for name in "qv"]
    lines = ("t = Transpose <perm=[0, 1, 3, 2]> (r)", "s = MatMul (q, t)", "p = Softmax (s)", "y = MatMul (p, r)")
    wide = {"axes": whole(2), "wide": whole(1, 2, 2, 5, 3), "heads": whole(1, 4, 5, 3), "each": whole(0, 0, 1, 1)}
    wide |= {"wq": floats(8, 12), "wv": floats(8, 6), "sq": whole(1, 5, 4, 3), "sv": whole(1, 5, 2, 3)}
    graph = compared(case(*given, *repeat, *lines, x=(1, 5, 8), **wide).model(), tmp_path)
    assert [each.stored for each in graph.operators if isinstance(each, Matmul)] == [6, 6]


def test_positions_first_with_heads_in_the_batch(tmp_path: Path) -> None:
    """As PyTorch writes it: [positions, batch x heads, values] is as [batch, heads, positions, values]."""
    matrices = {f"w{name}": floats(6, 6) for name in "qkv"}
    products = [f"{name}0 = MatMul (x, w{name})" for name in "qkv"]
    score = ("s = MatMul (q, t)", "p = Softmax (s)", "y = MatMul (p, v)")
    first = case(
        *products,
        *(f"{name}1 = Reshape ({name}0, s3)" for name in "qkv"),
        *(f"{name} = Transpose <perm=[1, 0, 2]> ({name}1)" for name in "qkv"),
        *("t = Transpose <perm=[0, 2, 1]> (k)", *score),
        x=(5, 2, 6),
        s3=whole(5, 4, 3),
        **matrices,
    )
    usual = case(
        *products,
        *(f"{name}1 = Reshape ({name}0, s4)" for name in "qkv"),
        *(f"{name} = Transpose <perm=[0, 2, 1, 3]> ({name}1)" for name in "qkv"),
        *("t = Transpose <perm=[0, 1, 3, 2]> (k)", *score),
        x=(2, 5, 6),
        s4=whole(2, 5, 2, 3),
        **matrices,
    )
    assert times(compared(first.model(), tmp_path)) == times(compared(usual.model(), tmp_path))


HALVES = {"k": floats(2, 12, 4), "r": floats(2, 12, 3), "b": floats(2, 24)}
BATCHES: dict[str, tuple[tuple[str, ...], tuple[int, ...], int, dict[str, Any]]] = {  # inputs, and place of the batch
    "convolutions": (
        ("a = Conv (x, k)", "c = MaxPool <kernel_shape=[2, 2]> (a)", "p = GlobalAveragePool (c)", "y = Conv (p, u)"),
        (1, 3, 6, 6),
        0,
        {"k": floats(4, 3, 3, 3), "u": floats(2, 4, 1, 1)},
    ),
    "positions first": (
        ("a = MatMul (x, k)", "c = LayerNormalization (a, s)", "y = MatMul (c, u)"),
        (7, 1, 4),
        1,
        {"k": floats(4, 5), "s": floats(5), "u": floats(5, 3)},
    ),
    "sequences of a recurrence": (
        ("o, h, c = LSTM <hidden_size=3> (x, k, r, b)", "t = Squeeze (o, one)", "y = MatMul (t, u)"),
        (7, 1, 4),
        1,
        {**{name: each[:1] for name, each in HALVES.items()}, "one": whole(1), "u": floats(3, 2)},
    ),
    "sequences in both directions": (
        (
            'o, h, c = LSTM <hidden_size=3, direction="bidirectional"> (x, k, r, b)',
            *("t = Transpose <perm=[0, 2, 1, 3]> (o)", "m = Reshape (t, s)", "y = MatMul (m, u)"),
        ),
        (7, 1, 4),
        1,
        {**HALVES, "s": whole(0, 0, -1), "u": floats(6, 2)},
    ),
}


@pytest.mark.parametrize("machine", ["isaac", "puma"])
@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_of_the_file_takes_as_long_as_one_of_the_job(name: str, machine: str, tmp_path: Path) -> None:
    lines, sizes, at, tensors = BATCHES[name]
    one, three = (
        compared(case(*lines, x=(*sizes[:at], batch, *sizes[at + 1 :]), **tensors).model(opset=17), tmp_path)
        for batch in (1, 3)
    )
    assert macs(three) == 3 * macs(one)
    file, job = simulate(load_machine(machine), three), simulate(load_machine(machine), one, batch=3)
    assert file.latency_s == job.latency_s
    assert file.energy_j == pytest.approx(job.energy_j, rel=1e-12)
