"""ONNX files as Graphs on values: equal to ONNX's reference evaluator."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from archsim.errors import ArchsimError
from archsim.graph.onnx.load import load_onnx_arrays
from tests.values.onnx_runs import Case, case, compared

DRAW = np.random.default_rng(1)


def floats(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.normal(size=shape).astype(np.float32)


def positive(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.uniform(0.5, 1.5, shape).astype(np.float32)


def whole(*numbers: int) -> Any:  # noqa: ANN401
    return np.array(numbers, np.int64)


def number(value: float) -> Any:  # noqa: ANN401
    return np.float32(value)


MAP: dict[str, Any] = {"x": (2, 4, 7, 6)}
LINE: dict[str, Any] = {"x": (1, 4, 9)}
ROWS: dict[str, Any] = {"x": (2, 5, 6)}

PRODUCTS = {
    "conv, both batches": case(
        "y = Conv <pads=[1, 0, 1, 2], strides=[2, 1]> (x, w, b)", **MAP, w=floats(6, 4, 3, 3), b=floats(6)
    ),
    "conv in groups": case("y = Conv <dilations=[2, 1], group=2> (x, w, b)", **MAP, w=floats(6, 2, 3, 2), b=floats(6)),
    "depthwise": case('y = Conv <auto_pad="SAME_LOWER", group=4, strides=[2, 2]> (x, w)', **MAP, w=floats(8, 1, 4, 3)),
    "pointwise, strided": case("y = Conv <strides=[2, 2]> (x, w)", **MAP, w=floats(5, 4, 1, 1)),
    "conv of one dimension": case("y = Conv <dilations=[2], pads=[3, 1]> (x, w)", **LINE, w=floats(8, 4, 3)),
    "conv of three dimensions": case(
        "y = Conv <group=2, pads=[1, 0, 1, 1, 1, 0]> (x, w)", x=(1, 4, 4, 5, 3), w=floats(6, 2, 2, 3, 2)
    ),
    "conv, then batch norm": case(
        "a = Conv <group=2> (x, w)",
        "c = BatchNormalization <epsilon=0.1> (a, g, h, m, v)",
        "d = Mul (c, s)",
        "e = Sub (t, d)",
        "f = Div (e, s)",
        "y = Relu (f)",
        **MAP,
        w=floats(6, 2, 3, 3),
        g=floats(6),
        h=floats(6),
        m=floats(6),
        v=positive(6),
        s=positive(6, 1, 1),
        t=floats(1, 6, 1, 1),
    ),
    "batch norm, then conv": case(
        "a = BatchNormalization (x, g, h, m, v)",
        "r = Relu (a)",
        "y = Conv (r, w)",
        **MAP,
        w=floats(6, 4, 3, 3),
        g=floats(4),
        h=floats(4),
        m=floats(4),
        v=positive(4),
    ),
    "a shift by position stays": case(
        "a = Conv (x, w)", "y = Add (a, b)", **MAP, w=floats(6, 4, 3, 3), b=floats(6, 5, 4)
    ),
    "what others read stays": case(
        "a = Conv (x, w)", "c = Add (a, b)", "y = Mul (c, a)", **MAP, w=floats(6, 4, 3, 3), b=floats(6, 1, 1)
    ),
    "gemm": case("y = Gemm <alpha=0.5, beta=2.0> (x, w, b)", x=(5, 4), w=floats(4, 3), b=floats(1, 3)),
    "gemm, both transposed": case("y = Gemm <transA=1, transB=1> (x, w, b)", x=(4, 5), w=floats(3, 4), b=floats(5, 1)),
    "gemm, constant first": case(
        "a = Gemm <alpha=0.5, transA=1> (w, x, b)", "y = Relu (a)", x=(4, 5), w=floats(4, 3), b=floats(3, 1)
    ),
    "gemm of two": case("y = Gemm <alpha=0.5, beta=0.3, transB=1> (x, z, b)", x=(5, 4), z=(3, 4), b=floats(5, 3)),
    "matmul with a bias and a scale": case(
        "a = MatMul (x, w)", "c = Add (b, a)", "y = Mul (c, s)", **ROWS, w=floats(6, 4), b=floats(4), s=number(0.5)
    ),
    "matmul, constant first": case("a = MatMul (w, x)", "y = Add (a, b)", **ROWS, w=floats(3, 5), b=floats(3, 1)),
    "matmul with a constant batch": case(
        "a = MatMul (x, w)", "y = Add (a, b)", **ROWS, w=floats(2, 6, 4), b=floats(2, 1, 4)
    ),
    "matmul for each of more": case("y = MatMul (x, w)", x=(1, 5, 6), w=floats(3, 2, 6, 4)),
    "matmul, first for each": case("y = MatMul (w, x)", x=(2, 5, 6), w=floats(3, 1, 4, 5)),
    "matmul with a vector": case("a = MatMul (x, w)", "y = Mul (a, s)", **ROWS, w=floats(6), s=number(2)),
    "vector with a matrix": case("y = MatMul (x, w)", x=(6,), w=floats(6, 4)),
    "matmul of two": case("a = MatMul (x, z)", "y = Div (a, s)", x=(2, 3, 4, 5), z=(2, 3, 5, 4), s=number(3)),
    "matmul of two, repeated": case("y = MatMul (x, z)", x=(2, 1, 4, 5), z=(3, 5, 4)),
    "matmul of two, the other way": case("y = MatMul (x, z)", x=(3, 4, 5), z=(2, 1, 5, 4)),
    "matmul of vectors": case("y = MatMul (x, z)", x=(5,), z=(2, 5, 4)),
    "a scale before a product": case(
        "a = Mul (x, s)",
        "b = Transpose <perm=[0, 2, 1]> (z)",
        "c = Div (b, s)",
        "d = MatMul (a, c)",
        "e = Mul (d, s)",
        "y = Softmax (e)",
        x=(2, 3, 4),
        z=(2, 3, 4),
        s=number(0.3),
    ),
    "a scale that others read": case(
        "a = Mul (x, s)", "d = MatMul (a, z)", "y = Add (d, a)", x=(2, 4, 4), z=(2, 4, 4), s=number(0.3)
    ),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str, tmp_path: Path) -> None:
    compared(PRODUCTS[name].model(), tmp_path)


ROWWISE = {
    "maxpool": case("y = MaxPool <ceil_mode=1, kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[2, 2]> (x)", **MAP),
    "maxpool, dilated": case("y = MaxPool <dilations=[3, 2], kernel_shape=[2, 2]> (x)", **MAP),
    "maxpool of one dimension": case("y = MaxPool <kernel_shape=[3], strides=[2]> (x)", **LINE),
    "average": case("y = AveragePool <kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]> (x)", **MAP),
    "average with zeros": case(
        "y = AveragePool <count_include_pad=1, kernel_shape=[3, 3], pads=[1, 1, 0, 1]> (x)", **MAP
    ),
    "average, rounded up": case("y = AveragePool <ceil_mode=1, kernel_shape=[3, 3], strides=[2, 2]> (x)", **MAP),
    "average, as large": case(
        'y = AveragePool <auto_pad="SAME_UPPER", kernel_shape=[2, 3], strides=[2, 1]> (x)', **MAP
    ),
    "global average": case("y = GlobalAveragePool (x)", **MAP),
    "global largest": case("y = GlobalMaxPool (x)", **MAP),
    "softmax": case("y = Softmax <axis=1> (x)", **MAP),
    "log softmax": case("y = LogSoftmax (x)", **ROWS),
    "argmax": case("y = ArgMax <axis=-1, keepdims=0> (x)", **ROWS),
    "layer norm": case("y = LayerNormalization <axis=-2, epsilon=0.01> (x, g, b)", **ROWS, g=floats(5, 6), b=floats(6)),
    "layer norm, no shift": case("y = LayerNormalization (x, g)", **ROWS, g=floats(6)),
    "instance norm": case("y = InstanceNormalization (x, g, b)", **MAP, g=floats(4), b=floats(4)),
    "local response": case("y = LRN <alpha=0.2, beta=0.6, bias=1.5, size=3> (x)", **MAP),
    "leaky": case("y = LeakyRelu <alpha=0.2> (x)", **ROWS),
    "slopes": case("y = PRelu (x, s)", **MAP, s=floats(4, 1, 1)),
    "hard sigmoid": case("a = HardSigmoid <alpha=0.3> (x)", "y = HardSwish (a)", **ROWS),
    "curves": case("a = Sigmoid (x)", "b = Erf (a)", "c = Tanh (b)", "y = Exp (c)", **ROWS),
    "roots": case("a = Abs (x)", "b = Sqrt (a)", "c = Exp (b)", "y = Reciprocal (c)", **ROWS),
    "rounded": case(
        "a = Mul (x, s)",
        "b = Round (a)",
        "c = Floor (a)",
        "d = Ceil (a)",
        "e = Neg (d)",
        "y = Sum (b, c, e)",
        **ROWS,
        s=number(3),
    ),
    "bounds": case(
        "a = Clip (x, l, h)",
        "b = Clip (x, , h)",
        "c = Min (a, b, x)",
        "y = Max (c, s)",
        **ROWS,
        l=number(-0.5),
        h=number(0.7),
        s=floats(5, 6),
    ),
    "where": case("y = Where (m, x, s)", **ROWS, m=np.tri(5, 6, dtype=bool), s=number(-9)),
    "comparisons": case(
        "a = Less (x, s)",
        "b = Greater (x, t)",
        "c = Equal (x, x)",
        "d = Or (a, b)",
        "e = And (d, c)",
        "f = Not (e)",
        "y = Where (f, x, t)",
        **ROWS,
        s=number(-0.5),
        t=floats(6),
    ),
    "powers": case("a = Abs (x)", "y = Pow (a, s)", **ROWS, s=floats(6)),
    "constant first": case("a = Sub (s, x)", "y = Div (t, a)", **ROWS, s=number(9), t=floats(5, 1)),
    "more dimensions": case("y = Add (x, s)", x=(1, 5, 6), s=floats(2, 3, 5, 1)),
    "types": case(
        "a = Cast <to=7> (x)",
        "b = Cast <to=1> (a)",
        "c = Cast <to=9> (x)",
        "d = Cast <to=1> (c)",
        "y = Add (b, d)",
        **ROWS,
    ),
}


@pytest.mark.parametrize("name", ROWWISE)
def test_rows_and_numbers(name: str, tmp_path: Path) -> None:
    compared(ROWWISE[name].model(), tmp_path)


@pytest.mark.parametrize("kind", ["Mean", "Max", "Min", "Sum", "Prod", "L2"])
def test_reductions(kind: str, tmp_path: Path) -> None:
    compared(case(f"y = Reduce{kind} <keepdims=0> (x, d)", **MAP, d=whole(-1, 1)).model(opset=18), tmp_path)
    compared(case(f"y = Reduce{kind} (x)", **ROWS).model(opset=18), tmp_path)


def test_newer_operators(tmp_path: Path) -> None:
    rms = case("y = RMSNormalization <axis=-1, epsilon=0.1> (x, g)", **ROWS, g=floats(6))
    compared(rms.model(opset=23), tmp_path)
    group = case("y = GroupNormalization <num_groups=2> (x, g, b)", **MAP, g=floats(4), b=floats(4))
    compared(group.model(opset=21), tmp_path)
    gelu = case("a = Gelu (x)", 'y = Gelu <approximate="tanh"> (a)', **ROWS)
    compared(gelu.model(opset=20), tmp_path)


def test_older_softmax_is_over_all_that_follows(tmp_path: Path) -> None:
    compared(case("y = Softmax <axis=1> (x)", **ROWS).model(opset=11), tmp_path)


VIEWS = {
    "shuffled channels": case(
        "a = Reshape (x, s)",
        "b = Transpose <perm=[0, 2, 1, 3, 4]> (a)",
        "c = Reshape (b, t)",
        "y = Conv (c, w)",
        **MAP,
        s=whole(0, 2, 2, 7, -1),
        t=whole(2, 4, 7, 6),
        w=floats(3, 4, 2, 2),
    ),
    "squeezed": case("a = Unsqueeze (x, d)", "b = Flatten <axis=2> (a)", "y = Squeeze (b)", x=(4, 1, 6), d=whole(0, 4)),
    "slices": case(
        "a = Slice (x, s, e, d, t)",
        "y = Relu (a)",
        **MAP,
        s=whole(1, -4),
        e=whole(100, -1),
        d=whole(1, 3),
        t=whole(2, 1),
    ),
    "pieces": case("a, , b = Split <axis=1> (x, s)", "y = Concat <axis=1> (b, a, x)", **MAP, s=whole(1, 2, 1)),
    "equal pieces": case("a, b = Split <axis=1> (x)", "y = Mul (a, b)", **MAP),
    "picked": case(
        "a = Gather <axis=1> (x, i)",
        "b = Gather <axis=2> (x, j)",
        "c = Gather <axis=1> (b, k)",
        "y = MatMul (a, c)",
        x=(4, 3, 4),
        i=whole(0, 2, 1),
        j=whole(1, 3),
        k=whole(2, 0, 1, 1),
    ),
    "one picked": case("y = Gather <axis=1> (x, i)", **ROWS, i=np.int64(-1)),
    "repeated": case("a = Expand (x, s)", "y = Tile (a, t)", x=(3, 1, 4), s=whole(2, 1, 2, 1), t=whole(1, 2, 1, 3)),
    "padded": case(
        "a = Pad (x, p, n)",
        "y = Conv (a, w)",
        **MAP,
        p=whole(0, 0, 1, 0, 0, 0, 2, 1),
        n=number(3),
        w=floats(3, 4, 2, 2),
    ),
    "joined with a constant": case(
        "a = Concat <axis=1> (c, x)", "y = MatMul (a, w)", x=(1, 5, 6), c=floats(1, 1, 6), w=floats(6, 4)
    ),
    "blocks": case("a = DepthToSpace <blocksize=2> (x)", "y = Relu (a)", x=(2, 8, 3, 2)),
    "blocks, channels first": case(
        'a = DepthToSpace <blocksize=2, mode="CRD"> (x)', "y = Conv (a, w)", x=(1, 8, 3, 2), w=floats(3, 2, 2, 2)
    ),
    "nearest": case(
        'a = Resize <mode="nearest"> (x, , s)',
        "y = Conv (a, w)",
        **MAP,
        s=np.array([1, 1, 2, 3], np.float32),
        w=floats(3, 4, 2, 2),
    ),
    "nearest to sizes": case(
        'y = Resize <coordinate_transformation_mode="asymmetric", mode="nearest", nearest_mode="floor"> (x, , , s)',
        **MAP,
        s=whole(2, 4, 21, 6),
    ),
    "constants of sizes": case(
        "s = Shape (x)",
        "l = Gather (s, i)",
        "p = Range (o, l, j)",
        "q = Gather (t, p)",
        "n = ConstantOfShape (s)",
        "a = Add (x, q)",
        "y = Add (a, n)",
        **ROWS,
        i=np.int64(1),
        o=np.int64(0),
        j=np.int64(1),
        t=floats(9, 6),
    ),
    "result is what comes in": case("a = Identity (x)", "b = Relu (a)", "y = Identity (b)", **ROWS),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views(name: str, tmp_path: Path) -> None:
    """Views alone are nothing to compute."""
    given = VIEWS[name]
    compared(Case((*given.lines, "z = Relu (y)"), given.inputs, given.constants).model("y", "z"), tmp_path)


CENTRED = ("m = ReduceMean <axes=[-1]> (x)", "d = Sub (x, m)")
ROOT = ("v = ReduceMean <axes=[-1]> (p)", "w = Add (v, e)", "r = Sqrt (w)")
VECTORS = ("o = Mul (g, n)", "y = Add (o, b)")
WRITTEN_OUT = {
    "layernorm": (*CENTRED, "p = Pow (d, two)", *ROOT, "n = Div (d, r)", *VECTORS),
    "layernorm by a reciprocal": (*CENTRED, "p = Mul (d, d)", *ROOT, "q = Reciprocal (r)", "n = Mul (d, q)", *VECTORS),
    "rmsnorm": ("p = Mul (x, x)", *ROOT, "q = Div (one, r)", "n = Mul (x, q)", "y = Mul (n, g)"),
    "gelu": ("a = Div (x, root)", "c = Erf (a)", "d = Add (c, one)", "f = Mul (x, d)", "y = Mul (f, half)"),
    "gelu, half first": ("h = Mul (x, half)", "a = Div (x, root)", "c = Erf (a)", "d = Add (one, c)", "y = Mul (h, d)"),
    "gelu by tanh": (
        *("a = Pow (x, three)", "c = Mul (a, k)", "d = Add (x, c)", "f = Mul (d, l)", "h = Tanh (f)"),
        *("i = Add (h, one)", "j = Mul (x, half)", "y = Mul (j, i)"),
    ),
    "silu": ("a = Sigmoid (x)", "y = Mul (x, a)"),
    "softmax": (
        *("m = ReduceMax <axes=[-1]> (x)", "d = Sub (x, m)", "a = Exp (d)", "s = ReduceSum (a, last)"),
        "y = Div (a, s)",
    ),
}
NUMBERS = {
    "two": number(2),
    "three": number(3),
    "e": number(0.01),
    "one": number(1),
    "half": number(0.5),
    "root": number(2**0.5),
    "k": number(0.044715),
    "l": number((2 / np.pi) ** 0.5),
    "g": floats(6),
    "b": floats(6),
    "last": whole(-1),
}


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_what_is_written_out_is_one_operator(name: str, tmp_path: Path) -> None:
    graph = compared(case(*WRITTEN_OUT[name], **ROWS, **NUMBERS).model(opset=13), tmp_path)
    assert [each.kind for each in graph.operators] == [name.replace(",", "").split()[0]]


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_what_others_read_is_not_put_together(name: str, tmp_path: Path) -> None:
    """Each tensor in turn is a result too."""
    given = case(*WRITTEN_OUT[name], **ROWS, **NUMBERS)
    for line in given.lines[:-1]:
        compared(given.model("y", line.partition(" ")[0], opset=13), tmp_path)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrences(direction: str, tmp_path: Path) -> None:
    """Seven positions of two sequences."""
    halves = 2 if direction == "bidirectional" else 1
    weights = {"w": floats(halves, 12, 4), "r": floats(halves, 12, 3), "b": floats(halves, 24)}
    nodes = f'y, h, c = LSTM <hidden_size=3, direction="{direction}"> (x, w, r, b)'
    compared(case(nodes, x=(7, 2, 4), **weights).model("y", "h", "c", opset=14), tmp_path)
    if direction == "forward":  # the evaluator knows no other with the batch first
        first = case(nodes.replace("hidden", "layout=1, hidden"), x=(2, 7, 4), **weights)
        compared(first.model("y", "h", opset=14), tmp_path)


def test_weights_beside_the_file_and_names_like_those_of_nodes(tmp_path: Path) -> None:
    """A layer has another name where tensors of the file have its names."""
    given = case("a = MatMul (x, w)", "c = Mul (a, s)", "y = Add (c, x)", x=(2, 3, 4), w=floats(4, 4), s=positive(4))
    made = given.model()
    rename = {"w": "1 linear/product.weight", "a": "1 linear/product"}
    for node in made.graph.node:
        node.input[:] = [rename.get(name, name) for name in node.input]
        node.output[:] = [rename.get(name, name) for name in node.output]
    made.graph.initializer[0].name = rename["w"]
    graph = compared(made, tmp_path)
    assert graph.layers == ("1 linear*",)
    onnx.save(made, str(tmp_path / "apart.onnx"), save_as_external_data=True, location="apart.bin", size_threshold=0)
    arrays = load_onnx_arrays(tmp_path / "apart.onnx")[1]
    np.testing.assert_array_equal(arrays["1 linear*/product.weight"], given.constants["w"] * given.constants["s"])
    (tmp_path / "apart.bin").unlink()
    graph, arrays = load_onnx_arrays(tmp_path / "apart.onnx")
    with pytest.raises(ArchsimError, match=r"in 'apart\.bin', which is not there; expected it beside the model"):
        arrays["1 linear*/product.weight"]
