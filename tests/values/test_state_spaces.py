"""Mamba and Jamba on values: the paper's definition number by number, and runs that carry the state on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from archsim.graph import load_model
from archsim.graph.graph import Graph
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.functions import ELEMENTWISE
from archsim.values.session import generate
from tests.values.graphs import Array, drawn
from tests.values.plain_state_space import PlainStateSpace

MAMBA = {
    "schema": "archsim.model/1",
    "name": "tiny",
    "architecture": "decoder",
    "layers": 2,
    "hidden": 6,
    "ffn": 0,
    "vocabulary": 11,
    "positions": 64,
    "activation": "silu",
    "norm": "rmsnorm",
    "bias": False,
    "state_space": {"state": 3, "rank": 2},
}
JAMBA = {
    **MAMBA,
    "layers": 4,
    "heads": 2,
    "kv_heads": 1,
    "ffn": 10,
    "gated": True,
    "tied": False,
    "experts": 3,
    "experts_per_token": 2,
    "mixture": {"layers": [1, 3]},
    "gates_renormalised": False,
    "state_space": {"state": 3, "rank": 2, "norms": "scaled", "layers": [0, 2, 3]},
}
OTHERS = {
    **MAMBA,
    "state_space": {
        "channels": 8,
        "state": 2,
        "kernel": 3,
        "rank": 1,
        "conv_bias": False,
        "bias": True,
        "norms": "plain",
        "norm_epsilon": 1e-3,
    },
}


def graph_of(folder: Path, preset: dict[str, Any]) -> Graph:
    path = folder / "model.yaml"
    path.write_text(yaml.safe_dump(preset))
    return load_model(path)


def weights_of(graph: Graph) -> dict[str, Array]:
    """At random; A is below 0."""
    return {name: -np.abs(x) if name.endswith("/scan.A") else x for name, x in drawn(graph).items()}


@pytest.mark.parametrize("preset", [MAMBA, JAMBA, OTHERS], ids=["mamba", "jamba", "others"])
def test_a_prompt_has_the_values_of_the_definition(tmp_path: Path, preset: dict[str, Any]) -> None:
    graph = graph_of(tmp_path, preset)
    weights = weights_of(graph)
    ids = np.array([[3, 1, 4, 1, 5, 9, 2], [6, 5, 3, 5, 8, 9, 7]])
    found = Executor(graph, weights, FloatArithmetic()).run({"tokens": ids}, everywhere=True)[graph.outputs[0]]
    expected = np.stack([PlainStateSpace(preset, weights).logits(row) for row in ids])
    assert np.abs(expected).max() > 0.1
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("preset", [MAMBA, JAMBA], ids=["mamba", "jamba"])
@pytest.mark.parametrize("cuts", [(1, 2, 5), (4, 6)])
def test_runs_that_carry_the_state_on_are_as_one(tmp_path: Path, preset: dict[str, Any], cuts: tuple[int, ...]) -> None:
    """The first cut lies within the convolution's first positions."""
    graph = graph_of(tmp_path, preset)
    executor = Executor(graph, weights_of(graph), FloatArithmetic())
    ids, logits = np.array([[3, 1, 4, 1, 5, 9, 2, 6]]), graph.outputs[0]
    whole = executor.run({"tokens": ids}, everywhere=True)[logits]
    session = executor.session()
    pieces = [session.run({"tokens": part}, everywhere=True)[logits] for part in np.split(ids, cuts, axis=1)]
    assert np.concatenate(pieces, axis=1) == pytest.approx(whole, rel=1e-5, abs=1e-6)
    cached, again = (generate(executor, {"tokens": ids}, 6, cached=cached) for cached in (True, False))
    assert (cached == again).all()


def test_a_session_keeps_a_state_of_one_size(tmp_path: Path) -> None:
    """12 channels: 3 numbers of each, and its last 3 positions; of two layers. Nothing grows with the positions."""
    graph = graph_of(tmp_path, MAMBA)
    session = Executor(graph, weights_of(graph), FloatArithmetic()).session()
    sizes = []
    for ids in ([[1, 2]], [[3]], [[4, 5, 6, 7, 8]]):
        session.run({"tokens": np.array(ids)})
        sizes.append(sum(x.size for x in session.state.values()))
    assert sizes == [2 * (12 * 3 + 12 * 3)] * 3


def test_softplus() -> None:
    x = np.array([-200, -1, 0, 0.5, 30, 200], np.float32)
    expected = np.logaddexp(0, x.astype(np.float64))
    assert ELEMENTWISE["softplus"](x) == pytest.approx(expected, rel=1e-6, abs=1e-30)
