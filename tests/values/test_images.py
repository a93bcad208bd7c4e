"""Convolutional networks in float and in integers."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.values.arithmetic import Arithmetic, FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.metrics import accuracy
from archsim.values.network_weights import network_arrays
from archsim.values.opened import open_model
from archsim.values.pictures import Pictures, scaled
from archsim.values.quantised import QuantisedArithmetic


def right(data_dir: Path, arithmetic: Arithmetic) -> int:
    """How many of 200 pictures ResNet-20 tells rightly."""
    images, graph = np.load(data_dir / "cifar10" / "cifar10_ic01_raw.npz"), load_model("resnet-20")
    arrays = network_arrays(data_dir / "cifar10" / "resnet20.safetensors", graph)
    return int(Pictures(graph, arrays, scaled(images["x"]), images["y"]).right(arithmetic).sum())


def test_resnet_20_gets_180_of_200(data_dir: Path) -> None:
    assert right(data_dir, FloatArithmetic()) == 180


def test_resnet_20_in_eight_bits(data_dir: Path) -> None:
    assert right(data_dir, QuantisedArithmetic()) >= 178


def digits(data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    raw = gzip.decompress((data_dir / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((data_dir / "mnist" / "t10k-labels-idx1-ubyte.gz").read_bytes())
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)


def from_onnx(path: Path, images: np.ndarray) -> np.ndarray:
    """Logits of the model of a file, of one image at a time, for (n, 1, channels, height, width)."""
    opened = open_model(path)
    executor = Executor(opened.graph, opened.arrays, FloatArithmetic())
    found = executor.run({opened.graph.inputs[0].name: images.astype(np.float32)})[opened.graph.outputs[0]]
    return found.reshape(len(images), -1)


@pytest.mark.parametrize("number", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mnist_from_onnx(data_dir: Path, number: int) -> None:
    images, labels = digits(data_dir)
    assert accuracy(from_onnx(data_dir / "onnx" / "mnist.onnx", images[:number]), labels[:number]) >= 0.98


def test_resnet_8_from_onnx_runs(data_dir: Path) -> None:
    """MLPerf Tiny's ResNet-8 on its own images: 0 to 255."""
    path = data_dir / "onnx" / "mlperf_tiny_resnet8.onnx"
    images = np.load(data_dir / "cifar10" / "cifar10_ic01_raw.npz")
    assert accuracy(from_onnx(path, images["x"].transpose(0, 3, 1, 2)[:, None]), images["y"]) > 0.8
    with pytest.raises(ArchsimError, match=r"found \[200, 32, 32, 3\]; expected the batch, then \[1, 3, 32, 32\]"):
        from_onnx(path, images["x"])
