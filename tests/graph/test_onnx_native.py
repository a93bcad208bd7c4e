"""ONNX's own C++ code ends in a process of its own; what it says and what it infers comes back."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.onnx import native, native_worker


def model(nodes: list[Any], held: dict[str, np.ndarray], sizes: tuple[int, ...] = (4,)) -> Any:  # noqa: ANN401
    data = helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    tensors = [numpy_helper.from_array(numbers, name) for name, numbers in held.items()]
    graph = helper.make_graph(nodes, "g", [data], [result], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def sizes_of_result(inferred: Any) -> list[int]:  # noqa: ANN401
    return [one.dim_value for one in inferred.graph.output[0].type.tensor_type.shape.dim]


def abort() -> Any:  # noqa: ANN401
    """-6 numbers are left by the padding, and a slice backward of these fails an assertion in ONNX's inference."""
    held = {"p": np.array([-10, 0]), "s": np.array([-1]), "e": np.array([-9]), "a": np.array([0]), "t": np.array([-1])}
    nodes = [helper.make_node("Pad", ["x", "p"], ["z"]), helper.make_node("Slice", ["z", "s", "e", "a", "t"], ["y"])]
    return model(nodes, held)


@pytest.fixture
def unstarted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    workers: dict[int, Any] = {}
    monkeypatch.setattr(native, "WORKERS", workers)
    yield
    for worker in workers.values():
        worker.end()


def test_a_file_that_ends_onnx_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    onnx.save(abort(), str(tmp_path / "m.onnx"))
    for _ in range(2):
        with pytest.raises(ArchsimError, match="ONNX's own code ended on it"):
            load_model(tmp_path / "m.onnx")
    onnx.save(model([helper.make_node("Relu", ["x"], ["y"])], {}), str(tmp_path / "m.onnx"))
    assert [of.kind for of in load_model(tmp_path / "m.onnx").operators] == ["relu"]


@pytest.mark.usefixtures("unstarted")
def test_what_takes_too_long_or_is_wrong_is_said() -> None:
    native.start()
    worker = native.WORKERS[os.getpid()]
    assert worker.process is not None
    os.kill(worker.process.pid, signal.SIGPROF)  # as its timer does
    relu = model([helper.make_node("Relu", ["x"], ["y"])], {})
    with pytest.raises(native.NativeError, match="takes too long"):
        native.infer_shapes(relu)
    assert sizes_of_result(native.infer_shapes(relu)) == [4]
    with pytest.raises(native.NativeError, match=r"op_type:MatMul.*Incompatible dimensions"):
        native.check_shapes(model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": np.ones((3, 2), "f4")}))


@pytest.mark.usefixtures("unstarted")
def test_an_answer_that_nobody_waited_for_is_not_that_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_stream: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(native_worker, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            native.infer_shapes(model([helper.make_node("Relu", ["x"], ["y"])], {}, (5,)))
    assert sizes_of_result(native.infer_shapes(model([helper.make_node("Relu", ["x"], ["y"])], {}))) == [4]


def test_large_weights_stay_as_they_are() -> None:
    weights = np.arange(600_000, dtype="f4").reshape(600, 1000)
    given = model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": weights, "small": weights[0]}, (2, 600))
    inferred = native.infer_shapes(given, data_prop=True)
    assert sizes_of_result(inferred) == [2, 1000]
    for of in (given, inferred):
        assert np.array_equal(numpy_helper.to_array(of.graph.initializer[0]), weights)
        assert np.array_equal(numpy_helper.to_array(of.graph.initializer[1]), weights[0])


@pytest.mark.usefixtures("unstarted")
def test_where_no_process_can_be_started_this_one_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert sizes_of_result(native.infer_shapes(model([helper.make_node("Relu", ["x"], ["y"])], {}))) == [4]
    assert native.WORKERS[os.getpid()].process is None


def _in_a_fork(answers: Any) -> None:  # noqa: ANN401
    inferred = native.infer_shapes(model([helper.make_node("Relu", ["x"], ["y"])], {}, (7,)))
    answers.put((sizes_of_result(inferred), native.WORKERS[os.getpid()].process.pid))  # type: ignore[union-attr]
    native.end()


@pytest.mark.usefixtures("unstarted")
def test_a_forked_process_has_a_process_of_its_own() -> None:
    native.start()
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=_in_a_fork, args=(answers,), daemon=True)
    process.start()
    sizes, pid = answers.get(timeout=60)
    process.join()
    worker = native.WORKERS[os.getpid()]
    assert sizes == [7]
    assert worker.process is not None
    assert worker.process.pid != pid
