"""ONNX files whose operands do not go together: refused in one line, with names and shapes."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from tests.values.onnx_runs import case


def ones(*shape: int) -> Any:  # noqa: ANN401
    return np.ones(shape, np.float32)


MAP, ROWS, STEPS = {"x": (1, 4, 8, 8)}, {"x": (6, 4)}, {"x": (7, 2, 4)}
GATES = {"w": ones(1, 12, 4), "r": ones(1, 12, 3), "b": ones(1, 24)}
FILES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "channels": ("y = Conv (x, k)", {**MAP, "k": ones(5, 3, 3, 3)}, ("[1, 4, 8, 8] of 'x'", "[5, 3, 3, 3] of 'k'")),
    "groups": ("y = Conv <group=3> (x, k)", {**MAP, "k": ones(6, 2, 3, 3)}, ("'x'", "'k'", "in 3 groups")),
    "bias": ("y = Conv (x, k, b)", {**MAP, "k": ones(5, 4, 3, 3), "b": ones(4)}, ("[4] of 'b'", "[5]")),
    "kernel": (
        "y = Conv <kernel_shape=[5, 5]> (x, k)",
        {**MAP, "k": ones(5, 4, 3, 3)},
        ("kernel [3, 3]", "kernel_shape [5, 5]"),
    ),
    "added to a product": ("y = Gemm (x, k, b)", {**ROWS, "k": ones(4, 3), "b": ones(4)}, ("[4] of 'b'", "[6, 3]")),
    "more than a product": ("y = Gemm (x, k, b)", {**ROWS, "k": ones(4, 3), "b": ones(2, 6, 3)}, ("[2, 6, 3] of 'b'",)),
    "batches": ("y = MatMul (x, z)", {"x": (2, 6, 4), "z": (3, 4, 5)}, ("[2, 6, 4] of 'x'", "[3, 4, 5] of 'z'")),
    "sums": ("y = Add (x, z)", {"x": (2, 6, 4), "z": (2, 5, 4)}, ("[2, 6, 4] of 'x'", "[2, 5, 4] of 'z'")),
    "letters": (
        'y = Einsum <equation="bij,bjk->bik"> (x, z)',
        {"x": (2, 6, 4), "z": (2, 5, 3)},
        ("[2, 6, 4] of 'x'", "[2, 5, 3] of 'z'"),
    ),
    "batch norm": ("y = BatchNormalization (x, s, s, s, s)", {**MAP, "s": ones(5)}, ("[5] of 's'", "4 channels")),
    "gates": ("y, h, c = LSTM <hidden_size=3> (x, w, r, b)", {**STEPS, **GATES, "b": ones(1, 20)}, ("[1, 20]",)),
    "hidden": ("y, h, c = LSTM <hidden_size=4> (x, w, r, b)", {**STEPS, **GATES}, ("[1, 12, 3]",)),
    "numbers of a shape": ("y = Reshape (x, s)", {**ROWS, "s": ones(2)}, ("float32 in 's'", "expected whole numbers")),
}


@pytest.mark.parametrize("name", FILES)
def test_what_does_not_go_together(name: str, tmp_path: Path) -> None:
    line, tensors, parts = FILES[name]
    path = tmp_path / "model.onnx"
    onnx.save(case(line, **tensors).model(opset=14), str(path))
    with pytest.raises(ArchsimError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    assert all(part in str(caught.value) for part in parts)


def test_versions_that_lack_an_operator(tmp_path: Path) -> None:
    """Its operands are not checked then."""
    made = case("y = MatMul (x, k)", "z = Relu (y)", **ROWS, k=ones(4, 3)).model("z", opset=14)
    del made.graph.node[0].input[1:]
    path = tmp_path / "model.onnx"
    for version, message in ((0, "No Op registered for MatMul"), (-1, "found version -1 of")):
        made.opset_import[0].version = version
        onnx.save(made, str(path))
        with pytest.raises(ArchsimError, match=message):
            load_model(path)


@pytest.mark.parametrize("field", ["input", "attribute"])
def test_names_that_are_no_text(field: str, tmp_path: Path) -> None:
    made = case("y = Flatten <axis=1> (first)", "z = Relu (y)", first=(2, 3, 4)).model("z")
    path = tmp_path / "model.onnx"
    name = {"input": b"first", "attribute": b"axis"}[field]
    path.write_bytes(made.SerializeToString().replace(name, b"\xff" + name[1:]))
    with pytest.raises(ArchsimError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_constants_that_cannot_be_read(tmp_path: Path) -> None:
    made = case("a = Relu (x)", "y = Reshape (a, s)", x=(2, 3), s=np.array([6], np.int64)).model()
    made.graph.initializer[0].raw_data = b"\x06\x00\x00"
    path = tmp_path / "model.onnx"
    onnx.save(made, str(path))
    with pytest.raises(ArchsimError) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
