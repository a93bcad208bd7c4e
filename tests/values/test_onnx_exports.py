"""Forms in which exporters write attention, splits and functions: equal to ONNX's reference evaluator, and no more work."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.helper import make_node as node
from tests.values.onnx_runs import compared, model

from archsim.graph import Graph
from archsim.graph.nodes import Contraction, Mask
from archsim.graph.onnx import from_proto
from archsim.graph.operators import Matmul
from archsim.graph.views import Repeat

DRAW = np.random.default_rng(2)
AHEAD = np.arange(5)[:, None] - np.arange(5)
SCORES = {"q": (2, 5, 4), "k": (2, 4, 5)}


def floats(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.normal(size=shape).astype(np.float32)


def whole(*numbers: int) -> Any:  # noqa: ANN401
    return np.array(numbers, np.int64)


def added(visible: Any, low: float = -np.inf) -> Any:  # noqa: ANN401
    return np.where(visible, 0, low).astype(np.float32)


def scores(graph: Graph) -> Contraction:
    return next(each for each in graph.nodes if isinstance(each, Contraction) and not each.stationary)


ADDED = [node("MatMul", ["q", "k"], ["a"]), node("Add", ["a", "m"], ["b"]), node("Softmax", ["b"], ["y"])]
SELECTED = [node("MatMul", ["q", "k"], ["a"]), node("Where", ["m", "a", "low"], ["b"]), node("Softmax", ["b"], ["y"])]
HIDDEN = [node("MatMul", ["q", "k"], ["a"]), node("Where", ["m", "low", "a"], ["b"]), node("Softmax", ["b"], ["y"])]
LOW = np.float32(-np.inf)


@pytest.mark.parametrize(
    ("nodes", "constants", "mask"),
    [
        ([node("Constant", [], ["m0"], value_ints=[5, 5]), node("ConstantOfShape", ["m0"], ["m"]), *ADDED], {}, None),
        (ADDED, {"m": added(AHEAD >= 0)}, Mask(causal=True)),
        (ADDED, {"m": added(AHEAD >= 0, -1e4)[None]}, Mask(causal=True)),
        (ADDED, {"m": added((AHEAD >= 0) & (AHEAD < 2))}, Mask(causal=True, span=2)),
        (SELECTED, {"m": AHEAD >= 0, "low": LOW}, Mask(causal=True)),
        (HIDDEN, {"m": (AHEAD < 0)[None], "low": np.float32(-3e38)}, Mask(causal=True)),
    ],
)
def test_constant_masks_are_no_work(
    nodes: list[Any], constants: dict[str, Any], mask: Mask | None, tmp_path: Path
) -> None:
    graph = compared(model(nodes, SCORES, constants), tmp_path)
    assert [each.kind for each in graph.operators] == ["matmul", "softmax"]
    assert scores(graph).mask == mask
    assert graph.parameters == 0


@pytest.mark.parametrize(
    "mask", [added(AHEAD <= 0), added(AHEAD >= 0)[:, :1], added(AHEAD >= 0, -1.0), added(AHEAD >= 0)[4], np.float32(1)]
)
def test_other_constants_are_added(mask: Any, tmp_path: Path) -> None:  # noqa: ANN401
    graph = compared(model(ADDED, SCORES, {"m": mask}), tmp_path)
    assert [each.kind for each in graph.operators] == ["matmul", "add", "softmax"]
    assert scores(graph).mask is None


def test_scores_that_are_a_result_are_not_masked(tmp_path: Path) -> None:
    for outputs in (("y", "a"), ("y", "b")):
        compared(model(ADDED, SCORES, {"m": added(AHEAD >= 0, -1e4)}, outputs=outputs), tmp_path)
    compared(model(ADDED[:2], SCORES, {"m": added(AHEAD >= 0, -1e4)}, outputs=("b",)), tmp_path)


@pytest.mark.parametrize(("visible", "kinds"), [(AHEAD >= 0, ["matmul", "softmax"]), (AHEAD > 0, None)])
def test_shares_that_may_be_no_numbers(visible: Any, kinds: list[str] | None, tmp_path: Path) -> None:  # noqa: ANN401
    """Where every row sees a key none is; the first row of the second mask sees nothing, and gets zeros."""
    nodes = [
        *ADDED[:2],
        node("Softmax", ["b"], ["s"]),
        node("IsNaN", ["s"], ["n"]),
        node("Where", ["n", "zero", "s"], ["y"]),
    ]
    with np.errstate(invalid="ignore"):
        graph = compared(model(nodes, SCORES, {"m": added(visible), "zero": np.float32(0)}), tmp_path)
    assert [each.kind for each in graph.operators] == (kinds or ["matmul", "add", "softmax", "clip", "clip"])


GROUPS = [
    node("MatMul", ["x", "wq"], ["xq"]), node("Reshape", ["xq", "heads"], ["hq"]), node("Transpose", ["hq"], ["q"], perm=[0, 2, 1, 3]),
    node("MatMul", ["x", "wk"], ["xk"]), node("Reshape", ["xk", "heads"], ["hk"]), node("Transpose", ["hk"], ["k"], perm=[0, 2, 1, 3]),
    node("Unsqueeze", ["k", "two"], ["u"]), node("Expand", ["u", "shape"], ["e"]), node("Reshape", ["e", "flat"], ["r"]),
    node("Transpose", ["r"], ["t"], perm=[0, 2, 1]), node("Reshape", ["t", "wide"], ["z"]),
]  # fmt: skip


@pytest.mark.parametrize("query_first", [True, False])
def test_keys_of_a_group_of_heads_are_stored_once(query_first: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """4 heads of queries, 2 of keys, of 3 values: 2 x 3 are kept of a position of a sequence."""
    turned = [node("Transpose", [name], [f"{name}t"], perm=[0, 1, 3, 2]) for name in "zq"]
    last = [node("MatMul", ["q", "z"], ["y"])] if query_first else [*turned, node("MatMul", ["zt", "qt"], ["y"])]
    constants = {
        "wq": floats(6, 12), "wk": floats(6, 6), "heads": whole(2, 5, -1, 3), "two": whole(2), "shape": whole(2, 2, 2, 5, 3),
        "flat": whole(-1, 5, 3), "wide": whole(2, 4, 3, 5),
    }  # fmt: skip
    graph = compared(model([*GROUPS, *last], {"x": (2, 5, 6)}, constants), tmp_path)
    assert not any(isinstance(each, Repeat) for each in graph.nodes)
    (product,) = (each for each in graph.operators if isinstance(each, Matmul))
    assert not query_first or (product.heads, product.head_dim, product.stored) == (4, 3, 2 * 3)


@pytest.mark.parametrize(
    ("shape", "expanded"), [((1, 4, 3), (2, 4, 3)), ((2, 1, 3), (2, 4, 3)), ((2, 4, 1), (2, 4, 3))]
)
def test_other_repeated_operands(shape: tuple[int, ...], expanded: tuple[int, ...], tmp_path: Path) -> None:
    """Over batches, over what is summed, and over what is kept."""
    nodes = [node("Expand", ["k", "shape"], ["e"]), node("MatMul", ["q", "e"], ["y"])]
    compared(model(nodes, {"q": (2, 5, 4), "k": shape}, {"shape": whole(*expanded)}), tmp_path)


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
    nodes = [node("Einsum", ["x", "w"], ["y"], equation=equation)]
    compared(model(nodes, {"x": one, "w": other}, {}), tmp_path)
    compared(model(nodes, {"x": one}, {"w": floats(*other)}), tmp_path)
    compared(model(nodes, {"w": other}, {"x": floats(*one)}), tmp_path)


def test_parts_of_sequences(tmp_path: Path) -> None:
    nodes = [
        node("SplitToSequence", ["x", "sizes"], ["a"], axis=1), node("SequenceAt", ["a", "one"], ["b"]),
        node("SplitToSequence", ["x", "four"], ["c"], axis=-1), node("SequenceAt", ["c", "one"], ["d"]),
        node("SplitToSequence", ["x"], ["e"], axis=0, keepdims=0), node("SequenceAt", ["e", "one"], ["f"]),
        node("SplitToSequence", ["x"], ["g"], axis=0), node("SequenceAt", ["g", "one"], ["h"]),
        *(node("Relu", [name], [f"{name}{name}"]) for name in "bdfh"),
    ]  # fmt: skip
    constants = {"sizes": whole(2, 3), "four": np.int64(4), "one": np.int64(1)}
    compared(model(nodes, {"x": (2, 5, 6)}, constants, outputs=("bb", "dd", "ff", "hh")), tmp_path)


NUMBERS: dict[str, list[Any]] = {
    "elu": [node("Elu", ["x"], ["y"], alpha=0.7)],
    "logarithm": [node("Exp", ["x"], ["a"]), node("Log", ["a"], ["y"])],
    "waves": [node("Sin", ["x"], ["a"]), node("Cos", ["x"], ["b"]), node("Add", ["a", "b"], ["y"])],
    "sign": [node("Sign", ["x"], ["y"])],
    "truth": [
        node("Less", ["x", "x1"], ["a"]), node("Greater", ["x", "x2"], ["b"]), node("Equal", ["x", "x"], ["c"]),
        node("And", ["a", "c"], ["d"]), node("Not", ["b"], ["e"]), node("Or", ["d", "e"], ["f"]), node("Where", ["f", "x", "x1"], ["y"]),
    ],
    "as another": [node("CastLike", ["n", "x"], ["a"]), node("Add", ["a", "x"], ["y"])],
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_functions_of_numbers(name: str, tmp_path: Path) -> None:
    constants = {"x1": np.float32(0.2), "x2": np.float32(-0.3), "n": np.array([1, 2, 3])}
    graph = compared(model(NUMBERS[name], {"x": (4, 3)}, constants), tmp_path)
    assert name != "as another" or [each.kind for each in graph.operators] == ["add"]


def test_operators_that_a_file_describes_itself(tmp_path: Path) -> None:
    domain = helper.make_opsetid("own", 1)
    own = helper.make_function(
        "own", "Twice", ["a"], ["b"], [node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 17)]
    )
    made = model([node("Twice", ["x"], ["c"], domain="own"), node("Relu", ["c"], ["y"])], {"x": (2, 3)}, {})
    made.opset_import.append(domain)
    made.functions.append(own)
    graph = compared(made, tmp_path)
    assert [each.kind for each in graph.operators] == ["add", "relu"]


def test_what_reads_sizes_alone_reads_no_numbers(tmp_path: Path) -> None:
    """A batch norm's numbers are made by the size of what it reads; it is folded all the same, and has none trained."""
    nodes = [
        node("Conv", ["x", "w"], ["a"]), node("Shape", ["a"], ["s"], start=1, end=2),
        node("Constant", [], ["one"], value_float=1.0), node("Constant", [], ["none"], value_float=0.0),
        node("Expand", ["one", "s"], ["g"]), node("Expand", ["none", "s"], ["h"]),
        node("BatchNormalization", ["a", "g", "h", "mean", "variance"], ["y"]),
    ]  # fmt: skip
    constants = {"w": floats(4, 3, 1, 1), "mean": floats(4), "variance": np.abs(floats(4)) + 1}
    graph = compared(model(nodes, {"x": (1, 3, 5, 5)}, constants), tmp_path)
    assert [each.kind for each in graph.operators] == ["linear"]


def test_inputs_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Those that nothing reads are left out."""
    nodes = [node("Sub", ["third", "first"], ["y"])]
    graph = compared(model(nodes, {"first": (2,), "second": (2,), "third": (2,)}, {}), tmp_path)
    assert [each.name for each in graph.inputs] == ["first", "third"]


def test_numbers_that_are_in_no_file_and_which_of_them_are_trained() -> None:
    """A table of 6 x 4, of which 2 rows are added and which is a head too; its other factor is no parameter."""
    nodes = [
        node("Gather", ["table", "rows"], ["a"]), node("Add", ["x", "a"], ["b"]),
        node("Transpose", ["table"], ["t"], perm=[1, 0]), node("MatMul", ["b", "t"], ["c"]), node("Mul", ["c", "times"], ["y"]),
    ]  # fmt: skip
    made = model(nodes, {"x": (2, 4)}, {"rows": whole(0, 1), "times": floats(6)})
    made.graph.initializer.add(
        name="table", dims=(6, 4), data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL
    )
    table = floats(6, 4)
    graph, arrays = from_proto(made, "head", "0", {}, readers={"table": lambda: table}, parameters=frozenset({"table"}))
    assert (graph.name, graph.parameters) == ("head", 24)
    assert [each.kind for each in graph.operators] == ["add", "linear"]
    product = next(each for each in graph.nodes if isinstance(each, Contraction))
    factor = onnx.numpy_helper.to_array(next(each for each in made.graph.initializer if each.name == "times"))
    np.testing.assert_allclose(arrays[product.inputs[1]], table.T * factor, rtol=1e-6)
