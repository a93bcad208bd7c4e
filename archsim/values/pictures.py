"""Pictures with labels, and networks of products one after the other that tell what is on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.cnn import cifar_stages, scaled
from archsim.values.stages import Stage
from archsim.values.weights import Named, read_safetensors

if TYPE_CHECKING:
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

    The file holds a CIFAR ResNet by its usual names, or full layers as `1.weight`, `1.bias`, `2.weight`, …, with tanh
    between them. Raises ArchsimError where a file is wrong, or holds another network than the model.
    """
    named = Named(weights, read_safetensors(weights))
    stages = cifar_stages(named) if named.has("conv1.weight") else full_layers(named)
    _require_same(weights, stages, graph)
    pixels, labels = _read(images)
    convolutions = stages[0].weight.shape[2] > 1
    dimensions = _COLOUR if convolutions else _GREY
    values = 3 if convolutions else stages[0].weight.shape[1]
    found = pixels.shape[-1] if convolutions else int(np.prod(pixels.shape[1:]))
    if pixels.ndim != dimensions or found != values:
        wanted = "(n, height, width, 3)" if convolutions else f"(n, height, width) of {values} pixels"
        raise ArchsimError(f"{images}: found images of the shape {pixels.shape}; expected {wanted}")
    inputs = scaled(pixels) if convolutions else grey(pixels)
    return Pictures(stages, inputs, labels)


def grey(images: NDArray[np.uint8]) -> Values:
    """Pictures (n, height, width) as vectors from 0 to 1, (n, 1, 1, pixels)."""
    return (images.astype(np.float32) / np.float32(255)).reshape(len(images), 1, 1, -1)


def full_layers(named: Named) -> tuple[Stage, ...]:
    """Named as in the Graph of `workloads/models/mlp-mnist.yaml`; raises ArchsimError."""
    found: list[Stage] = []
    while named.has(f"{len(found) + 1}.weight") or not found:
        number = len(found) + 1
        weight = named.take(f"{number}.weight", -1, -1)
        bias = named.take(f"{number}.bias", weight.shape[0])
        last = not named.has(f"{number + 1}.weight")
        key = f"{number} linear/product"
        found.append(Stage(key, weight[:, :, None, None], bias, function=None if last else "tanh"))
    return tuple(found)


def _require_same(path: Path, stages: tuple[Stage, ...], graph: Graph) -> None:
    here = [(each.key, len(each.weight), each.weight[0].size) for each in stages]
    there = [(each.key, each.out_features, each.in_features) for each in graph.linears]
    for found, wanted in zip(here, there, strict=False):
        if found != wanted:
            shapes = " and ".join(f"{key} of {rows} x {columns}" for key, columns, rows in (found, wanted))
            raise ArchsimError(f"{path}: is another network than {graph.name}; found and expected: {shapes}")
    if len(here) != len(there):
        raise ArchsimError(f"{path}: found {len(here)} products; {graph.name} has {len(there)}")


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
    return images, labels.astype(np.int64)
