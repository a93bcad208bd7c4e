"""Convolutional networks with real weights, in float and in integers."""

from pathlib import Path

import numpy as np
import pytest

from archsim.graph import load_model
from archsim.values.arithmetic import Arithmetic, FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.metrics import accuracy
from archsim.values.network_weights import network_arrays
from archsim.values.quantised import QuantisedArithmetic

MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
"""Of the pictures that the networks were trained on."""


def right(data_dir: Path, depth: int, arithmetic: Arithmetic, number: int = 200) -> float:
    """Share of lossless pictures that a network names."""
    pictures = np.load(data_dir / "cifar10" / "cifar10_ic01_raw.npz")
    graph = load_model(f"resnet-{depth}")
    executor = Executor(graph, network_arrays(data_dir / "cifar10" / f"resnet{depth}.safetensors", graph), arithmetic)
    pixels = ((pictures["x"][:number] / 255 - MEAN) / DEVIATION).astype(np.float32).transpose(0, 3, 1, 2)
    return accuracy(executor.run({"image": pixels})[graph.outputs[0]], pictures["y"][:number])


def test_resnet_20_gets_180_of_200(data_dir: Path) -> None:
    assert right(data_dir, 20, FloatArithmetic()) * 200 == pytest.approx(180)


def test_resnet_32_on_pictures(data_dir: Path) -> None:
    """Stated: 92.78 % of all test pictures."""
    assert right(data_dir, 32, FloatArithmetic(), 100) >= 0.88


def test_resnet_20_in_eight_bits(data_dir: Path) -> None:
    assert right(data_dir, 20, QuantisedArithmetic()) >= 0.89
