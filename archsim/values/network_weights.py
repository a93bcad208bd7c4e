"""Weights of networks of layers: CIFAR ResNets by their usual names, and full layers by their number."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.safetensors_file import read_safetensors
from archsim.values.stored import Stored
from archsim.values.weight_names import Names
from archsim.values.weights import Named, arrays_of

if TYPE_CHECKING:
    from pathlib import Path

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Arrays
    from archsim.values.stored import Numbers

_EPSILON = 1e-5
"""Of batch norms."""
_STAGES = (1, 2, 3)
_KERNEL = 4
"""Dimensions of a convolution's weights."""


def network_arrays(path: Path, graph: Graph) -> Arrays:
    """What the Graph of a file of layers reads.

    Parameters
    ----------
    path
        A safetensors file: a CIFAR ResNet, whose batch norms are folded into its convolutions, or full layers as
        `1.weight`, `1.bias`, `2.weight` and so on.
    graph
        Of the network, such as `resnet-20` or `mlp-mnist`.

    Raises
    ------
    ArchsimError
        Where the file is wrong, or holds another network than the Graph.
    """
    named = Named(path, read_safetensors(path).stored, Names({}))
    made = _residual(named) if named.has("conv1.weight") else _full_layers(named)
    expected = [name for name, weight in graph.weights.items() if weight.tied is None]
    if set(made) != set(expected):
        here = next((name for name in made if name not in expected), "nothing more")
        there = next((name for name in expected if name not in made), "nothing more")
        raise ArchsimError(f"{path}: is another network than {graph.name}; found {here}, expected {there}")
    return arrays_of(graph, made)


def _full_layers(named: Named) -> dict[str, Stored]:
    made: dict[str, Stored] = {}
    number = 1
    while named.has(f"{number}.weight") or not made:
        made |= {f"{number} linear/product.{word}": named.take(f"{number}.{word}") for word in ("weight", "bias")}
        number += 1
    return made


def _residual(named: Named) -> dict[str, Stored]:
    pairs = [("conv1", "bn1")]
    for stage in _STAGES:
        block = 0
        while named.has(f"layer{stage}.{block}.conv1.weight"):
            pairs += [(f"layer{stage}.{block}.conv{number}", f"layer{stage}.{block}.bn{number}") for number in (1, 2)]
            block += 1
    made: dict[str, Stored] = {}
    for number, (convolution, norm) in enumerate(pairs, start=1):
        weight, parts = (
            named.take(f"{convolution}.weight"),
            [named.take(f"{norm}.{name}") for name in ("weight", "bias", "running_mean", "running_var")],
        )
        outputs = weight.shape[:1]
        if len(weight.shape) != _KERNEL or any(part.shape != outputs for part in parts):
            shapes = ", ".join(f"{one.name} {list(one.shape)}" for one in (weight, *parts))
            raise ArchsimError(f"{named.path}: found {shapes}; expected as many outputs in all")
        gain, shift, mean, variance = parts
        key = f"{number} conv/product"
        made[f"{key}.weight"] = Stored(
            named.path, weight.name, weight.shape, partial(_folded_weight, weight, gain, variance)
        )
        made[f"{key}.bias"] = Stored(
            named.path, shift.name, shift.shape, partial(_folded_bias, shift, mean, gain, variance)
        )
    last = len(pairs) + 1
    return made | {f"{last} linear/product.{word}": named.take(f"linear.{word}") for word in ("weight", "bias")}


def _folded_weight(weight: Stored, gain: Stored, variance: Stored) -> Numbers:
    return weight.read() * _scale(gain, variance)[:, None, None, None]


def _folded_bias(shift: Stored, mean: Stored, gain: Stored, variance: Stored) -> Numbers:
    return shift.read() - mean.read() * _scale(gain, variance)


def _scale(gain: Stored, variance: Stored) -> Numbers:
    scale: Numbers = gain.read() / np.sqrt(variance.read() + np.float32(_EPSILON))
    return scale
