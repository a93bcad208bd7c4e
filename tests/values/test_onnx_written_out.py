"""Operators that are written out in simpler ones before they are read: values, and products counted by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from archsim.errors import ArchsimError
from archsim.graph import Graph
from archsim.graph.job import make_job
from archsim.graph.load import load_model
from archsim.graph.onnx.load import load_onnx_arrays
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from tests.values.onnx_runs import case, compared

DRAW = np.random.default_rng(7)


def floats(*shape: int) -> Any:  # noqa: ANN401
    return (0.5 * DRAW.normal(size=shape)).astype(np.float32)


def whole(*numbers: int) -> Any:  # noqa: ANN401
    return np.array(numbers, np.int64)


def macs(graph: Graph) -> int:
    return make_job(graph, "prefill", None, 0, 1).macs(graph)


def kinds(graph: Graph) -> list[str]:
    return [each.kind for each in graph.operators]


HEADS = {"q": (1, 4, 5, 8), "k": (1, 4, 6, 8), "v": (1, 4, 6, 3)}
GROUPS = {"q": (1, 4, 5, 8), "k": (1, 2, 6, 8), "v": (1, 2, 6, 3)}
FLAT = {"q": (1, 5, 32), "k": (1, 6, 16), "v": (1, 6, 6)}
FUSED: dict[str, tuple[str, dict[str, Any], int]] = {
    "plain": ("Attention (q, k, v)", HEADS, 30),
    "scaled and capped": ("Attention <scale=0.5, softcap=2.0> (q, k, v)", HEADS, 30),
    "groups": ("Attention (q, k, v)", GROUPS, 30),
    "flat groups": ("Attention <q_num_heads=4, kv_num_heads=2> (q, k, v)", FLAT, 30),
    "causal": ("Attention <is_causal=1> (q, k, v)", HEADS, 15),
    "constant mask": (
        "Attention (q, k, v, m)",
        {**HEADS, "m": np.where(np.tri(5, 6, 1, dtype=bool), 0, -1e9).astype(np.float32)},
        20,
    ),
    "constant mask of truths": ("Attention (q, k, v, m)", {**HEADS, "m": np.tri(5, 6, 1, dtype=bool)}, 20),
    "mask that comes in": ("Attention (q, k, v, m)", {**HEADS, "m": (5, 6)}, 30),
}


@pytest.mark.parametrize("name", FUSED)
def test_attention_is_two_products_and_a_softmax(name: str, tmp_path: Path) -> None:
    """4 heads at 5 positions that see 6 keys, or as many as a mask leaves: 8 values of a key, 3 of a value."""
    operator, tensors, pairs = FUSED[name]
    graph = compared(case(f"y = {operator}", **tensors).model(opset=23), tmp_path)
    assert macs(graph) == 4 * pairs * (8 + 3)
    first = kinds(graph)[:2]
    assert first == ["matmul", "softmax"]
    if "comes in" not in name:
        assert kinds(graph) == ["matmul", "softmax", "matmul"]
        assert not graph.parameters


@pytest.mark.parametrize("mode", range(4))
def test_attention_with_a_past_and_all_results(mode: int, tmp_path: Path) -> None:
    """2 new positions after 4: 4 heads x 2 x 6 keys."""
    given = case(
        f"y, pk, pv, s = Attention <is_causal=1, qk_matmul_output_mode={mode}> (q, k, v, , a, b)",
        "z = Relu (y)",
        q=(1, 4, 2, 8),
        k=(1, 4, 2, 8),
        v=(1, 4, 2, 3),
        a=(1, 4, 4, 8),
        b=(1, 4, 4, 3),
    )
    graph = compared(given.model("z", "pk", "pv", "s", opset=23), tmp_path)
    assert macs(graph) <= 4 * 12 * (8 + 3)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize(("x", "more"), [((1, 2, 3, 8), ""), ((1, 3, 16), "num_heads=2, ")])
def test_rotary_embedding(x: tuple[int, ...], more: str, interleaved: int, tmp_path: Path) -> None:
    """Tables are no weights that anyone trained."""
    for turned, places in ((0, True), (4, True), (0, False)):
        angles = floats(*(() if places else (1,)), *((9,) if places else (3,)), (turned or 8) // 2)
        inputs = "x, c, s, p" if places else "x, c, s"
        line = f"y = RotaryEmbedding <{more}interleaved={interleaved}, rotary_embedding_dim={turned}> ({inputs})"
        tensors = {"x": x, "c": np.cos(angles), "s": np.sin(angles)} | ({"p": whole(4, 0, 8)[None]} if places else {})
        graph = compared(case(line, **tensors).model(opset=23), tmp_path)
        assert (graph.parameters, macs(graph)) == (0, 0)


@pytest.mark.parametrize(
    ("line", "tensors", "opset"),
    [
        ("y = Celu <alpha=0.7> (x)", {"x": (2, 5)}, 17),
        ("y = MeanVarianceNormalization (x)", {"x": (2, 3, 4, 4)}, 17),
        ("y = Mish (x)", {"x": (2, 5)}, 22),
        ("y = Shrink <lambd=0.2, bias=0.1> (x)", {"x": (2, 5)}, 18),
        ("y = GroupNormalization <num_groups=2> (x, s, b)", {"x": (1, 4, 5), "s": (4,), "b": (4,)}, 21),
        ("y = LayerNormalization (x, s, b)", {"x": (1, 4, 5), "s": (5,), "b": floats(5)}, 17),
        ("y, m, i = LayerNormalization (x, s)", {"x": (1, 4, 5), "s": floats(5)}, 17),
        ("y = RMSNormalization <axis=1> (x, s)", {"x": (1, 4, 5), "s": (4, 5)}, 23),
        (
            "y = BatchNormalization (x, s, b, m, v)",
            {"x": (1, 4, 5), "s": (4,), "b": (4,), "m": (4,), "v": abs(floats(4))},
            17,
        ),
    ],
)
def test_definitions(line: str, tensors: dict[str, Any], opset: int, tmp_path: Path) -> None:
    outputs = ("y", "m", "i") if line.startswith("y, m") else ("y",)
    compared(case(line, **tensors).model(*outputs, opset=opset), tmp_path)


BRANCHES = (
    "y = If (c) <then_branch = t () => (float a) { a = MatMul (x, w) },"
    " else_branch = e () => (float b) { b = Relu (x) }>"
)
UNTIL = (
    "y, z = Loop (ten, on, x) <body = g (int64 i, bool c, float h) => (bool d, float o, float r)"
    " { k = Add (i, one) d = Less (k, three) p = MatMul (h, w) o = Tanh (p) r = ReduceMean <keepdims=0> (p) }>"
)
SO_OFTEN = (
    "y = Loop (three, on, x) <body = g (int64 i, bool c, float h) => (bool d, float o)"
    " { d = Identity (c) p = MatMul (h, w) o = Tanh (p) }>"
)
SCAN = (
    "y, z = Scan <num_scan_inputs=1, body = g (float[4] h, float[4] v) => (float[4] o, float[4] r)"
    " { p = MatMul (v, w) o = Add (h, p) r = Tanh (p) }> (start, x)"
)
CONTROL = {
    "the branch that is taken": ("n = Shape <start=0, end=1> (x)", "c = Greater (n, two)", BRANCHES),
    "a loop of known length": (SO_OFTEN,),
    "a loop until a condition": (UNTIL,),
    "a scan": (SCAN,),
}


@pytest.mark.parametrize("name", CONTROL)
def test_branches_and_loops(name: str, tmp_path: Path) -> None:
    """Each of three runs of a body multiplies; weights are held once."""
    tensors = {"x": (3, 4), "w": floats(4, 4), "two": whole(2), "three": np.array(3), "ten": np.array(10)}
    tensors |= {"one": np.array(1), "on": np.ones((), np.bool_), "start": floats(4)}
    graph = compared(case(*CONTROL[name], **tensors).model(opset=17), tmp_path)
    times = {"the branch that is taken": 3, "a scan": 3}.get(name, 9)
    assert macs(graph) == times * 4 * 4
    assert graph.parameters == 16 + 4 * (name == "a scan")


LOOP = "y = Loop (n, , x) <body = g (int64 i, bool c, float h) => (bool d, float o) { d = Identity (c) o = Tanh (h) }>"


def test_a_loop_that_depends_on_data_is_refused_by_name(tmp_path: Path) -> None:
    model = case(LOOP, x=(3, 4), n=(1,)).model(whole=("n",))
    onnx.save(model, str(tmp_path / "model.onnx"))
    with pytest.raises(ArchsimError, match=r"\(Loop\): 'n' is made at run time; expected a constant\. Try --value n"):
        load_model(tmp_path / "model.onnx")


def test_a_loop_that_would_be_too_long_is_refused(tmp_path: Path) -> None:
    onnx.save(case(LOOP, x=(3, 4), n=np.array(10**9)).model(), str(tmp_path / "model.onnx"))
    with pytest.raises(ArchsimError, match="expected at most 16,384"):
        load_model(tmp_path / "model.onnx")


TRANSPOSED = [
    ((5,), (4,), "strides=[2], pads=[1, 1]"),
    ((5,), (3,), "strides=[3], output_padding=[2]"),
    ((4, 3), (3, 2), "strides=[1, 2], dilations=[2, 1]"),
    ((4, 3), (4, 3), 'strides=[2, 3], auto_pad="SAME_LOWER"'),
    ((4, 3), (3, 3), "strides=[2, 2], output_shape=[10, 8]"),
    ((2, 3, 2), (2, 3, 2), "strides=[2, 1, 2], pads=[0, 1, 0, 0, 1, 0]"),
]


@pytest.mark.parametrize("weights", ["held", "coming in"])
@pytest.mark.parametrize(("sizes", "kernel", "attributes"), TRANSPOSED)
def test_transposed_convolutions(
    sizes: tuple[int, ...], kernel: tuple[int, ...], attributes: str, weights: str, tmp_path: Path
) -> None:
    outputs = 3
    shape = (4, outputs, *kernel)
    line = f"y = ConvTranspose <{attributes}> (x, w, b)"
    tensors = {"x": (1, 4, *sizes), "w": floats(*shape) if weights == "held" else shape}
    graph = compared(case(line, **tensors, b=floats(outputs)).model(), tmp_path)
    assert graph.parameters == outputs + (np.prod(shape) if weights == "held" else 0)


def test_a_transposed_convolution_in_groups(tmp_path: Path) -> None:
    """By its definition, as the evaluator knows no groups: what an index and a tap give is added at its place."""
    weights, x = floats(4, 3, 3), floats(1, 4, 5)
    line = "y = ConvTranspose <strides=[2], dilations=[2], group=2> (x, w)"
    onnx.save(case(line, x=(1, 4, 5), w=weights).model(), str(tmp_path / "model.onnx"))
    graph, arrays = load_onnx_arrays(tmp_path / "model.onnx")
    wanted = np.zeros((1, 6, 13), np.float32)
    for at, tap, channel, output in np.ndindex(5, 3, 4, 3):
        wanted[0, channel // 2 * 3 + output, 2 * at + 2 * tap] += x[0, channel, at] * weights[channel, output, tap]
    found = Executor(graph, arrays, FloatArithmetic()).run({"x": x[None]})[graph.outputs[0]][0]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


def test_a_transposed_convolution_multiplies_no_zeros(tmp_path: Path) -> None:
    """A kernel of 4 by steps of 2: each of 9 x 9 blocks of 2 x 2 needs 2 x 2 positions; 6 inputs, 3 outputs.

    What is added and normalised behind it is part of its weights.
    """
    graph = compared(
        case(
            "a = ConvTranspose <strides=[2, 2], pads=[1, 1, 1, 1]> (x, w, b)",
            "y = BatchNormalization (a, s, b, m, v)",
            x=(1, 6, 8, 8),
            w=floats(6, 3, 4, 4),
            b=floats(3),
            s=floats(3),
            m=floats(3),
            v=1 + abs(floats(3)),
        ).model(),
        tmp_path,
    )
    assert kinds(graph) == ["linear"]
    assert macs(graph) == 81 * 4 * (2 * 2 * 6 * 3)
    assert graph.parameters == 6 * 3 * 16 + 3 + 2 * 3


@pytest.mark.parametrize(
    ("x", "weights", "attributes", "number"),
    [
        ((1, 4, 7), (6, 4, 3), "pads=[1, 1], strides=[2]", 4 * 6 * 4 * 3),
        ((1, 4, 6, 5), (6, 2, 3, 2), "group=2, dilations=[2, 1]", 2 * 4 * 6 * 2 * 6),
        ((1, 2, 3, 4, 2), (2, 2, 2, 2, 1), "", 2 * 3 * 2 * 2 * 2 * 4),
    ],
)
def test_convolutions_by_weights_that_are_made_at_run_time(
    x: tuple[int, ...], weights: tuple[int, ...], attributes: str, number: int, tmp_path: Path
) -> None:
    line = f"y = Conv <{attributes}> (x, w, b)" if attributes else "y = Conv (x, w, b)"
    graph = compared(case(line, x=x, w=weights, b=floats(weights[0])).model(), tmp_path)
    assert kinds(graph) == ["matmul"]
    assert macs(graph) == number


@pytest.mark.parametrize(
    ("mode", "more"), [("linear", ""), ("linear", ", antialias=1"), ("cubic", ""), ("cubic", ", exclude_outside=1")]
)
@pytest.mark.parametrize(
    "way", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"]
)
def test_maps_are_resized_by_shares(mode: str, way: str, more: str, tmp_path: Path) -> None:
    for scales in ((1, 1, 1.7, 2.3), (1, 1, 0.6, 0.45)):
        line = f'y = Resize <mode="{mode}", coordinate_transformation_mode="{way}"{more}> (x, , s)'
        graph = compared(case(line, x=(1, 2, 7, 9), s=np.array(scales, np.float32)).model(opset=18), tmp_path)
        assert (macs(graph), graph.parameters) == (0, 0)


def test_a_linear_resize_is_two_products_and_a_sum_for_each_dimension(tmp_path: Path) -> None:
    line = 'y = Resize <mode="linear"> (x, , s)'
    graph = compared(case(line, x=(1, 2, 4, 4), s=np.array([1, 1, 2, 1], np.float32)).model(opset=18), tmp_path)
    assert kinds(graph) == ["mul", "mul", "add"]


@pytest.mark.parametrize(
    ("equation", "shapes", "number"),
    [
        ("ij,jk->ik", ((3, 4), (4, 5)), 60),
        ("bii,bij->bj", ((2, 3, 3), (2, 3, 4)), 24),
        ("...ij,...jk->...ik", ((2, 3, 4), (2, 4, 5)), 120),
        ("bij,bkj->b", ((2, 3, 4), (2, 5, 4)), 8),
        ("iji->j", ((3, 4, 3),), 0),
        ("ij->", ((3, 4),), 0),
    ],
)
def test_einsum(equation: str, shapes: tuple[tuple[int, ...], ...], number: int, tmp_path: Path) -> None:
    """What one operand has alone is summed over before the product."""
    names = ("a", "b")[: len(shapes)]
    lines = (f'z = Einsum <equation="{equation}"> ({", ".join(names)})', "y = Tanh (z)")
    assert macs(compared(case(*lines, **dict(zip(names, shapes, strict=True))).model(), tmp_path)) == number


def test_linear_attention_is_a_product_a_position(tmp_path: Path) -> None:
    """2 heads of 4 keys and 3 values at 3 positions: what is added to the state, and what is read of it."""
    node = helper.make_node(
        "LinearAttention", ["q", "k", "v"], ["y", "s"], q_num_heads=2, kv_num_heads=2, update_rule="linear"
    )
    shapes = {"q": [1, 3, 8], "k": [1, 3, 8], "v": [1, 3, 6]}
    given = [helper.make_tensor_value_info(name, 1, shape) for name, shape in shapes.items()]
    made = [helper.make_tensor_value_info(name, 1, None) for name in "ys"]
    model = helper.make_model(
        helper.make_graph([node], "g", given, made), opset_imports=[helper.make_opsetid("", 27)], ir_version=10
    )
    assert macs(compared(model, tmp_path)) == 3 * 2 * (4 * 3 + 4 * 3)
