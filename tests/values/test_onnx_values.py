"""ONNX files as Graphs on values: equal to ONNX's reference evaluator."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.helper import make_node as node
from tests.values.onnx_runs import compared, filled, model

from archsim.graph.job import make_job

DRAW = np.random.default_rng(1)


def floats(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.normal(size=shape).astype(np.float32)


def positive(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.uniform(0.5, 1.5, shape).astype(np.float32)


def whole(*numbers: int) -> Any:  # noqa: ANN401
    return np.array(numbers, np.int64)


def number(value: float) -> Any:  # noqa: ANN401
    return np.float32(value)


Case = tuple[list[onnx.NodeProto], dict[str, tuple[int, ...]], dict[str, Any]]
"""Nodes, inputs, constants."""
MAP = {"x": (2, 4, 7, 6)}
LINE = {"x": (1, 4, 9)}
ROWS = {"x": (2, 5, 6)}

PRODUCTS: dict[str, Case] = {
    "conv, both batches": ([node("Conv", ["x", "w", "b"], ["y"], pads=[1, 0, 1, 2], strides=[2, 1])],
                           MAP, {"w": floats(6, 4, 3, 3), "b": floats(6)}),
    "conv in groups": ([node("Conv", ["x", "w", "b"], ["y"], group=2, dilations=[2, 1])],
                       MAP, {"w": floats(6, 2, 3, 2), "b": floats(6)}),
    "depthwise": ([node("Conv", ["x", "w"], ["y"], group=4, auto_pad="SAME_LOWER", strides=[2, 2])],
                  MAP, {"w": floats(8, 1, 4, 3)}),
    "pointwise, strided": ([node("Conv", ["x", "w"], ["y"], strides=[2, 2])], MAP, {"w": floats(5, 4, 1, 1)}),
    "conv of one dimension": ([node("Conv", ["x", "w"], ["y"], dilations=[2], pads=[3, 1])], LINE, {"w": floats(8, 4, 3)}),
    "conv of three dimensions": ([node("Conv", ["x", "w"], ["y"], group=2, pads=[1, 0, 1, 1, 1, 0])],
                                 {"x": (1, 4, 4, 5, 3)}, {"w": floats(6, 2, 2, 3, 2)}),
    "conv, then batch norm": ([
        node("Conv", ["x", "w"], ["a"], group=2), node("BatchNormalization", ["a", "g", "h", "m", "v"], ["c"], epsilon=0.1),
        node("Mul", ["c", "s"], ["d"]), node("Sub", ["t", "d"], ["e"]), node("Div", ["e", "s"], ["f"]),
        node("Relu", ["f"], ["y"])], MAP,
        {"w": floats(6, 2, 3, 3), "g": floats(6), "h": floats(6), "m": floats(6), "v": positive(6),
         "s": positive(6, 1, 1), "t": floats(1, 6, 1, 1)}),
    "batch norm, then conv": ([
        node("BatchNormalization", ["x", "g", "h", "m", "v"], ["a"]), node("Relu", ["a"], ["r"]),
        node("Conv", ["r", "w"], ["y"])], MAP,
        {"w": floats(6, 4, 3, 3), "g": floats(4), "h": floats(4), "m": floats(4), "v": positive(4)}),
    "a shift by position stays": ([node("Conv", ["x", "w"], ["a"]), node("Add", ["a", "b"], ["y"])],
                                  MAP, {"w": floats(6, 4, 3, 3), "b": floats(6, 5, 4)}),
    "what others read stays": ([node("Conv", ["x", "w"], ["a"]), node("Add", ["a", "b"], ["c"]), node("Mul", ["c", "a"], ["y"])],
                               MAP, {"w": floats(6, 4, 3, 3), "b": floats(6, 1, 1)}),
    "gemm": ([node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0)], {"x": (5, 4)}, {"w": floats(4, 3), "b": floats(1, 3)}),
    "gemm, both transposed": ([node("Gemm", ["x", "w", "b"], ["y"], transA=1, transB=1)],
                              {"x": (4, 5)}, {"w": floats(3, 4), "b": floats(5, 1)}),
    "gemm, constant first": ([node("Gemm", ["w", "x", "b"], ["a"], transA=1, alpha=0.5), node("Relu", ["a"], ["y"])],
                             {"x": (4, 5)}, {"w": floats(4, 3), "b": floats(3, 1)}),
    "gemm of two": ([node("Gemm", ["x", "z", "b"], ["y"], transB=1, alpha=0.5, beta=0.3)],
                    {"x": (5, 4), "z": (3, 4)}, {"b": floats(5, 3)}),
    "matmul with a bias and a scale": ([node("MatMul", ["x", "w"], ["a"]), node("Add", ["b", "a"], ["c"]), node("Mul", ["c", "s"], ["y"])],
                                       ROWS, {"w": floats(6, 4), "b": floats(4), "s": number(0.5)}),
    "matmul, constant first": ([node("MatMul", ["w", "x"], ["a"]), node("Add", ["a", "b"], ["y"])],
                               ROWS, {"w": floats(3, 5), "b": floats(3, 1)}),
    "matmul with a constant batch": ([node("MatMul", ["x", "w"], ["a"]), node("Add", ["a", "b"], ["y"])],
                                     ROWS, {"w": floats(2, 6, 4), "b": floats(2, 1, 4)}),
    "matmul for each of more": ([node("MatMul", ["x", "w"], ["y"])], {"x": (1, 5, 6)}, {"w": floats(3, 2, 6, 4)}),
    "matmul, first for each": ([node("MatMul", ["w", "x"], ["y"])], {"x": (2, 5, 6)}, {"w": floats(3, 1, 4, 5)}),
    "matmul with a vector": ([node("MatMul", ["x", "w"], ["a"]), node("Mul", ["a", "s"], ["y"])], ROWS, {"w": floats(6), "s": number(2)}),
    "vector with a matrix": ([node("MatMul", ["x", "w"], ["y"])], {"x": (6,)}, {"w": floats(6, 4)}),
    "matmul of two": ([node("MatMul", ["x", "z"], ["a"]), node("Div", ["a", "s"], ["y"])],
                      {"x": (2, 3, 4, 5), "z": (2, 3, 5, 4)}, {"s": number(3)}),
    "matmul of two, repeated": ([node("MatMul", ["x", "z"], ["y"])], {"x": (2, 1, 4, 5), "z": (3, 5, 4)}, {}),
    "matmul of two, the other way": ([node("MatMul", ["x", "z"], ["y"])], {"x": (3, 4, 5), "z": (2, 1, 5, 4)}, {}),
    "matmul of vectors": ([node("MatMul", ["x", "z"], ["y"])], {"x": (5,), "z": (2, 5, 4)}, {}),
    "a scale before a product": ([
        node("Mul", ["x", "s"], ["a"]), node("Transpose", ["z"], ["b"], perm=[0, 2, 1]), node("Div", ["b", "s"], ["c"]),
        node("MatMul", ["a", "c"], ["d"]), node("Mul", ["d", "s"], ["e"]), node("Softmax", ["e"], ["y"])],
        {"x": (2, 3, 4), "z": (2, 3, 4)}, {"s": number(0.3)}),
    "a scale that others read": ([
        node("Mul", ["x", "s"], ["a"]), node("MatMul", ["a", "z"], ["d"]), node("Add", ["d", "a"], ["y"])],
        {"x": (2, 4, 4), "z": (2, 4, 4)}, {"s": number(0.3)}),
}  # fmt: skip


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str, tmp_path: Path) -> None:
    nodes, inputs, constants = PRODUCTS[name]
    compared(model(nodes, inputs, constants), tmp_path)


ROWWISE: dict[str, Case] = {
    "maxpool": ([node("MaxPool", ["x"], ["y"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1], ceil_mode=1)], MAP, {}),
    "maxpool, dilated": ([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], dilations=[3, 2])], MAP, {}),
    "maxpool of one dimension": ([node("MaxPool", ["x"], ["y"], kernel_shape=[3], strides=[2])], LINE, {}),
    "average": ([node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])], MAP, {}),
    "average with zeros": ([node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 0, 1], count_include_pad=1)], MAP, {}),
    "average, rounded up": ([node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], MAP, {}),
    "average, as large": ([node("AveragePool", ["x"], ["y"], kernel_shape=[2, 3], auto_pad="SAME_UPPER", strides=[2, 1])], MAP, {}),
    "global average": ([node("GlobalAveragePool", ["x"], ["y"])], MAP, {}),
    "global largest": ([node("GlobalMaxPool", ["x"], ["y"])], MAP, {}),
    "softmax": ([node("Softmax", ["x"], ["y"], axis=1)], MAP, {}),
    "log softmax": ([node("LogSoftmax", ["x"], ["y"])], ROWS, {}),
    "argmax": ([node("ArgMax", ["x"], ["y"], axis=-1, keepdims=0)], ROWS, {}),
    "layer norm": ([node("LayerNormalization", ["x", "g", "b"], ["y"], axis=-2, epsilon=0.01)],
                   ROWS, {"g": floats(5, 6), "b": floats(6)}),
    "layer norm, no shift": ([node("LayerNormalization", ["x", "g"], ["y"])], ROWS, {"g": floats(6)}),
    "instance norm": ([node("InstanceNormalization", ["x", "g", "b"], ["y"])], MAP, {"g": floats(4), "b": floats(4)}),
    "local response": ([node("LRN", ["x"], ["y"], size=3, alpha=0.2, beta=0.6, bias=1.5)], MAP, {}),
    "leaky": ([node("LeakyRelu", ["x"], ["y"], alpha=0.2)], ROWS, {}),
    "slopes": ([node("PRelu", ["x", "s"], ["y"])], MAP, {"s": floats(4, 1, 1)}),
    "hard sigmoid": ([node("HardSigmoid", ["x"], ["a"], alpha=0.3), node("HardSwish", ["a"], ["y"])], ROWS, {}),
    "curves": ([node("Sigmoid", ["x"], ["a"]), node("Erf", ["a"], ["b"]), node("Tanh", ["b"], ["c"]), node("Exp", ["c"], ["y"])], ROWS, {}),
    "roots": ([node("Abs", ["x"], ["a"]), node("Sqrt", ["a"], ["b"]), node("Exp", ["b"], ["c"]), node("Reciprocal", ["c"], ["y"])], ROWS, {}),
    "rounded": ([node("Mul", ["x", "s"], ["a"]), node("Round", ["a"], ["b"]), node("Floor", ["a"], ["c"]), node("Ceil", ["a"], ["d"]),
                 node("Neg", ["d"], ["e"]), node("Sum", ["b", "c", "e"], ["y"])], ROWS, {"s": number(3)}),
    "bounds": ([node("Clip", ["x", "l", "h"], ["a"]), node("Clip", ["x", "", "h"], ["b"]), node("Min", ["a", "b", "x"], ["c"]),
                node("Max", ["c", "s"], ["y"])], ROWS, {"l": number(-0.5), "h": number(0.7), "s": floats(5, 6)}),
    "where": ([node("Where", ["m", "x", "s"], ["y"])], ROWS, {"m": np.tri(5, 6, dtype=bool), "s": number(-9)}),
    "powers": ([node("Abs", ["x"], ["a"]), node("Pow", ["a", "s"], ["y"])], ROWS, {"s": floats(6)}),
    "constant first": ([node("Sub", ["s", "x"], ["a"]), node("Div", ["t", "a"], ["y"])], ROWS, {"s": number(9), "t": floats(5, 1)}),
    "more dimensions": ([node("Add", ["x", "s"], ["y"])], {"x": (1, 5, 6)}, {"s": floats(2, 3, 5, 1)}),
    "types": ([node("Cast", ["x"], ["a"], to=7), node("Cast", ["a"], ["b"], to=1), node("Cast", ["x"], ["c"], to=9),
               node("Cast", ["c"], ["d"], to=1), node("Add", ["b", "d"], ["y"])], ROWS, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWWISE)
def test_rows_and_numbers(name: str, tmp_path: Path) -> None:
    nodes, inputs, constants = ROWWISE[name]
    compared(model(nodes, inputs, constants), tmp_path)


@pytest.mark.parametrize("kind", ["Mean", "Max", "Min", "Sum", "Prod", "L2"])
def test_reductions(kind: str, tmp_path: Path) -> None:
    compared(model([node(f"Reduce{kind}", ["x", "d"], ["y"], keepdims=0)], MAP, {"d": whole(-1, 1)}, opset=18), tmp_path)
    compared(model([node(f"Reduce{kind}", ["x"], ["y"])], ROWS, {}, opset=18), tmp_path)


def test_newer_norms(tmp_path: Path) -> None:
    nodes = [node("RMSNormalization", ["x", "g"], ["y"], axis=-1, epsilon=0.1)]
    compared(model(nodes, ROWS, {"g": floats(6)}, opset=23), tmp_path)
    nodes = [node("GroupNormalization", ["x", "g", "b"], ["y"], num_groups=2)]
    compared(model(nodes, MAP, {"g": floats(4), "b": floats(4)}, opset=21), tmp_path)
    compared(model([node("Gelu", ["x"], ["a"]), node("Gelu", ["a"], ["y"], approximate="tanh")], ROWS, {}, opset=20), tmp_path)


VIEWS: dict[str, Case] = {
    "shuffled channels": ([node("Reshape", ["x", "s"], ["a"]), node("Transpose", ["a"], ["b"], perm=[0, 2, 1, 3, 4]),
                           node("Reshape", ["b", "t"], ["c"]), node("Conv", ["c", "w"], ["y"])],
                          MAP, {"s": whole(0, 2, 2, 7, -1), "t": whole(2, 4, 7, 6), "w": floats(3, 4, 2, 2)}),
    "squeezed": ([node("Unsqueeze", ["x", "d"], ["a"]), node("Flatten", ["a"], ["b"], axis=2), node("Squeeze", ["b"], ["y"])],
                 {"x": (4, 1, 6)}, {"d": whole(0, 4)}),
    "slices": ([node("Slice", ["x", "s", "e", "d", "t"], ["a"]), node("Relu", ["a"], ["y"])],
               MAP, {"s": whole(1, -4), "e": whole(100, -1), "d": whole(1, 3), "t": whole(2, 1)}),
    "pieces": ([node("Split", ["x", "s"], ["a", "", "b"], axis=1), node("Concat", ["b", "a", "x"], ["y"], axis=1)],
               MAP, {"s": whole(1, 2, 1)}),
    "equal pieces": ([node("Split", ["x"], ["a", "b"], axis=1), node("Mul", ["a", "b"], ["y"])], MAP, {}),
    "picked": ([node("Gather", ["x", "i"], ["a"], axis=1), node("Gather", ["x", "j"], ["b"], axis=2), node("Gather", ["b", "k"], ["c"], axis=1),
                node("MatMul", ["a", "c"], ["y"])], {"x": (4, 3, 4)}, {"i": whole(0, 2, 1), "j": whole(1, 3), "k": whole(2, 0, 1, 1)}),
    "one picked": ([node("Gather", ["x", "i"], ["y"], axis=1)], ROWS, {"i": np.int64(-1)}),
    "repeated": ([node("Expand", ["x", "s"], ["a"]), node("Tile", ["a", "t"], ["y"])], {"x": (3, 1, 4)}, {"s": whole(2, 1, 2, 1), "t": whole(1, 2, 1, 3)}),
    "padded": ([node("Pad", ["x", "p", "n"], ["a"]), node("Conv", ["a", "w"], ["y"])],
               MAP, {"p": whole(0, 0, 1, 0, 0, 0, 2, 1), "n": number(3), "w": floats(3, 4, 2, 2)}),
    "joined with a constant": ([node("Concat", ["c", "x"], ["a"], axis=1), node("MatMul", ["a", "w"], ["y"])],
                               {"x": (1, 5, 6)}, {"c": floats(1, 1, 6), "w": floats(6, 4)}),
    "blocks": ([node("DepthToSpace", ["x"], ["a"], blocksize=2), node("Relu", ["a"], ["y"])], {"x": (2, 8, 3, 2)}, {}),
    "blocks, channels first": ([node("DepthToSpace", ["x"], ["a"], blocksize=2, mode="CRD"), node("Conv", ["a", "w"], ["y"])],
                               {"x": (1, 8, 3, 2)}, {"w": floats(3, 2, 2, 2)}),
    "nearest": ([node("Resize", ["x", "", "s"], ["a"], mode="nearest"), node("Conv", ["a", "w"], ["y"])],
                MAP, {"s": np.array([1, 1, 2, 3], np.float32), "w": floats(3, 4, 2, 2)}),
    "nearest to sizes": ([node("Resize", ["x", "", "", "s"], ["y"], mode="nearest", nearest_mode="floor",
                               coordinate_transformation_mode="asymmetric")], MAP, {"s": whole(2, 4, 21, 6)}),
    "constants of sizes": ([node("Shape", ["x"], ["s"]), node("Gather", ["s", "i"], ["l"]), node("Range", ["o", "l", "j"], ["p"]),
                            node("Gather", ["t", "p"], ["q"]), node("ConstantOfShape", ["s"], ["n"]), node("Add", ["x", "q"], ["a"]),
                            node("Add", ["a", "n"], ["y"])],
                           ROWS, {"i": np.int64(1), "o": np.int64(0), "j": np.int64(1), "t": floats(9, 6)}),
    "result is what comes in": ([node("Identity", ["x"], ["a"]), node("Relu", ["a"], ["b"]), node("Identity", ["b"], ["y"])], ROWS, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_views(name: str, tmp_path: Path) -> None:
    nodes, inputs, constants = VIEWS[name]
    work = node("Relu", ["y"], ["z"])  # views alone are nothing to compute
    compared(model([*nodes, work], inputs, constants, outputs=("y", "z")), tmp_path)


def test_tables(tmp_path: Path) -> None:
    nodes = [
        node("Unsqueeze", ["i", "d"], ["j"]),
        node("Gather", ["t", "j"], ["a"]),
        node("Gather", ["v", "i"], ["b"]),
        node("Add", ["a", "b"], ["c"]),
        node("MatMul", ["c", "w"], ["y"]),
    ]
    constants = {"t": floats(7, 4), "v": floats(7), "w": floats(4, 3), "d": whole(1)}
    graph = compared(model(nodes, {"i": (3, 5)}, {**constants, "v": floats(9, 5, 4)}, whole=("i",)), tmp_path)
    assert [each.whole for each in graph.inputs] == [7]


def written_out(kind: str) -> Case:
    """Norms and curves in simple operators."""
    centred = [node("ReduceMean", ["x"], ["m"], axes=[-1]), node("Sub", ["x", "m"], ["d"])]
    vectors = [node("Mul", ["g", "n"], ["o"]), node("Add", ["o", "b"], ["y"])]
    if kind == "layernorm":
        nodes = [*centred, node("Pow", ["d", "two"], ["p"]), node("ReduceMean", ["p"], ["v"], axes=[-1]), node("Add", ["v", "e"], ["w"]),
                 node("Sqrt", ["w"], ["r"]), node("Div", ["d", "r"], ["n"]), *vectors]  # fmt: skip
    elif kind == "layernorm, reciprocal":
        nodes = [*centred, node("Mul", ["d", "d"], ["p"]), node("ReduceMean", ["p"], ["v"], axes=[-1]), node("Add", ["e", "v"], ["w"]),
                 node("Sqrt", ["w"], ["r"]), node("Reciprocal", ["r"], ["q"]), node("Mul", ["d", "q"], ["n"]), *vectors]  # fmt: skip
    elif kind == "rmsnorm":
        nodes = [node("Mul", ["x", "x"], ["p"]), node("ReduceMean", ["p"], ["v"], axes=[-1]), node("Add", ["v", "e"], ["w"]),
                 node("Sqrt", ["w"], ["r"]), node("Div", ["one", "r"], ["q"]), node("Mul", ["x", "q"], ["n"]), node("Mul", ["n", "g"], ["y"])]  # fmt: skip
    elif kind == "gelu":
        nodes = [node("Div", ["x", "root"], ["a"]), node("Erf", ["a"], ["c"]), node("Add", ["c", "one"], ["d"]),
                 node("Mul", ["x", "d"], ["f"]), node("Mul", ["f", "half"], ["y"])]  # fmt: skip
    elif kind == "gelu, half first":
        nodes = [node("Mul", ["x", "half"], ["h"]), node("Div", ["x", "root"], ["a"]), node("Erf", ["a"], ["c"]),
                 node("Add", ["one", "c"], ["d"]), node("Mul", ["h", "d"], ["y"])]  # fmt: skip
    elif kind == "gelu by tanh":
        nodes = [node("Pow", ["x", "three"], ["a"]), node("Mul", ["a", "k"], ["c"]), node("Add", ["x", "c"], ["d"]),
                 node("Mul", ["d", "l"], ["f"]), node("Tanh", ["f"], ["h"]), node("Add", ["h", "one"], ["i"]),
                 node("Mul", ["x", "half"], ["j"]), node("Mul", ["j", "i"], ["y"])]  # fmt: skip
    elif kind == "silu":
        nodes = [node("Sigmoid", ["x"], ["a"]), node("Mul", ["x", "a"], ["y"])]
    else:
        nodes = [node("ReduceMax", ["x"], ["m"], axes=[-1]), node("Sub", ["x", "m"], ["d"]), node("Exp", ["d"], ["a"]),
                 node("ReduceSum", ["a", "last"], ["s"]), node("Div", ["a", "s"], ["y"])]  # fmt: skip
    constants = {"two": number(2), "three": number(3), "e": number(0.01), "one": number(1), "half": number(0.5),
                 "root": number(2**0.5), "k": number(0.044715), "l": number((2 / np.pi) ** 0.5),
                 "g": floats(6), "b": floats(6), "last": whole(-1)}  # fmt: skip
    return nodes, ROWS, {name: each for name, each in constants.items() if any(name in one.input for one in nodes)}


@pytest.mark.parametrize(
    ("kind", "operator"),
    [
        ("layernorm", "layernorm"),
        ("layernorm, reciprocal", "layernorm"),
        ("rmsnorm", "rmsnorm"),
        ("gelu", "gelu"),
        ("gelu, half first", "gelu"),
        ("gelu by tanh", "gelu"),
        ("silu", "silu"),
        ("softmax", "softmax"),
    ],
)
def test_what_is_written_out_is_one_operator(kind: str, operator: str, tmp_path: Path) -> None:
    nodes, inputs, constants = written_out(kind)
    graph = compared(model(nodes, inputs, constants, opset=13), tmp_path)
    assert [each.kind for each in graph.operators] == [operator]


@pytest.mark.parametrize("kind", ["layernorm", "gelu", "silu", "softmax", "rmsnorm"])
def test_what_others_read_is_not_put_together(kind: str, tmp_path: Path) -> None:
    """Each tensor in turn is a result too."""
    nodes, inputs, constants = written_out(kind)
    for each in nodes[:-1]:
        compared(model(nodes, inputs, constants, opset=13, outputs=("y", each.output[0])), tmp_path)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("batch_first", [0, 1])
def test_recurrences(direction: str, batch_first: int, tmp_path: Path) -> None:
    """Seven positions of two sequences."""
    halves = 2 if direction == "bidirectional" else 1
    nodes = [node("LSTM", ["x", "w", "r", "b"], ["y", "h", "c"], hidden_size=3, direction=direction, layout=batch_first)]
    constants = {"w": floats(halves, 12, 4), "r": floats(halves, 12, 3), "b": floats(halves, 24)}
    shape = (2, 7, 4) if batch_first else (7, 2, 4)
    if not batch_first:
        compared(model(nodes, {"x": shape}, constants, outputs=("y", "h", "c"), opset=14), tmp_path)
    elif direction == "forward":  # the evaluator knows no other with the batch first
        compared(model(nodes, {"x": shape}, constants, outputs=("y", "h"), opset=14), tmp_path)


def test_older_softmax_is_over_all_that_follows(tmp_path: Path) -> None:
    compared(model([node("Softmax", ["x"], ["y"], axis=1)], ROWS, {}, opset=11), tmp_path)


CASES = ["01-conv-batch8", "02-matmul-batch4", "03-gemm-2d", "04-matmul-const-left", "20-layernorm-decomposed",
         "20-layernorm-fused", "23-tf-nhwc", "27-embedding", "36-decode-past", "40-bert-embedding", "49-bert-tiny-ids"]  # fmt: skip
FILES = ["mlperf_tiny_deepautoencoder", "mlperf_tiny_ds_cnn", "mlperf_tiny_mobilenet_v1", "mlperf_tiny_resnet8", "mnist",
         "Ultraface_version-RFB-320"]  # fmt: skip
LARGE = ["light_bvlc_alexnet", "light_densenet121", "light_inception_v1", "light_inception_v2", "light_resnet50",
         "light_shufflenet", "light_squeezenet", "light_zfnet512"]  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, data_dir: Path, tmp_path: Path) -> None:
    path = data_dir.parent / "cases" / "onnx" / f"{name}.onnx"
    if not path.exists():
        pytest.skip("no cases at hand")
    compared(filled(onnx.load(str(path))), tmp_path)


@pytest.mark.parametrize("name", [*FILES, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_published_graphs(name: str, data_dir: Path, tmp_path: Path) -> None:
    graph = compared(filled(onnx.load(str(data_dir / "onnx" / f"{name}.onnx"))), tmp_path)
    assert make_job(graph, "prefill", None, 0, 1).macs(graph)
