"""Pictures with labels, and networks of products one after the other that tell what is on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.cnn import cifar_stages, scaled
from archsim.values.functions import ELEMENTWISE
from archsim.values.same_network import require_same, require_size
from archsim.values.stages import Stage
from archsim.values.weights import Named, read_safetensors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from archsim.graph.graph import Graph
    from archsim.values.arithmetic import Values

_COLOUR = 4
_GREY = 3
"""Dimensions of an array of pictures."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """A network's stages, its inputs (n, height, width, channels), and what is on each, (n,)."""

    stages: tuple[Stage, ...]
    inputs: Values
    labels: NDArray[np.int64]


def load_pictures(weights: Path, images: Path, graph: Graph) -> Pictures:
    """A network of a safetensors file for a model, and an `.npz` file of `images` (8 bits) and `labels`.

    The file holds a CIFAR ResNet by its usual names, or full layers as `1.weight`, `1.bias`, `2.weight`, …, with the
    model's functions between them. Raises ArchsimError where a file is wrong, or holds another network than the model.
    """
    named = Named(weights, read_safetensors(weights))
    stages = cifar_stages(named) if named.has("conv1.weight") else full_layers(named, _functions(graph))
    require_same(weights, stages, graph)
    pixels, labels = _read(images)
    convolutions = stages[0].weight.shape[2] > 1
    dimensions = _COLOUR if convolutions else _GREY
    values = 3 if convolutions else stages[0].weight.shape[1]
    found = pixels.shape[-1] if convolutions else int(np.prod(pixels.shape[1:]))
    if pixels.ndim != dimensions or found != values:
        wanted = "(n, height, width, 3)" if convolutions else f"(n, height, width) of {values} pixels"
        raise ArchsimError(f"{images}: found images of the shape {pixels.shape}; expected {wanted}")
    if convolutions:
        require_size(images, stages, graph, *pixels.shape[1:3])
    classes = len(stages[-1].weight)
    if labels.min() < 0 or labels.max() >= classes:
        raise ArchsimError(f"{images}: found labels from {labels.min()} to {labels.max()}; expected 0 to {classes - 1}")
    inputs = scaled(pixels) if convolutions else grey(pixels)
    return Pictures(stages, inputs, labels)


def grey(images: NDArray[np.uint8]) -> Values:
    """Pictures (n, height, width) as vectors from 0 to 1, (n, 1, 1, pixels)."""
    return (images.astype(np.float32) / np.float32(255)).reshape(len(images), 1, 1, -1)


def _functions(graph: Graph) -> dict[str, str]:
    """By what they are of."""
    return {each.inputs[0].source: each.kind for each in graph.operators if each.kind in ELEMENTWISE and each.inputs}


def full_layers(named: Named, functions: Mapping[str, str]) -> tuple[Stage, ...]:
    """Named as in the Graph of `workloads/models/mlp-mnist.yaml`; functions: by projection. Raises ArchsimError."""
    found: list[Stage] = []
    while named.has(f"{len(found) + 1}.weight") or not found:
        number = len(found) + 1
        weight = named.take(f"{number}.weight", -1, -1)
        bias = named.take(f"{number}.bias", weight.shape[0])
        key = f"{number} linear/product"
        found.append(Stage(key, weight[:, :, None, None], bias, function=functions.get(key)))
    return tuple(found)


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "no such file"
        raise ArchsimError(f"{path}: {found}; expected a file .npz of images and labels, as numpy.savez writes it")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, NDArray[Any]] = {name: file[name] for name in file.files}
    except (ValueError, EOFError, OSError, AttributeError, TypeError, BadZipFile) as error:
        raise ArchsimError(f"{path}: is no whole .npz file ({error})") from None
    if not {"images", "labels"} <= set(arrays):
        raise ArchsimError(f"{path}: found {', '.join(arrays) or 'nothing'}; expected 'images' and 'labels'")
    images, labels = arrays["images"], arrays["labels"]
    if images.dtype != np.uint8 or labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        found = f"images of {images.dtype} {images.shape}, labels of {labels.dtype} {labels.shape}"
        raise ArchsimError(f"{path}: found {found}; expected images of uint8, and a whole number for each")
    if not len(labels):
        raise ArchsimError(f"{path}: found no pictures")
    return images, labels.astype(np.int64)
