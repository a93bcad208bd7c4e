"""Products of which one operand is kept like keys, and the other comes from something else, position by position."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from archsim import load_machine, simulate
from archsim.graph import load_model
from tests.values.onnx_runs import case

DRAW = np.random.default_rng(0)


@pytest.mark.parametrize("machine", ["isaac", "retransformer"])
def test_sums_over_positions_of_a_projection_times_shares(machine: str, tmp_path: Path) -> None:
    """Both operands are needed at all positions; the projection alone is kept. The product waits for both."""
    lines = (
        *("v = MatMul (x, w)", "k = MatMul (x, u)", "s = Softmax <axis = -1> (k)"),
        *("t = Transpose <perm = [1, 0]> (v)", "y = MatMul (t, s)"),
    )
    made = case(*lines, x=(6, 8), w=DRAW.normal(size=(8, 4)).astype("f4"), u=DRAW.normal(size=(8, 3)).astype("f4"))
    onnx.save(made.model(), str(tmp_path / "shares.onnx"))
    result = simulate(load_machine(machine), load_model(tmp_path / "shares.onnx"))
    assert result.ops == 2 * (6 * 8 * (4 + 3) + 6 * 4 * 3)
