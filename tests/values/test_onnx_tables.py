"""Constants with a row for each position, added before a model's first attention."""

from pathlib import Path

import numpy as np

from tests.values.onnx_runs import case, compared


def test_two_tables_of_positions_in_a_row(tmp_path: Path) -> None:
    """Both are looked up; the second adds to what the first has become."""
    draw = np.random.default_rng(3)
    tables = {name: draw.normal(size=(5, 8)).astype(np.float32) for name in "ab"}
    weights = {name: draw.normal(size=(8, 8)).astype(np.float32) for name in "qkv"}
    lines = ["m = Mul (x, x)", "n = Add (m, a)", "e = Add (n, b)", *(f"{one}0 = MatMul (e, {one})" for one in "qkv")]
    lines += ["t = Transpose <perm=[0, 2, 1]> (k0)", "s = MatMul (q0, t)", "p = Softmax (s)", "y = MatMul (p, v0)"]
    graph = compared(case(*lines, x=(1, 5, 8), **tables, **weights).model(), tmp_path)
    assert [each.kind for each in graph.operators].count("embedding") == 2
