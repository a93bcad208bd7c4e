"""Encoders with real weights, in float."""

from pathlib import Path

import numpy as np

from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.opened import open_model


def test_minilm_has_its_golden_values(data_dir: Path) -> None:
    """Last hidden states, and their means over positions; all in the configuration comes from its file."""
    golden = np.load(data_dir / "minilm" / "golden.npz")
    opened = open_model(data_dir / "minilm")
    last = "layer 5/ffn norm"
    assert opened.graph.outputs[0] == last
    hidden = Executor(opened.graph, opened.arrays, FloatArithmetic()).run({"tokens": golden["tokens"]})[last]
    assert np.abs(hidden[:4] - golden["hidden"]).max() < 1e-4
    assert np.abs(hidden.mean(axis=1) - golden["pooled"]).max() < 1e-4
