"""Convolutional networks in float and in integers."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.cnn import CifarResNet, cifar_stages
from archsim.values.metrics import accuracy
from archsim.values.onnx_model import OnnxModel
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.stages import Convolution, patches
from archsim.values.weights import Named, read_safetensors


def test_resnet_20_gets_180_of_200(data_dir: Path) -> None:
    images = np.load(data_dir / "cifar10" / "cifar10_ic01_raw.npz")
    path = data_dir / "cifar10" / "resnet20.safetensors"
    model = CifarResNet(Named(path, read_safetensors(path)), FloatArithmetic())
    assert (model.logits(images["x"]).argmax(axis=1) == images["y"]).sum() == 180


def test_resnet_20_in_eight_bits(data_dir: Path) -> None:
    images = np.load(data_dir / "cifar10" / "cifar10_ic01_raw.npz")
    path = data_dir / "cifar10" / "resnet20.safetensors"
    model = CifarResNet(Named(path, read_safetensors(path)), QuantisedArithmetic())
    assert accuracy(model.logits(images["x"]), images["y"]) >= 0.89


def digits(data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    raw = gzip.decompress((data_dir / "mnist" / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((data_dir / "mnist" / "t10k-labels-idx1-ubyte.gz").read_bytes())
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)


@pytest.mark.parametrize("number", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mnist_from_onnx(data_dir: Path, number: int) -> None:
    images, labels = digits(data_dir)
    model = OnnxModel(data_dir / "onnx" / "mnist.onnx", FloatArithmetic())
    assert accuracy(model.run(images[:number].astype(np.float32)), labels[:number]) >= 0.98


def test_resnet_8_from_onnx_runs(data_dir: Path) -> None:
    """MLPerf Tiny's ResNet-8 on its own images: 0 to 255."""
    images = np.load(data_dir / "cifar10" / "cifar10_ic01_raw.npz")
    model = OnnxModel(data_dir / "onnx" / "mlperf_tiny_resnet8.onnx", FloatArithmetic())
    logits = model.run(images["x"].astype(np.float32).transpose(0, 3, 1, 2))
    assert accuracy(logits, images["y"]) > 0.8
    with pytest.raises(ArchsimError, match=r"found an input of shape \(200, 32, 32, 3\); expected \(any, 3, 32, 32\)"):
        model.run(images["x"].astype(np.float32))


@pytest.mark.parametrize(("kernel", "stride", "pads"), [((3, 3), (1, 1), (1, 1, 1, 1)), ((2, 3), (2, 1), (0, 1, 1, 0))])
def test_a_convolution_is_the_sum_over_its_window(
    kernel: tuple[int, int], stride: tuple[int, int], pads: tuple[int, int, int, int]
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 7, 6)).astype(np.float32)
    weight, bias = rng.normal(size=(4, 3, *kernel)).astype(np.float32), rng.normal(size=4).astype(np.float32)
    found = Convolution(FloatArithmetic(), "c", weight, bias, stride=stride, pads=pads)(x)
    padded = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    for n, o, i, j in np.ndindex(*found.shape):
        top, left = i * stride[0], j * stride[1]
        window = padded[n, :, top : top + kernel[0], left : left + kernel[1]]
        assert found[n, o, i, j] == pytest.approx((window * weight[o]).sum() + bias[o], abs=1e-4)
    assert patches(x, kernel, stride, pads).shape[1:3] == found.shape[2:]


@pytest.mark.parametrize("number", [20, 32])
def test_a_network_and_its_graph_name_the_same_products(number: int, data_dir: Path) -> None:
    """Both have three groups of 2 x 3 (5) convolutions of 3 x 3, one before them and a full layer after."""
    path = data_dir / "cifar10" / f"resnet{number}.safetensors"
    stages = cifar_stages(Named(path, read_safetensors(path)))
    linears = load_model(f"resnet-{number}").linears
    assert len(linears) == number
    shapes = [(each.key, (each.out_features, each.in_features)) for each in linears]
    assert [(each.key, each.weight.reshape(len(each.weight), -1).shape) for each in stages] == shapes
