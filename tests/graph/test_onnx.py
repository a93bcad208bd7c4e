"""ONNX files as models."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from archsim.errors import ArchsimError
from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.graph.operators import Linear, Matmul
from archsim.machine import load_machine
from tests.lowering.runs import all_times, counts, run


def macs(graph: Graph) -> int:
    return make_job(graph, "prefill", None, 0, 1).macs(graph)


def weights(name: str, *shape: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def save(
    folder: Path,
    nodes: list[onnx.NodeProto],
    shape: list[Any],
    initializers: list[onnx.TensorProto],
    output: str = "y",
) -> Path:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        initializers,
    )
    path = folder / "model.onnx"
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=versions), str(path))
    return path


@pytest.mark.parametrize(
    ("file", "parameters", "thousands"),
    [  # as the publishers count them, batch norms' scales and shifts included
        ("light_resnet50", 25_557_032, 4_089_184),
        ("light_vgg19", 143_667_240, 19_632_062),
        ("light_bvlc_alexnet", 60_965_224, 654_560),
        ("light_squeezenet", 1_235_496, 349_152),
        ("mlperf_tiny_resnet8", 77_706, 12_502),
        ("mlperf_tiny_mobilenet_v1", 210_850, 7_490),
        ("mlperf_tiny_ds_cnn", 22_604, 2_657),
        ("mlperf_tiny_deepautoencoder", 265_864, 264),
        ("zigzag_resnet18", 11_684_712, 1_814_073),  # its batch norms are gone
        ("zigzag_mobilenetv2", 3_487_816, 300_774),
        ("mnist", 5_994, 787),
    ],
)
def test_published_graphs(data_dir: Path, file: str, parameters: int, thousands: int) -> None:
    graph = load_model(data_dir / "onnx" / f"{file}.onnx")
    assert graph.parameters == parameters
    assert round(macs(graph) / 1e3) == thousands


def test_all_graphs_at_hand_import(data_dir: Path) -> None:
    files = sorted((data_dir / "onnx").glob("*.onnx"))
    assert len(files) == 19
    graphs = [load_model(file) for file in files]
    assert all(graph.linears for graph in graphs)
    left = [graph for graph in graphs if any(note.startswith("left to the host") for note in graph.notes)]
    assert [graph.name for graph in left] == ["pytorch_superresolution_with_pre_post_processing_op18"]
    assert "left to the host" in left[0].notes[0]


def test_onnx_and_layers_are_the_same_network(data_dir: Path) -> None:
    imported, written = load_model(data_dir / "onnx" / "light_resnet50.onnx"), load_model("resnet-50")

    def shapes(graph: Graph) -> list[tuple[int, int, int]]:
        return sorted((each.in_features, each.out_features, each.stream.length or 0) for each in graph.linears)

    assert shapes(imported) == shapes(written)


def test_a_graph_runs(data_dir: Path) -> None:
    """9 convolutions at 1024, 256 and 64 pixels and one product: a task each."""
    played = run(load_machine("isaac"), load_model(data_dir / "onnx" / "mlperf_tiny_resnet8.onnx"), 1)
    assert counts(played)
    products = [at for at, kind in enumerate(played.program.kinds) if kind.endswith("/product")]
    assert sum(played.program.tasks_per_kind()[products]) == 3 * 1024 + 3 * 256 + 3 * 64 + 1


def attention(folder: Path, positions: Any) -> Path:  # noqa: ANN401
    """One layer: 4 heads of 8 on 6 positions, shapes taken from the tensor itself as exporters do."""
    names = ("q", "k", "v")
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["length"]),
        helper.make_node("Concat", ["batch", "length", "split"], ["by_head"], axis=0),
        helper.make_node("Concat", ["batch", "length", "merged"], ["whole"], axis=0),
    ]
    for name in names:
        nodes += [
            helper.make_node("MatMul", ["x", f"w{name}"], [f"{name}0"]),
            helper.make_node("Reshape", [f"{name}0", "by_head"], [f"{name}1"]),
            helper.make_node("Transpose", [f"{name}1"], [name], perm=[0, 2, 3, 1] if name == "k" else [0, 2, 1, 3]),
        ]
    nodes += [
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Mul", ["s", "scale"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["p"], axis=-1),
        helper.make_node("MatMul", ["p", "v"], ["c"]),
        helper.make_node("Transpose", ["c"], ["c1"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["c1", "whole"], ["c2"]),
        helper.make_node("MatMul", ["c2", "wo"], ["o"]),
        helper.make_node("Add", ["o", "x"], ["y"]),
    ]
    constants = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in
                 (("one", [1]), ("batch", [1]), ("split", [4, 8]), ("merged", [32]))]  # fmt: skip
    matrices = [weights(f"w{name}", 32, 32) for name in (*names, "o")]
    return save(folder, nodes, ["batch", positions, 32], [*constants, *matrices, weights("scale")])


def test_attention_is_found_and_its_length_may_be_open(tmp_path: Path) -> None:
    """6 positions: 4 matrices of 32 x 32 each, 6 keys of 32 values twice."""
    for graph in (load_model(attention(tmp_path, 6)), load_model(attention(tmp_path, "seq"), {"x": (1, 6, 32)})):
        assert macs(graph) == 6 * (4 * 32 * 32 + 2 * 6 * 32)
        scores, context = (each for each in graph.operators if isinstance(each, Matmul))
        assert (scores.role, context.role, scores.heads, scores.head_dim) == ("scores", "context", 4, 8)
        softmax = next(each for each in graph.operators if each.kind == "softmax")
        assert (softmax.rows, softmax.width) == (4, 6)  # type: ignore[attr-defined]
    with pytest.raises(ArchsimError, match=r"sizes of \d+ tensors are not known, such as .* Try --shape"):
        load_model(attention(tmp_path, "seq"))
    with pytest.raises(ArchsimError, match=r"--shape z: no such tensor\. Inputs: x"):
        load_model(attention(tmp_path, "seq"), {"z": (1, 6, 32)})
    with pytest.raises(ArchsimError, match="--shape x: found 2 sizes; the input has 3"):
        load_model(attention(tmp_path, "seq"), {"x": (1, 6)})
    assert run(load_machine("isaac"), load_model(attention(tmp_path, 6)), 1).makespan


def test_unknown_operators_are_told_at_once_and_cost_an_operation_if_asked(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("RandomNormalLike", ["x"], ["a"]),
        helper.make_node("RandomNormalLike", ["a"], ["b"]),
        helper.make_node("Bernoulli", ["b"], ["c"]),
        helper.make_node("MatMul", ["c", "w"], ["y"]),
    ]
    path = save(tmp_path, nodes, [1, 6, 32], [weights("w", 32, 16)])
    with pytest.raises(ArchsimError) as caught:
        load_model(path)
    found = "operators that archsim does not know: RandomNormalLike (2 times), Bernoulli. Try --approximate"
    assert str(caught.value).startswith(f"{path}: {found}")
    graph = load_model(path, approximate=True)
    assert [each.kind for each in graph.operators] == ["other", "other", "other", "linear"]


def test_what_may_multiply_matrices_is_never_an_operation_a_value(tmp_path: Path) -> None:
    foreign = helper.make_node("Fused", ["a", "v"], ["y"], domain="com.example")
    nodes = [helper.make_node("DeformConv", ["x", "w", "x"], ["a"]), foreign]
    path = save(tmp_path, nodes, [1, 4, 8, 8], [weights("w", 4, 4, 3, 3), weights("v", 10, 3)])
    with pytest.raises(ArchsimError, match=r"DeformConv, Fused\. DeformConv, Fused may multiply matrices"):
        load_model(path, approximate=True)


def test_sizes_that_do_not_fit_are_told_with_their_names(tmp_path: Path) -> None:
    path = save(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], [1, 16, 64], [weights("w", 32, 96)])
    with pytest.raises(ArchsimError, match=r"\[1, 16, 64\] of 'x' and \[32, 96\] of 'w' do not fit") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[1, 1], pads=[1, 0, 0, 0]), "in the padding alone"),
        (helper.make_node("MaxPool", ["x"], ["a", "y"], kernel_shape=[2, 2]), "places of the largest"),
        (helper.make_node("Reshape", ["x", "end"], ["y"]), r"\[1, 4, 6, 6\] cannot have the shape \[5\]"),
    ],
)
def test_what_is_not_exact_is_refused(node: onnx.NodeProto, message: str, tmp_path: Path) -> None:
    constants = {"start": [0], "end": [5], "axis": [3]}
    tensors = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()]
    tensors += [numpy_helper.from_array(np.array([1, 1, 1.5, 1], np.float32), "half"), weights("s", 4)]
    path = save(tmp_path, [node, helper.make_node("Relu", ["y"], ["z"])], [1, 4, 6, 6], tensors, output="z")
    with pytest.raises(ArchsimError, match=message):
        load_model(path)


def test_dilated_and_one_dimensional_convolutions(tmp_path: Path) -> None:
    """32 samples of 4 channels; kernel 3, 2 apart: 28 results of 12 values each."""
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], dilations=[2])]
    graph = load_model(save(tmp_path, nodes, [1, 4, 32], [weights("w", 8, 4, 3)]))
    conv = graph.operators[0]
    assert isinstance(conv, Linear)
    assert (conv.in_features, conv.out_features, conv.stream.length) == (12, 8, 28)


def test_circles_broken_files_and_traps_are_one_line(tmp_path: Path) -> None:
    matmul = helper.make_node("MatMul", ["b", "w"], ["a"], name="first")
    back = helper.make_node("Relu", ["a"], ["b"], name="second")
    path = save(tmp_path, [matmul, back], [1, 4], [weights("w", 4, 4)], output="a")
    for content, message in (
        (path.read_bytes(), "node 'first' needs 'b', which is made only by a later node, or in a circle"),
        (b"not a model", "is no ONNX model"),
        (b"", "has no operators; expected an ONNX model"),
        (path.read_bytes()[:40], ""),
    ):
        path.write_bytes(content)
        with pytest.raises(ArchsimError) as caught:
            load_model(path)
        assert str(caught.value).startswith(f"{path}: {message}")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["../secret.bin", "/etc/passwd", "beside.bin"])
def test_weights_outside_the_folder_are_refused(tmp_path: Path, place: str) -> None:
    tensor = weights("w", 4, 4)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=place)
    path = save(tmp_path, [helper.make_node("MatMul", ["x", "w"], ["y"])], [1, 4], [tensor])
    if place == "beside.bin":  # not there, and not needed
        assert load_model(path).parameters == 16
        return
    with pytest.raises(ArchsimError, match=f"weights of 'w' lie at '{place}', outside the model's folder"):
        load_model(path)


def lstm(tmp_path: Path, *, outputs: list[str], direction: str = "forward", batch: int = 1) -> Path:
    """Seven positions of 5 values, 6 hidden ones, biases; then a product with 6 or 12 x 3."""
    halves = 2 if direction == "bidirectional" else 1
    nodes = [
        helper.make_node("LSTM", ["x", "w", "r", "b"], outputs, hidden_size=6, direction=direction, name="recurrent"),
        helper.make_node("Reshape", [outputs[-1], "flat"], ["f"]),
        helper.make_node("MatMul", ["f", "m"], ["y"]),
    ]
    rows = 7 if len(outputs) == 1 else 1
    flat = numpy_helper.from_array(np.array([rows, batch, halves * 6], np.int64), "flat")
    given = [weights("w", halves, 24, 5), weights("r", halves, 24, 6), weights("b", halves, 48), flat]
    return save(tmp_path, nodes, [7, batch, 5], [*given, weights("m", halves * 6, 3)])


def test_an_lstm_runs_position_by_position(tmp_path: Path) -> None:
    """7 x (11 x 24) and 7 x (6 x 3) products; 11 x 24 weights, two biases of 24; and 18."""
    graph = load_model(lstm(tmp_path, outputs=["all"]))
    product, last = graph.linears
    assert (product.in_features, product.out_features, product.stream.length) == (11, 24, 7)
    assert [edge.scope for edge in product.inputs] == ["before"]
    assert [edge.scope for edge in last.inputs] == ["same"]
    assert (macs(graph), graph.parameters) == (7 * 11 * 24 + 7 * 18, 11 * 24 + 48 + 18)
    assert counts(run(load_machine("isaac"), graph, 1))


@pytest.mark.parametrize("outputs", [["", "last"], ["all", "last"]])
def test_the_last_state_is_there_when_all_of_it_is(tmp_path: Path, outputs: list[str]) -> None:
    graph = load_model(lstm(tmp_path, outputs=outputs))
    edge = graph.linears[1].inputs[0]
    assert edge.window is not None
    assert edge.window.last(np.arange(1)).tolist() == [6]
    assert graph.linears[1].stream.length == 1
    assert graph.linears[1].in_features == 6


def test_an_lstm_in_both_directions_is_two(tmp_path: Path) -> None:
    """Whoever reads the first position waits for the backward half's last step."""
    graph = load_model(lstm(tmp_path, outputs=["all"], direction="bidirectional"))
    assert [linear.in_features for linear in graph.linears] == [11, 11, 12]
    assert [edge.scope for edge in graph.linears[2].inputs] == ["same", "all"]
    played = run(load_machine("isaac"), graph, 1)
    first, second = (all_times(played, f"{number} lstm/product")[0] for number in (1, 2))
    assert len(first) == 7
    assert (first == second).all()


def test_an_lstm_of_several_sequences(tmp_path: Path) -> None:
    graph = load_model(lstm(tmp_path, outputs=["all"], batch=2))
    assert macs(graph) == 2 * (7 * 11 * 24 + 7 * 18)
