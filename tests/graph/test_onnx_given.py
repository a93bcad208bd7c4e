"""Inputs of ONNX files whose values a user gives before the run; results that are no work."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from archsim.cli import main
from archsim.errors import ArchsimError
from archsim.graph.load import load_model
from archsim.graph.onnx.load import load_onnx_arrays
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor


def saved(path: Path, nodes: list[onnx.NodeProto], *outputs: str) -> Path:
    """With numbers `x` [2, 3, 4] and whole ones `n` [2]."""
    inputs = [("x", TensorProto.FLOAT, [2, 3, 4]), ("n", TensorProto.INT64, [2])]
    given = [helper.make_tensor_value_info(*each) for each in inputs]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", given, made), ir_version=10), str(path))
    return path


SUM = [helper.make_node("ReduceSum", ["x", "n"], ["y"], keepdims=0)]
FLIPPED = [helper.make_node("Transpose", ["x"], ["y"], perm=[2, 0, 1])]
X = np.random.default_rng(0).standard_normal((1, 2, 3, 4)).astype(np.float32)


def test_axes_that_come_in_are_asked_for_and_given(tmp_path: Path) -> None:
    path = saved(tmp_path / "sum.onnx", SUM, "y")
    with pytest.raises(ArchsimError, match=r"'n' is made at run time; expected a constant\. Try --value n=1,2\."):
        load_model(path)
    graph, arrays = load_onnx_arrays(path, values={"n": np.array([0, -1])})
    assert [each.name for each in graph.inputs] == ["x"]
    (found,) = Executor(graph, arrays, FloatArithmetic()).run({"x": X}).values()
    np.testing.assert_allclose(found, X.sum(axis=(1, 3)), rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"m": [0]}, r"--value m: no such input\. Inputs: n, x"),
        ({"n": [0, 1, 2]}, r"--value n: found \[3\]; expected \[2\]"),
        ({"x": [1.0]}, r"--value x: found 1 numbers; expected \[2, 3, 4\]"),
    ],
)
def test_values_that_do_not_fit_are_told(values: dict[str, list[float]], message: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "sum.onnx", SUM, "y")
    with pytest.raises(ArchsimError, match=message):
        load_model(path, values={name: np.array(given) for name, given in values.items()})


def test_values_on_the_command_line(tmp_path: Path) -> None:
    path = str(saved(tmp_path / "sum.onnx", SUM, "y"))
    asked = CliRunner().invoke(main, ["run", "isaac", path, "--value", "n=0,-1"])
    assert asked.exit_code == 0, asked.output
    wrong = CliRunner().invoke(main, ["run", "isaac", path, "--value", "n=one"])
    assert wrong.exit_code == 2
    assert "expected a name and numbers, such as axes=1,2" in wrong.output


def test_views_and_constants_have_values_and_no_time(tmp_path: Path) -> None:
    ones = numpy_helper.from_array(np.ones((2, 2), np.float32))
    nodes = [*FLIPPED, helper.make_node("Constant", [], ["c"], value=ones), helper.make_node("Identity", ["x"], ["z"])]
    path = saved(tmp_path / "views.onnx", nodes, "y", "c", "z")
    graph, arrays = load_onnx_arrays(path)
    found = Executor(graph, arrays, FloatArithmetic()).run({"x": X})
    flipped, constant, same = (found[name] for name in graph.outputs)
    np.testing.assert_array_equal(flipped[0], X[0].transpose(2, 0, 1))
    np.testing.assert_array_equal(constant, np.ones((1, 2, 2)))
    np.testing.assert_array_equal(same, X)
    result = CliRunner().invoke(main, ["run", "isaac", str(path)])
    assert result.exit_code == 1
    assert result.output.strip() == (
        "views has nothing to compute: its results are constants, or views of what comes in"
    )
