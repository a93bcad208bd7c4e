"""Trains the network of workloads/models/mlp-mnist.yaml: `python scripts/train_mnist_mlp.py OUT.safetensors`.

Needs MNIST's test images (ARCHSIM_DATA, or ../shared/data), in mnist/. Trains on 8,000 of them and writes the 2,000
others beside the weights, as OUT.npz with `images` and `labels`: those are what `archsim optimize` may be judged on.
"""

from __future__ import annotations

import gzip
import os
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent
SIZES = (784, 300, 100, 10)
TRAINED_ON = 8_000
EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 30, 64, 0.05, 0.9, 1e-4

Layers = list[tuple[np.ndarray, np.ndarray]]


def digits(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (10000, 28, 28) and labels."""
    images = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)
    return pixels, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


def forward(layers: Layers, x: np.ndarray) -> list[np.ndarray]:
    """The input and each layer's result; the last are logits."""
    found = [x]
    for at, (weight, bias) in enumerate(layers):
        out = found[-1] @ weight.T + bias
        found.append(out if at == len(layers) - 1 else np.tanh(out))
    return found


def gradients(layers: Layers, x: np.ndarray, labels: np.ndarray) -> Layers:
    """Of the mean cross-entropy."""
    found = forward(layers, x)
    powers = np.exp(found[-1] - found[-1].max(axis=1, keepdims=True))
    error = powers / powers.sum(axis=1, keepdims=True)
    error[np.arange(len(x)), labels] -= 1
    error /= len(x)
    steps: Layers = []
    for at in reversed(range(len(layers))):
        steps.append((error.T @ found[at], error.sum(axis=0)))
        error = (error @ layers[at][0]) * (1 - found[at] ** 2)
    return steps[::-1]


def train(x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> Layers:
    """Stochastic gradient descent with momentum; the rate falls to nothing along a cosine."""
    layers: Layers = [
        (rng.normal(0, rows**-0.5, (columns, rows)).astype(np.float32), np.zeros(columns, np.float32))
        for rows, columns in pairwise(SIZES)
    ]
    speed: Layers = [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]
    steps, done = EPOCHS * (len(x) // BATCH), 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for first in range(0, len(x) - BATCH + 1, BATCH):
            rate = np.float32(RATE * (1 + np.cos(np.pi * done / steps)) / 2)
            done += 1
            chosen = order[first : first + BATCH]
            for at, (step, shift) in enumerate(gradients(layers, x[chosen], labels[chosen])):
                weight, bias = layers[at]
                fast, faster = speed[at]
                speed[at] = (
                    np.float32(MOMENTUM) * fast - rate * (step + np.float32(DECAY) * weight),
                    np.float32(MOMENTUM) * faster - rate * shift,
                )
                layers[at] = (weight + speed[at][0], bias + speed[at][1])
    return layers


def main() -> None:
    """Train, say how well, write."""
    if len(sys.argv) != 2:  # noqa: PLR2004
        sys.exit("expected one argument: OUT.safetensors")
    out = Path(sys.argv[1])
    data = Path(os.environ.get("ARCHSIM_DATA") or ROOT.parent / "shared" / "data")
    images, labels = digits(data / "mnist")
    rng = np.random.default_rng(0)
    order = rng.permutation(len(images))
    mine, others = order[:TRAINED_ON], order[TRAINED_ON:]
    x = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    layers = train(x[mine], labels[mine], rng)
    right = forward(layers, x[others])[-1].argmax(axis=1) == labels[others]
    print(f"{right.mean():.4f} of {len(others):,} that were not trained on are right")
    arrays = {
        f"{at}.{name}": each
        for at, pair in enumerate(layers, 1)
        for name, each in zip(("weight", "bias"), pair, strict=True)
    }
    save_file({name: np.ascontiguousarray(each.astype(np.float32)) for name, each in arrays.items()}, out)
    np.savez_compressed(out.with_suffix(".npz"), images=images[others], labels=labels[others])


if __name__ == "__main__":
    main()
