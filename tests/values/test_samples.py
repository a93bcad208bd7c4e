"""Any model on samples of its inputs: figures by hand, shapes that fit, real pictures through the command line."""

import gzip
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from archsim.cli import main
from archsim.errors import ArchsimError
from archsim.values.opened import open_model
from archsim.values.samples import Outputs, load_samples
from tests.values.onnx_runs import case


def test_results_are_compared_by_hand() -> None:
    """(3, 4) against (3, 4), (1, 0) against (1, 1), nothing against nothing, and nothing against (0, 2)."""
    one = Outputs({"y": np.array([[3, 4], [1, 0], [0, 0], [0, 0]], np.float32)})
    other = Outputs({"y": np.array([[3, 4], [1, 1], [0, 0], [0, 2]], np.float32)})
    assert one.cosines("y", other).tolist() == pytest.approx([1, 0.5**0.5, 1, 0])
    assert one.errors("y", other).tolist() == [0, 1, 0, np.inf]
    assert other.right(np.array([1, 0, 0, 1])).tolist() == [True, True, True, True]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Two inputs, [1, 2] and [2, 3], of which the second is multiplied by weights."""
    path = tmp_path / "two.onnx"
    weights = np.eye(3, 2, dtype=np.float32)
    onnx.save(case("m = MatMul(b, w)", "y = Add(m, a)", a=(1, 2), b=(2, 3), w=weights).model(), str(path))
    return path


@pytest.mark.parametrize(
    ("first", "second", "number"),
    [((4, 1, 2), (4, 2, 3), 4), ((1, 2), (2, 3), 1), ((1, 1, 2), (2, 3), 1), ((4, 2), (4, 2, 3), 4)],
)
def test_samples_of_any_shape_that_fits(
    network: Path, tmp_path: Path, first: tuple[int, ...], second: tuple[int, ...], number: int
) -> None:
    np.savez(tmp_path / "s.npz", a=np.ones(first), b=np.ones(second, np.int32))
    opened = open_model(network)
    samples = load_samples(opened.graph, opened.arrays, tmp_path / "s.npz")
    assert samples.number == number
    assert {name: array.shape[1:] for name, array in samples.inputs.items()} == {"a": (1, 2), "b": (2, 3)}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"a": np.ones((4, 1, 2))}, "found no array 'b'; two takes 'a' [1, 2], 'b' [2, 3]"),
        ({"a": np.ones((4, 1, 2)), "b": np.ones((3, 2, 3))}, "found 4 of 'a', 3 of 'b'; expected as many samples"),
        ({"a": np.ones((0, 1, 2)), "b": np.ones((0, 2, 3))}, "found 0 of 'a', 0 of 'b'"),
        (
            {"a": np.ones((4, 3)), "b": np.ones((4, 2, 3))},
            "found 'a' of the shape [4, 3]; expected [1, 2] for each sample",
        ),
        ({"a": np.array(["x", "y"]), "b": np.ones((2, 3))}, "found 'a' of"),
        (
            {"a": np.ones((1, 2)), "b": np.ones((2, 3)), "bb": np.ones(1)},
            "found an array 'bb'; two has no such input. Did you mean 'b'",
        ),
        (
            {"a": np.ones((1, 2)), "b": np.ones((2, 3)), "labels": np.ones(2, int)},
            "expected a whole number for each of 1",
        ),
    ],
)
def test_what_does_not_fit_is_said(network: Path, tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    np.savez(tmp_path / "s.npz", allow_pickle=False, **arrays)
    opened = open_model(network)
    with pytest.raises(ArchsimError) as error:
        load_samples(opened.graph, opened.arrays, tmp_path / "s.npz")
    assert said in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 's.npz'}: found")


def test_an_onnx_network_tells_real_pictures(data_dir: Path, tmp_path: Path) -> None:
    pixels, labels = (
        np.frombuffer(gzip.decompress((data_dir / "mnist" / f"t10k-{name}-ubyte.gz").read_bytes()), np.uint8)
        for name in ("images-idx3", "labels-idx1")
    )
    pixels, labels = pixels[16:].reshape(-1, 1, 28, 28)[:100], labels[8:108]
    np.savez(tmp_path / "digits.npz", digits=pixels, labels=labels)
    words = ["evaluate", "isaac", "--model", str(data_dir / "onnx" / "mnist.onnx"), "--seeds", "1"]
    words += ["--inputs", str(tmp_path / "digits.npz")]
    result = CliRunner().invoke(main, [*words, "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.output)
    assert figures["samples"] == 100
    assert all(figures["accuracy"][kind]["mean"] >= 0.98 for kind in ("float", "quantised", "analog"))
    (compared,) = figures["results"].values()
    assert 0.999 < compared["cosine"]["analog"]["mean"] < 1
    assert 0 < compared["mean_error"]["analog"]["mean"] <= compared["largest_error"]["analog"]["mean"] < 0.1
    table = CliRunner().invoke(main, [*words, "--limit", "2"])
    assert table.exit_code == 0, table.output
    assert "samples    2" in table.output
    assert "largest_error_analog" in table.output
