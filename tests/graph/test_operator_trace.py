"""Traces of operators as models."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.job import make_job
from archsim.graph.nodes import Unknown
from archsim.graph.operators import Rowwise
from archsim.machine import load_machine
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from tests.lowering.runs import run

ATTENTION: list[dict[str, Any]] = [
    {"name": "qkv", "op": "linear", "in": 64, "out": 192, "positions": 6},
    {"name": "s", "op": "scores", "inputs": ["qkv", "qkv"], "heads": 4, "head_dim": 16, "keys": 6, "positions": 6},
    {"name": "p", "op": "softmax", "inputs": ["s"], "rows": 4, "width": 6, "positions": 6},
    {"name": "c", "op": "context", "inputs": ["p", "qkv"], "heads": 4, "head_dim": 16, "keys": 6, "positions": 6},
    {"name": "o", "op": "linear", "inputs": ["c"], "in": 64, "out": 64, "positions": 6},
    {"name": "mean", "op": "avgpool", "inputs": ["o"], "rows": 64, "width": 6, "positions": 1},
    {"name": "class", "op": "linear", "inputs": ["mean"], "in": 64, "out": 10},
]


def write(folder: Path, *lines: Any, name: str = "trace.jsonl") -> Path:  # noqa: ANN401
    path = folder / name
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return path


@pytest.mark.parametrize("machine", ["isaac", "nl_dpe"])
def test_a_traced_layer_runs(tmp_path: Path, machine: str) -> None:
    """6 positions: two projections, 6 keys of 64 values twice; one product of 64 x 10 after the mean of all."""
    heading = {"schema": "archsim.operators/1", "name": "one layer"}
    graph = load_model(write(tmp_path, heading, *ATTENTION))
    assert graph.name == "one layer"
    assert make_job(graph, "prefill", None, 0, 1).macs(graph) == 6 * (64 * 192 + 64 * 64 + 2 * 64 * 6) + 640
    assert [edge.scope for edge in graph.by_key["qkv/s"].inputs] == ["same", "all"]
    assert [edge.scope for edge in graph.by_key["o/mean"].inputs] == ["all"]
    assert run(load_machine(machine), graph, 1, batch=2).makespan > 0


def test_the_order_of_lines_does_not_matter_and_csv_says_the_same(tmp_path: Path) -> None:
    forward, backward = load_model(write(tmp_path, *ATTENTION)), load_model(write(tmp_path, *ATTENTION[::-1]))
    assert {each.name for each in forward.operators} == {each.name for each in backward.operators}
    keys = ["name", "op", "inputs", "in", "out", "rows", "width", "heads", "head_dim", "keys", "positions"]
    rows = [
        ",".join(" ".join(line.get(key, [])) if key == "inputs" else str(line.get(key, "")) for key in keys)
        for line in ATTENTION
    ]
    assert load_model(write(tmp_path, ",".join(keys), *rows, name="trace.csv")).operators == forward.operators


FIRST = {"name": "a", "op": "linear", "in": 8, "out": 8}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], ":1:1  found '{'; expected a JSON object"),
        (["[1]"], ":1:1  expected a JSON object"),
        ([FIRST, {"name": "b", "op": "lienar"}], ":2:1  op: found 'lienar'. Did you mean 'linear'?"),
        ([{**FIRST, "in": -4}], ":1:1  in: found '-4'; a whole number must not be negative"),
        ([{**FIRST, "in": 10**40}], ":1:1  in: found"),
        ([{"name": "a", "op": "linear", "in": 8}], ":1:1  a: is missing 'out', which linear needs"),
        ([{**FIRST, "ins": 4}], "ins: unknown key. Did you mean 'in'?"),
        ([{**FIRST, "inputs": ["z"]}], ":1:1  a: waits for 'z', which is not there."),
        ([FIRST, {**FIRST, "name": "b", "in": 9, "inputs": ["a"]}], ":2:1  b: 'in' is 9, but its inputs give 8 values"),
        ([FIRST, FIRST], ":1:1  a: stands again at line 2; expected one name each"),
        ([{"schema": "archsim.operators/2"}, FIRST], ":1:1  found schema 'archsim.operators/2'; expected"),
        (["{"] * 80, "80 lines are wrong in all"),
        ([""], "has no operators; expected a line for each"),
        (['{"name": "' + "x" * 2_000_000 + '"}'], ":1:1  a line of more than 1,048,576 characters"),
        ([{**FIRST, "inputs": ["b"]}, {**FIRST, "name": "b", "inputs": ["a"]}], "wait for each other in a circle: "),
    ],
)
def test_a_wrong_trace_is_told_with_its_lines(tmp_path: Path, lines: list[Any], message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        load_model(write(tmp_path, *lines))
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 6


def test_what_a_line_does_not_determine_has_a_time_and_no_values(tmp_path: Path) -> None:
    """The second line's table is not said; the third's operand has 8 values in place of 12."""
    lines = [
        FIRST,
        {"name": "b", "op": "embedding", "inputs": ["a"], "width": 8},
        {"name": "c", "op": "softmax", "inputs": ["a"], "rows": 3, "width": 4},
    ]
    graph = load_model(write(tmp_path, *lines))
    unknown = [node.why for node in graph.nodes if isinstance(node, Unknown)]
    assert unknown[0] == "line 2: b (embedding): what embedding computes is not said"
    assert unknown[1].startswith("line 3: c (softmax): its inputs do not give 12 values at 1 positions")
    softmax = graph.by_key["a/c"]
    assert isinstance(softmax, Rowwise)
    assert (softmax.rows, softmax.width, softmax.values_out(1)) == (3, 4, 12)


def test_values_of_a_traced_layer(tmp_path: Path) -> None:
    """Against numpy, from the definitions; the first line has 3 x 64 values: queries, keys, values."""
    graph = load_model(write(tmp_path, *ATTENTION))
    generator = np.random.default_rng(3)
    weights = {name: generator.normal(size=each.shape).astype(np.float32) / 8 for name, each in graph.weights.items()}
    x = generator.normal(size=(2, 6, 64)).astype(np.float32)
    (values,) = Executor(graph, weights, FloatArithmetic()).run({"qkv input": x}).values()
    query, key, value = ((x @ weights["qkv/qkv.weight"].T).reshape(2, 6, 3, 4, 16)[:, :, at] for at in range(3))
    shares = np.exp(np.einsum("bphd,bkhd->bhpk", query, key))
    context = np.einsum("bhpk,bkhd->bphd", shares / shares.sum(-1, keepdims=True), value).reshape(2, 6, 64)
    expected = (context @ weights["o/o.weight"].T).mean(1) @ weights["class/class.weight"].T
    assert np.abs(values.reshape(2, 10) - expected).max() < 1e-4 * np.abs(expected).max()


def test_values_of_lines_with_other_positions(tmp_path: Path) -> None:
    """3 positions of 4 values are one row of 12; beside the row of another line of one position."""
    lines = [
        {"name": "a", "op": "linear", "in": 5, "out": 4, "positions": 3},
        {"name": "r", "op": "relu", "inputs": ["a"], "width": 4, "positions": 3},
        {"name": "b", "op": "linear", "in": 5, "out": 2},
        {"name": "c", "op": "linear", "inputs": ["r", "b"], "in": 14, "out": 6},
        {"name": "d", "op": "linear", "inputs": ["r", "c"], "in": 10, "out": 3, "positions": 3},
    ]
    graph = load_model(write(tmp_path, *lines))
    generator = np.random.default_rng(4)
    weights = {name: generator.normal(size=each.shape).astype(np.float32) for name, each in graph.weights.items()}
    x, y = (generator.normal(size=(2, rows, 5)).astype(np.float32) for rows in (3, 1))
    (values,) = Executor(graph, weights, FloatArithmetic()).run({"a input": x, "b input": y}).values()
    acted = np.maximum(x @ weights["a/a.weight"].T, 0)
    joined = np.concatenate([acted.reshape(2, 1, 12), y @ weights["b/b.weight"].T], -1) @ weights["c/c.weight"].T
    expected = np.concatenate([acted, np.repeat(joined, 3, 1)], -1) @ weights["d/d.weight"].T
    assert np.abs(values - expected).max() < 1e-4 * np.abs(expected).max()
