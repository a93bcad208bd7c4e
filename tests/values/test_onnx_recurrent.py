"""Recurrent operators of ONNX: layers of weights, and what is written out, against numpy from their definitions."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from archsim.errors import ArchsimError
from archsim.graph import Graph
from archsim.graph.job import make_job
from archsim.graph.onnx.load import load_onnx_arrays
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor

DRAW = np.random.default_rng(3)
STEPS, BATCH, WIDE, HIDDEN = 3, 2, 4, 5
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def sigmoid(x: Any) -> Any:  # noqa: ANN401
    return 1 / (1 + np.exp(-x))


def step(kind: str, x: Any, h: Any, c: Any, w: Any, r: Any, b: Any, *, after: bool) -> tuple[Any, Any]:  # noqa: ANN401
    """One position of ONNX's definitions: gates are i, o, f, c of an LSTM, and z, r, h of a GRU."""
    first, second = np.split(b, 2)
    if kind == "RNN":
        return np.tanh(x @ w.T + h @ r.T + first + second), c
    own, again = np.split(w, GATES[kind]), np.split(r, GATES[kind])
    one, other = np.split(first, GATES[kind]), np.split(second, GATES[kind])
    given = [x @ own[at].T + one[at] for at in range(GATES[kind])]
    if kind == "LSTM":
        i, o, f, g = (given[at] + h @ again[at].T + other[at] for at in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    z, reset = (sigmoid(given[at] + h @ again[at].T + other[at]) for at in (0, 1))
    seen = reset * (h @ again[2].T + other[2]) if after else (reset * h) @ again[2].T + other[2]
    return (1 - z) * np.tanh(given[2] + seen) + z * h, c


def run(kind: str, halves: int, tensors: dict[str, Any], *, after: bool, backward: bool) -> tuple[Any, Any, Any]:
    """All states [positions, directions, batch, hidden], the last ones, the last cells."""
    x = tensors["x"]
    states = np.zeros((STEPS, halves, BATCH, HIDDEN))
    ends, cells = np.zeros((2, halves, BATCH, HIDDEN))
    for half in range(halves):
        h = tensors.get("h", np.zeros((halves, BATCH, HIDDEN)))[half]
        c = tensors.get("c", np.zeros((halves, BATCH, HIDDEN)))[half]
        order = range(STEPS)[::-1] if backward or half else range(STEPS)
        for at in order:
            new, cell = step(kind, x[at], h, c, tensors["w"][half], tensors["r"][half], tensors["b"][half], after=after)
            there = (at < tensors["lengths"])[:, None] if "lengths" in tensors else np.ones((BATCH, 1), np.bool_)
            h, c = np.where(there, new, h), np.where(there, cell, c)
            states[at, half] = np.where(there, new, 0)
        ends[half], cells[half] = h, c
    return states, ends, cells


def compared(
    kind: str, direction: str, folder: Path, moving: tuple[str, ...] = (), *, after: bool = False, opset: int = 14
) -> Graph:
    halves = 2 if direction == "bidirectional" else 1
    wide = GATES[kind] * HIDDEN
    shapes = {
        "x": (STEPS, BATCH, WIDE),
        "w": (halves, wide, WIDE),
        "r": (halves, wide, HIDDEN),
        "b": (halves, 2 * wide),
    }
    shapes |= {name: (halves, BATCH, HIDDEN) for name in "hc" if name in moving}
    tensors: dict[str, Any] = {name: DRAW.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    if "lengths" in moving:
        tensors["lengths"] = np.array([2, 3], np.int32)
    names = ["x", "w", "r", "b", *(name if name in tensors else "" for name in ("lengths", "h"))]
    names += ["c"] if "c" in tensors else []
    outputs = ["y", "end", "cell"] if kind == "LSTM" else ["y", "end"]
    node = helper.make_node(kind, names, outputs, direction=direction, hidden_size=HIDDEN)
    if after:
        node.attribute.append(helper.make_attribute("linear_before_reset", 1))
    given = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in tensors.items()
        if name in ("x", *moving)
    ]
    made = [helper.make_tensor_value_info(name, 1, None) for name in outputs]
    held = [numpy_helper.from_array(x, name) for name, x in tensors.items() if name not in ("x", *moving)]
    graph = helper.make_graph([node], "g", given, made, held)
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), str(path))
    loaded, arrays = load_onnx_arrays(path)
    inputs = {each.name: tensors[each.name][None] for each in loaded.inputs}
    found = Executor(loaded, arrays, FloatArithmetic()).run(inputs)
    expected = run(kind, halves, tensors, after=after, backward=direction == "reverse")
    for name, wanted in zip(loaded.outputs, expected, strict=False):
        np.testing.assert_allclose(found[name][0], wanted, rtol=0, atol=2e-6 * max(1, np.abs(wanted).max()))
    return loaded


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN", "GRU, reset after"])
def test_layers_of_weights(kind: str, direction: str, tmp_path: Path) -> None:
    """A gate is a product of 4 values and 5 of the state with 5 columns, at 3 positions of 2 sequences."""
    graph = compared(kind[:4].rstrip(","), direction, tmp_path, after="after" in kind)
    halves, gates = 2 if direction == "bidirectional" else 1, GATES[kind[:4].rstrip(",")]
    assert make_job(graph, "prefill", None, 0, 1).macs(graph) == halves * STEPS * BATCH * gates * 5 * (4 + 5)
    assert graph.parameters == halves * gates * 5 * (4 + 5 + 2)


@pytest.mark.parametrize("moving", [("w", "r", "b"), ("h",), ("lengths",), ("w", "r", "b", "h", "lengths")])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN", "GRU, reset after"])
def test_what_is_made_at_run_time_is_written_out(kind: str, moving: tuple[str, ...], tmp_path: Path) -> None:
    """As many products of two numbers as a layer has; those of weights with zeros, which are known, are none."""
    name = kind[:4].rstrip(",")
    more = ("c",) if name == "LSTM" and "h" in moving else ()
    graph = compared(name, "bidirectional", tmp_path, (*moving, *more), after="after" in kind)
    zeros = 2 if kind == "GRU" else GATES[name]  # what its reset leaves of zeros is made at run time
    known = 2 * BATCH * zeros * 5 * 5 if moving == ("lengths",) else 0
    assert make_job(graph, "prefill", None, 0, 1).macs(graph) == 2 * STEPS * BATCH * GATES[name] * 5 * (4 + 5) - known


def test_functions_of_its_own_are_refused_by_name(tmp_path: Path) -> None:
    node = helper.make_node("RNN", ["x", "w", "r"], ["y"], hidden_size=5, activations=["Affine"])
    held = [numpy_helper.from_array(np.ones((1, 5, n), np.float32), name) for n, name in ((4, "w"), (5, "r"))]
    x, y = (helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", [3, 2, 4]), ("y", None)))
    model = helper.make_model(
        helper.make_graph([node], "g", [x], [y], held), opset_imports=[helper.make_opsetid("", 14)]
    )
    onnx.save(model, str(tmp_path / "model.onnx"))
    with pytest.raises(ArchsimError, match="found functions affine; expected relu"):
        load_onnx_arrays(tmp_path / "model.onnx")
