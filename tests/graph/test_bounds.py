"""Models that claim more than anything holds, or what is no number, are refused before they are built."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from archsim.errors import ArchsimError
from archsim.graph import load_model, roles
from archsim.graph.load import build
from archsim.graph.nodes import Node
from archsim.graph.weights import Weight, moving
from archsim.machine.source import parse

PRESET = """\
schema: archsim.model/1
name: t
architecture: decoder
layers: 2
hidden: 64
heads: 2
ffn: 64
vocabulary: 50
positions: 32
"""
NETWORK = "schema: archsim.network/1\nname: t\ninput: [3, 16, 16]\nlayers:\n  - "


def refusal(text: str) -> str:
    with pytest.raises(ArchsimError) as caught:
        build(parse(text, "t.yaml"))
    said = str(caught.value)
    assert said.startswith("t.yaml:")
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("layers: 2", "layers: 401", "found 401 layers; expected at most 400"),
        ("ffn: 64", "ffn: 64\nexperts: 10001", "found 20002 experts in all layers; expected at most 20000"),
        ("ffn: 64", "ffn: 64\nrotary: true\nhead_dim: 70000", "found 70000 values of a head; expected at most 65536"),
        (
            "ffn: 64",
            "ffn: 64\nrotary: true\nrotary_values: 70000",
            "rotary_values: found 70000 values that are turned; expected at most 65536",
        ),
        ("ffn: 64", "ffn: 64\nrotary: true\nhead_dim: 7", "found 7 values of a head that are turned; expected pairs"),
        ("ffn: 64", "ffn: 64\nrotary: true\nrotary_base: 0", "found a rotary base of 0; expected more than 1"),
        ("ffn: 64", "ffn: 64\nepsilon: -0.5", "found an epsilon of -0.5; expected 0 or more"),
        ("vocabulary: 50", "vocabulary: 20000000", ":8:13  vocabulary: found 20,000,000; expected at most 16,777,216"),
        ("positions: 32", "positions: 20000000", ":9:12  positions: found 20,000,000; expected at most 16,777,216"),
        ("name: t", f"name: {'x' * 2000}", ":2:7  name: found a name of 2,000 characters; expected at most 1,000"),
        ("name: t", r'name: "a\e[31m"', "expected a name without control characters"),
    ],
)
def test_presets(old: str, new: str, said: str) -> None:
    assert said in refusal(PRESET.replace(old, new))


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("residual: {main: [relu], repeat: 1000000}", "more than 8,000 operators"),
        ("residual: {main: [{residual: {main: [relu], repeat: 999}}], repeat: 999}", "more than 8,000 operators"),
        ("conv: {out: 4, kernel: 3, pad: 100000000000}", "pad[0]: found 100,000,000,000; expected at most 16,777,216"),
        ("conv: {out: 4, kernel: 9000, pad: 9000}", "expected at most 16,777,216"),
    ],
)
def test_networks(layer: str, said: str) -> None:
    assert said in refusal(f"{NETWORK}{layer}\n")


def saved(folder: Path, nodes: Sequence[Any], sizes: Sequence[int] = (1, 4), **more: Any) -> Path:  # noqa: ANN401
    value = helper.make_tensor_value_info("x", more.get("kind", TensorProto.FLOAT), sizes)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [value], [result], more.get("held", []))
    versions = ("", more.get("opset", 17)), ("own", 1)
    imports = [helper.make_opsetid(domain, version) for domain, version in versions]
    model = helper.make_model(graph, opset_imports=imports, functions=more.get("functions", []), ir_version=9)
    onnx.save(model, str(folder / "m.onnx"))
    return folder / "m.onnx"


def node(kind: str, *inputs: str, name: str = "", domain: str = "", **attributes: Any) -> Any:  # noqa: ANN401
    return helper.make_node(kind, inputs or ["x"], ["y"], name=name, domain=domain, **attributes)


def chain(number: int, kind: str = "Relu", domain: str = "") -> list[Any]:
    names = ["x", *(f"t{at}" for at in range(1, number)), "y"]
    return [helper.make_node(kind, [names[at]], [names[at + 1]], domain=domain) for at in range(number)]


def function(number: int, nodes: list[Any]) -> Any:  # noqa: ANN401
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_function("own", f"f{number}", ["x"], ["y"], nodes, imports)


def outside(key: str, value: str) -> Any:  # noqa: ANN401
    tensor = TensorProto(name="w", data_type=1, dims=[4, 4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key=key, value=value)
    return tensor


def sizes(number: int) -> Any:  # noqa: ANN401
    return numpy_helper.from_array(np.ones(number, np.int64), "w")


def ones(name: str, *sizes: int) -> Any:  # noqa: ANN401
    return numpy_helper.from_array(np.ones(sizes, np.float32), name)


def without_value(kind: str, attribute: str) -> Any:  # noqa: ANN401
    made = node(kind)
    made.attribute.add(name=attribute, type=onnx.AttributeProto.UNDEFINED)
    return made


W = numpy_helper.from_array(np.zeros((4, 4), np.float32), "w")
TEXTS = TensorProto(name="w", data_type=TensorProto.STRING, dims=[4, 4], string_data=[b"x"] * 16)
EACH_TEN = [function(at, chain(10, f"f{at + 1}", "own")) for at in range(8)] + [function(8, chain(1))]
DEEP = [function(at, chain(1, f"f{at + 1}", "own")) for at in range(60)] + [function(60, chain(1))]


@pytest.mark.parametrize(
    ("nodes", "more", "said"),
    [
        (chain(30_001), {}, "has more than 30,000 nodes and 200,000 tensors"),
        ([node("f0", domain="own")], {"functions": EACH_TEN}, "nodes; expected at most 30,000"),
        ([node("f0", domain="own")], {"functions": DEEP}, "is called more than 40 deep in others, or calls itself"),
        (
            [node("f0", domain="own")],
            {"functions": [function(0, chain(1, "f0", "own"))]},
            "or calls itself; expected fewer",
        ),
        ([node("Relu", name="n" * 2000)], {}, "has a name of 2,000 characters; expected at most 1,000"),
        ([node("Relu", name="a\nb")], {}, "has the name 'a\\nb'; expected names without control characters"),
        ([node("Relu")], {"sizes": [1 << 40]}, "expected at most 16,777,216"),
        ([node("Relu")], {"sizes": [1] * 100}, "found 100 dimensions; expected at most 32"),
        ([node("Relu")], {"sizes": [1 << 24, 1 << 24, 1 << 24]}, "numbers; expected at most 1,125,899,906,842,624"),
        ([node("Softmax", "q")], {}, "needs 'q', which is made by nobody"),
        ([helper.make_node("Relu", ["x"], [""])], {}, "makes nothing; expected a result"),
        ([node("LayerNormalization", "x", "w", epsilon=float("nan"))], {"held": [W]}, "found nan in 'epsilon'"),
        ([node("LayerNormalization", "x", "w", epsilon=-1.0)], {"held": [W]}, "found -1 in 'epsilon'"),
        ([node("MatMul", "x", "w")], {"held": [outside("location", "/etc/passwd")]}, "outside the model's folder"),
        ([node("MatMul", "x", "w")], {"held": [outside("location", "../w")]}, "outside the model's folder"),
        ([node("MatMul", "x", "w")], {"held": [outside("location", "")]}, "outside the model's folder"),
        ([node("MatMul", "x", "w")], {"held": [outside("offset", "0")]}, "outside the model's folder"),
        ([node("MatMul", "x", "w")], {"held": [TEXTS]}, "'w' is of texts or complex numbers; expected numbers"),
        ([node("MatMul", "x", "w")], {"held": [TensorProto(name="w", data_type=99, dims=[4, 4])]}, "are of type 99"),
        ([node("Expand", "x", "w")], {"held": [sizes(70)]}, "found 70 sizes in 'w'; expected those of at most 32"),
        ([node("Add", "x", "")], {}, "lacks an input that Add needs"),
        (
            [helper.make_node("RNN", ["x", "w", "r", "", "", "h"], ["y"], hidden_size=4)],
            {"sizes": (1, 1 << 23, 2), "held": [ones("w", 1, 4, 2), ones("r", 1, 4, 4), ones("h", 1, 1, 4)]},
            "has a state of 33,554,432 numbers; expected at most 16,777,216",
        ),
        (
            [helper.make_node("RNN", ["x", "w", "r", "", "", "h"], ["y"], hidden_size=4)],
            {"sizes": (1, 1, 3), "held": [ones("w", 1, 4, 2), ones("r", 1, 4, 4), ones("h", 1, 1, 4)]},
            "found [1, 4, 2] at input 2; expected [1, 4, 3]",
        ),
        (
            [helper.make_node("Attention", ["x", "x", "x"], ["y"], q_num_heads=1, kv_num_heads=1)],
            {"sizes": (1, 4, 4), "kind": TensorProto.STRING, "opset": 23},
            "'x' is of texts or complex numbers; expected numbers",
        ),
        ([without_value("Cast", "to")], {}, "node 'Cast': attribute 'to' has no value"),
        ([without_value("If", "else_branch")], {}, "node 'If': attribute 'else_branch' has no value"),
        (
            [helper.make_node("Scan", ["x"], ["y"], num_scan_inputs=1, other=helper.make_graph([], "g", [], []))],
            {"sizes": (4, 4)},
            "node 'Scan' (Scan): lacks the graph body",
        ),
    ],
)
def test_onnx_files(nodes: Sequence[Any], more: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = saved(tmp_path, nodes, **more)
    with pytest.raises(ArchsimError) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert said in str(caught.value)


def test_a_size_below_0_is_one_that_is_not_known(tmp_path: Path) -> None:
    """ONNX's own inference would end the process on what GatherND picks by it."""
    data = helper.make_tensor_value_info("x", TensorProto.FLOAT, (2, 2, 2))
    at = helper.make_tensor_value_info("at", TensorProto.INT64, (2, 1, -1))
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("GatherND", ["x", "at"], ["y"])], "g", [data, at], [result])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9), str(tmp_path / "m.onnx")
    )
    with pytest.raises(ArchsimError):
        load_model(tmp_path / "m.onnx")


def test_numbers_of_a_long_vector_are_not_worked_out(tmp_path: Path) -> None:
    """10^8 numbers, each of which ONNX's inference would keep."""
    held = [numpy_helper.from_array(np.array(number, np.int64), name) for name, number in (("a", 0), ("b", 10**8))]
    held.append(numpy_helper.from_array(np.array(1, np.int64), "c"))
    nodes = [helper.make_node("Range", ["a", "b", "c"], ["r"]), helper.make_node("Cast", ["r"], ["f"], to=1)]
    with pytest.raises(ArchsimError, match="Add"):
        load_model(saved(tmp_path, [*nodes, node("Add", "x", "f")], held=held))


def test_a_long_graph_is_read_in_linear_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a tensor comes from is looked for a few times a node, however many nodes are before it."""
    asked: Counter[str] = Counter()
    plain = moving

    def counted(node: Node, weights: Mapping[str, Weight]) -> list[tuple[int, str]]:
        asked[node.key] += 1
        return plain(node, weights)

    monkeypatch.setattr(roles, "moving", counted)
    load_model(saved(tmp_path, chain(400)))
    assert 0 < max(asked.values()) < 5
