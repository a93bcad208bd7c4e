"""Forms in which exporters write attention, splits and functions: the values of the evaluator, and no work more."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from archsim.graph import Graph
from archsim.graph.nodes import Contraction, Mask
from archsim.graph.onnx.load import from_proto
from archsim.graph.operators import Matmul
from tests.values.onnx_runs import case, compared

DRAW = np.random.default_rng(2)
AHEAD = np.arange(5)[:, None] - np.arange(5)
"""How far a query is ahead of a key."""


def floats(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.normal(size=shape).astype(np.float32)


def whole(*numbers: int) -> Any:  # noqa: ANN401
    return np.array(numbers, np.int64)


def added(visible: Any, low: float = -np.inf) -> Any:  # noqa: ANN401
    return np.where(visible, 0, low).astype(np.float32)


def kinds(graph: Graph) -> list[str]:
    return [each.kind for each in graph.operators]


def mask_of(graph: Graph) -> Mask | None:
    return next(each.mask for each in graph.nodes if isinstance(each, Contraction))


ADDED = ("a = MatMul (q, k)", "b = Add (a, m)", "y = Softmax (b)")
NONE = ("z = Constant <value_ints = [5, 5]> ()", "m = ConstantOfShape (z)")
SELECTED = ("a = MatMul (q, k)", "b = Where (m, a, low)", "y = Softmax (b)")
HIDDEN = ("a = MatMul (q, k)", "b = Where (m, low, a)", "y = Softmax (b)")


@pytest.mark.parametrize(
    ("lines", "m", "mask"),
    [
        (ADDED, added(AHEAD >= 0), Mask(causal=True)),
        (ADDED, added(AHEAD >= 0, -1e4)[None], Mask(causal=True)),
        (ADDED, added((AHEAD >= 0) & (AHEAD < 2)), Mask(causal=True, span=2)),
        ((*NONE, *ADDED), None, None),
        (SELECTED, AHEAD >= 0, Mask(causal=True)),
        (HIDDEN, (AHEAD < 0)[None], Mask(causal=True)),
    ],
)
def test_constant_masks_are_no_work(lines: tuple[str, ...], m: Any, mask: Mask | None, tmp_path: Path) -> None:  # noqa: ANN401
    tensors = {} if m is None else {"m": m}
    made = case(*lines, q=(2, 5, 4), k=(2, 4, 5), low=np.float32(-3e38), **tensors)
    graph = compared(made.model(), tmp_path)
    assert (kinds(graph), mask_of(graph), graph.parameters) == (["matmul", "softmax"], mask, 0)


@pytest.mark.parametrize(
    ("m", "mask"),
    [
        (added(AHEAD <= 0), Mask(causal=True, span=5, past=4, applied=False)),  # keys from the query's own on
        (added(AHEAD >= 0)[2], Mask(causal=True, past=2, applied=False)),  # the first three keys, which all see
        ((added(AHEAD >= 0) - AHEAD * 0.1).astype(np.float32), Mask(causal=True, applied=False)),  # a bias beside it
        (added(AHEAD >= 0)[:, :1], None),
        (added(AHEAD >= 0, -1.0), None),
        (np.float32(1), None),
    ],
)
def test_other_constants_are_added(m: Any, mask: Mask | None, tmp_path: Path) -> None:  # noqa: ANN401
    """Keys that they hide are not counted, as far as those are behind a query, or some keys before it."""
    graph = compared(case(*ADDED, q=(2, 5, 4), k=(2, 4, 5), m=m).model(), tmp_path)
    assert (kinds(graph), mask_of(graph)) == (["matmul", "add", "softmax"], mask)


BIASED = ("a = MatMul (q, k)", "b = Add (a, bias)", "c = Reshape (b, sizes)", "d = Mul (c, half)", "e = Add (d, m)")
SLOPES = (np.array([[[0.5]], [[0.25]]]) * np.arange(5)).astype(np.float32)


def test_biases_by_distance_before_a_mask(tmp_path: Path) -> None:
    """Scores of heads beside sequences, then apart; biases in proportion to the distance are not trained."""
    tensors = {"bias": SLOPES, "sizes": whole(1, 2, 5, 5), "half": np.float32(0.5), "m": added(AHEAD >= 0)[None, None]}
    made = case(*BIASED, "s = Softmax (e)", "y = MatMul (s, v)", q=(2, 5, 4), k=(2, 4, 5), v=(1, 2, 5, 4), **tensors)
    graph = compared(made.model(), tmp_path)
    expected = ["matmul", "add", "softmax", "matmul"], Mask(causal=True), 0
    assert (kinds(graph), mask_of(graph), graph.parameters) == expected


@pytest.mark.parametrize(
    "part",
    [
        ("c = Mul (x, cubic)", "d = Mul (c, x)", "e = Add (d, one)", "f = Mul (x, slope)", "g = Mul (f, e)"),
        ("c = Mul (x, x)", "d = Mul (c, cubic)", "b = Mul (d, x)", "e = Add (b, x)", "g = Mul (e, slope)"),
        ("c = Mul (x, cubic)", "d = Mul (x, x)", "b = Mul (c, d)", "e = Add (x, b)", "g = Mul (slope, e)"),
    ],
)
def test_a_gelu_by_tanh_in_any_order(part: tuple[str, ...], tmp_path: Path) -> None:
    lines = (*part, "h = Tanh (g)", "i = Add (h, one)", "j = Mul (x, half)", "y = Mul (j, i)")
    numbers = {"cubic": 0.044715, "one": 1.0, "half": 0.5, "slope": 0.79788456}
    made = case(*lines, x=(2, 6), **{name: np.float32(number) for name, number in numbers.items()})
    assert kinds(compared(made.model(), tmp_path)) == ["gelu"]


def test_scores_that_are_results_are_not_masked(tmp_path: Path) -> None:
    made = case(*ADDED, q=(2, 5, 4), k=(2, 4, 5), m=added(AHEAD >= 0, -1e4))
    for outputs in (("y", "a"), ("y", "b")):
        assert "add" in kinds(compared(made.model(*outputs), tmp_path))


@pytest.mark.parametrize(("visible", "more"), [(AHEAD >= 0, []), (AHEAD > 0, ["clip", "clip"])])
def test_shares_that_may_be_no_numbers(visible: Any, more: list[str], tmp_path: Path) -> None:  # noqa: ANN401
    """Where every row sees a key, none is; the first row of the second mask sees nothing, and gets zeros."""
    lines = (*ADDED[:2], "s = Softmax (b)", "n = IsNaN (s)", "y = Where (n, zero, s)")
    made = case(*lines, q=(2, 5, 4), k=(2, 4, 5), m=added(visible), zero=np.float32(0))
    with np.errstate(invalid="ignore"):
        graph = compared(made.model(), tmp_path)
    assert kinds(graph) == ["matmul", *(["add"] if more else []), "softmax", *more]


GROUPS = (
    *("xq = MatMul (x, wq)", "hq = Reshape (xq, heads)", "q = Transpose <perm = [0, 2, 1, 3]> (hq)"),
    *("xk = MatMul (x, wk)", "hk = Reshape (xk, heads)", "k = Transpose <perm = [0, 2, 1, 3]> (hk)"),
    *("u = Unsqueeze (k, two)", "e = Expand (u, shape)", "r = Reshape (e, flat)"),
    *("t = Transpose <perm = [0, 2, 1]> (r)", "z = Reshape (t, wide)"),
)
KEYS_FIRST = (
    "zt = Transpose <perm = [0, 1, 3, 2]> (z)",
    "qt = Transpose <perm = [0, 1, 3, 2]> (q)",
    "y = MatMul (zt, qt)",
)


@pytest.mark.parametrize("last", [("y = MatMul (q, z)",), KEYS_FIRST])
def test_keys_of_a_group_of_heads_are_stored_once(last: tuple[str, ...], tmp_path: Path) -> None:
    """4 heads of queries, 2 of keys, of 3 values: 2 x 3 are kept of a position of a sequence."""
    shapes = {"two": whole(2), "shape": whole(2, 2, 2, 5, 3), "flat": whole(-1, 5, 3), "wide": whole(2, 4, 3, 5)}
    tensors = {"x": (2, 5, 6), "wq": floats(6, 12), "wk": floats(6, 6), "heads": whole(2, 5, -1, 3), **shapes}
    graph = compared(case(*GROUPS, *last, **tensors).model(), tmp_path)
    (product,) = (each for each in graph.operators if isinstance(each, Matmul))
    assert len(last) > 1 or (product.heads, product.head_dim, product.stored) == (4, 3, 2 * 3)


@pytest.mark.parametrize("shape", [(1, 4, 3), (2, 1, 3), (2, 4, 1)])
def test_other_repeated_operands(shape: tuple[int, ...], tmp_path: Path) -> None:
    """Over batches, over what is summed, and over what is kept."""
    made = case("e = Expand (k, shape)", "y = MatMul (q, e)", q=(2, 5, 4), k=shape, shape=whole(2, 4, 3))
    compared(made.model(), tmp_path)


@pytest.mark.parametrize(
    ("equation", "one", "other"),
    [
        ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
        ("bqhd,bkhd->bhqk", (2, 4, 3, 5), (2, 6, 3, 5)),
        ("bhqk, bkhd -> bqhd", (2, 3, 4, 6), (2, 6, 3, 5)),
        ("ij,jk", (4, 5), (5, 3)),
        ("oi,jo->ij", (4, 5), (3, 4)),
        ("bijk,bjk->bi", (2, 4, 3, 5), (2, 3, 5)),
    ],
)
def test_einsum(equation: str, one: tuple[int, ...], other: tuple[int, ...], tmp_path: Path) -> None:
    line = f'y = Einsum <equation = "{equation}"> (x, w)'
    for tensors in ({"x": one, "w": other}, {"x": one, "w": floats(*other)}, {"x": floats(*one), "w": other}):
        compared(case(line, **tensors).model(), tmp_path)


def test_parts_of_sequences(tmp_path: Path) -> None:
    lines = (
        *("a = SplitToSequence <axis = 1> (x, sizes)", "b = SequenceAt (a, one)", "b1 = Relu (b)"),
        *("c = SplitToSequence <axis = -1> (x, four)", "d = SequenceAt (c, one)", "d1 = Relu (d)"),
        *("e = SplitToSequence <axis = 0, keepdims = 0> (x)", "f = SequenceAt (e, one)", "f1 = Relu (f)"),
        *("g = SplitToSequence <axis = 0> (x)", "h = SequenceAt (g, one)", "h1 = Relu (h)"),
    )
    made = case(*lines, x=(2, 5, 6), sizes=whole(2, 3), four=np.int64(4), one=np.int64(1))
    compared(made.model("b1", "d1", "f1", "h1"), tmp_path)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("y = Elu <alpha = 0.7> (x)",), ["exp"]),
        (("a = Exp (x)", "y = Log (a)"), ["exp", "exp"]),
        (("a = Sin (x)", "b = Cos (x)", "y = Add (a, b)"), ["exp", "exp", "add"]),
        (("y = Sign (x)",), ["clip"]),
        (("a = CastLike (n, x)", "y = Add (a, x)"), ["add"]),
    ],
)
def test_functions_of_numbers(lines: tuple[str, ...], expected: list[str], tmp_path: Path) -> None:
    graph = compared(case(*lines, x=(4, 3), n=whole(1, 2, 3)).model(), tmp_path)
    assert kinds(graph) == expected


@pytest.mark.parametrize("places", [", , sizes", ", factors"])
def test_a_table_that_is_stretched_before_the_run(places: str, tmp_path: Path) -> None:
    """Its size follows from the sizes or the factors, which are made of others."""
    lines = (
        *("sizes = Concat <axis = 0> (outer, inner)", 'r = Resize <mode = "linear"> (table, ' + places + ")"),
        "y = Add (x, r)",
    )
    tensors = {"outer": whole(1, 1), "inner": whole(4, 6), "factors": np.array([1, 1, 2, 2], np.float32)}
    compared(case(*lines, x=(1, 1, 4, 6), table=floats(1, 1, 2, 3), **tensors).model(), tmp_path)


@pytest.mark.parametrize(("cosines", "sines", "kind"), [((3, 4), (3, 4), "rotary"), ((3, 1), (3, 4), "mul")])
def test_rotary_positions_have_an_angle_for_each_pair(
    cosines: tuple[int, int], sines: tuple[int, int], kind: str, tmp_path: Path
) -> None:
    """With one cosine for all numbers they are products and a sum."""
    lines = (
        *("a, b = Split <axis = -1> (x, halves)", "n = Neg (b)", "h = Concat <axis = -1> (n, a)"),
        *("c = Mul (x, cosines)", "s = Mul (h, sines)", "y = Add (c, s)"),
    )
    made = case(*lines, x=(2, 3, 4), halves=whole(2, 2), cosines=floats(*cosines), sines=floats(*sines))
    assert kind in kinds(compared(made.model(), tmp_path))


def test_operators_that_a_file_describes_itself(tmp_path: Path) -> None:
    made = case("c = Add (x, x)", "y = Relu (c)", x=(2, 3)).model()
    added_twice, standard = made.graph.node[0], [helper.make_opsetid("", 17)]
    made.functions.append(helper.make_function("own", "Twice", ["x"], ["c"], [added_twice], standard))
    made.graph.node[0].CopyFrom(helper.make_node("Twice", ["x"], ["c"], domain="own"))
    made.opset_import.append(helper.make_opsetid("own", 1))
    assert kinds(compared(made, tmp_path)) == ["add", "relu"]


def test_what_reads_sizes_alone_reads_no_numbers(tmp_path: Path) -> None:
    """A batch norm's vectors are made by the size of what it reads: it is folded all the same, and none is trained."""
    lines = (
        *("a = Conv (x, w)", "s = Shape <start = 1, end = 2> (a)"),
        *("one = Constant <value_float = 1.0> ()", "g = Expand (one, s)", "none = Constant <value_float = 0.0> ()"),
        *("h = Expand (none, s)", "y = BatchNormalization (a, g, h, mean, variance)"),
    )
    vectors = {"mean": floats(4), "variance": np.abs(floats(4)) + 1}
    assert kinds(compared(case(*lines, x=(1, 3, 5, 5), w=floats(4, 3, 1, 1), **vectors).model(), tmp_path)) == [
        "linear"
    ]


def test_inputs_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Those that nothing reads are left out."""
    made = case("y = Sub (third, first)", first=(2,), second=(2,), third=(2,))
    assert [each.name for each in compared(made.model(), tmp_path).inputs] == ["first", "third"]


def test_numbers_that_are_in_no_file_and_which_of_them_are_trained() -> None:
    """A table of 6 x 4, of which 2 rows are added, is a head too; what that is multiplied by is no parameter."""
    lines = (
        *("a = Gather (table, rows)", "b = Add (x, a)", "t = Transpose <perm = [1, 0]> (table)"),
        *("c = MatMul (b, t)", "y = Mul (c, factor)"),
    )
    factor, table = floats(6), floats(6, 4)
    made = case(*lines, x=(2, 4), rows=whole(0, 1), factor=factor).model()
    made.graph.initializer.add(
        name="table", dims=(6, 4), data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL
    )
    graph, arrays = from_proto(made, "head", "0", {}, readers={"table": lambda: table}, parameters=frozenset({"table"}))
    assert (graph.name, graph.parameters, kinds(graph)) == ("head", 24, ["add", "linear"])
    product = next(each for each in graph.nodes if isinstance(each, Contraction))
    np.testing.assert_allclose(arrays[product.inputs[1]], table.T * factor, rtol=1e-6)
