"""Pictures with labels, and networks that tell what is on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.axes import sizes_of
from archsim.values.executor import Executor
from archsim.values.network_weights import network_arrays
from archsim.values.samples import read_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from archsim.graph.axes import Shape
    from archsim.graph.graph import Graph
    from archsim.values.arithmetic import Arithmetic, Values
    from archsim.values.running import Array

_COLOUR = 3
"""Channels."""
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
"""Of the images that networks of colours were trained on."""
CALIBRATED_BY = 100
"""Pictures by which ranges of inputs are fitted."""
_TOGETHER = 50
"""Pictures that are run at a time."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """A network and pictures.

    Parameters
    ----------
    graph, arrays
        The network and its weights.
    inputs
        (n, channels, height, width), or (n, values).
    labels
        What is on each, (n,).
    """

    graph: Graph
    arrays: Mapping[str, Array]
    inputs: Values
    labels: NDArray[np.int64]

    def first(self, number: int | None) -> Pictures:
        """So many of them; None: all."""
        return replace(self, inputs=self.inputs[:number], labels=self.labels[:number])

    def logits(self, arithmetic: Arithmetic) -> Values:
        """(n, classes)."""
        executor, name = Executor(self.graph, self.arrays, arithmetic), self.graph.inputs[0].name
        parts = [self.inputs[at : at + _TOGETHER] for at in range(0, len(self.inputs), _TOGETHER)]
        return np.concatenate([executor.run({name: part})[self.graph.outputs[0]] for part in parts])

    def right(self, arithmetic: Arithmetic) -> NDArray[np.bool_]:
        """Which are told rightly."""
        found: NDArray[np.bool_] = self.logits(arithmetic).argmax(axis=1) == self.labels
        return found


def load_pictures(weights: Path, images: Path, graph: Graph) -> Pictures:
    """A network with weights from a file, and pictures.

    Parameters
    ----------
    weights
        What `network_arrays` takes.
    images
        An `.npz` file of `images` (8 bits, (n, height, width, 3) or (n, height, width)) and `labels`.
    graph
        Of the network.

    Raises
    ------
    ArchsimError
        Where a file is wrong, holds another network than the model, or does not fit its input.
    """
    expected = [size or 0 for size in sizes_of(graph.inputs[0].shape)]
    (classes, *more) = sizes_of(_result(graph))
    coloured = len(expected) == 1 + 2 and expected[0] == _COLOUR
    if len(graph.inputs) > 1 or not (coloured or len(expected) == 1) or more or classes is None:
        found = " and ".join(f"{each.name} {list(sizes_of(each.shape))}" for each in graph.inputs)
        raise ArchsimError(f"{graph.name}: found {found}; expected a network of pictures, of 3 channels or grey")
    arrays = network_arrays(weights, graph)
    pixels, labels = _read(images)
    if coloured:
        wanted, fits = f"(n, {expected[1]}, {expected[2]}, 3)", pixels.shape[1:] == (*expected[1:], _COLOUR)
    else:
        wanted = f"(n, height, width) of {expected[0]} pixels"
        fits = pixels.ndim == 1 + 2 and pixels[0].size == expected[0]
    if not fits:
        raise ArchsimError(f"{images}: found images of the shape {pixels.shape}; {graph.name} expects {wanted}")
    if labels.min() < 0 or labels.max() >= classes:
        raise ArchsimError(f"{images}: found labels from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}")
    return Pictures(graph, arrays, scaled(pixels) if coloured else grey(pixels), labels)


def scaled(images: NDArray[np.uint8]) -> Values:
    """Pictures (n, height, width, 3) as networks were trained with them, (n, 3, height, width)."""
    found: Values = (images.astype(np.float32) / np.float32(255) - _MEAN) / _DEVIATION
    return found.transpose(0, 3, 1, 2)


def grey(images: NDArray[np.uint8]) -> Values:
    """Pictures (n, height, width) as vectors from 0 to 1, (n, pixels)."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def _result(graph: Graph) -> Shape:
    return next(node.shape for node in graph.nodes if node.key == graph.outputs[0])


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    arrays = read_arrays(path, "images and labels")
    if not {"images", "labels"} <= set(arrays):
        raise ArchsimError(f"{path}: found {', '.join(arrays) or 'nothing'}; expected 'images' and 'labels'")
    images, labels = arrays["images"], arrays["labels"]
    if images.dtype != np.uint8 or labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        found = f"images of {images.dtype} {images.shape}, labels of {labels.dtype} {labels.shape}"
        raise ArchsimError(f"{path}: found {found}; expected images of uint8, and a whole number for each")
    if not len(labels):
        raise ArchsimError(f"{path}: found no pictures")
    return images, labels.astype(np.int64)
