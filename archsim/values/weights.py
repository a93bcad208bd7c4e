"""A Graph's weights, made of the tensors of files. Their shapes are compared; numbers are read when asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from operator import itemgetter, methodcaller
from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError, did_you_mean
from archsim.graph.weights import Arrays
from archsim.values.stored import Stored, changed, joined

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Weight
    from archsim.values.weight_names import Names, Source

_SUFFIXES = {"weight": "weight", "bias": "bias", "scale": "weight", "shift": "bias"}
"""Last words of the Graph's names, and of files'."""
_NUMBER = re.compile(r"\d+")
_MATRIX = 2
"""Dimensions."""


def arrays_of(graph: Graph, made: Mapping[str, Stored]) -> Arrays:
    """What a Graph reads.

    Parameters
    ----------
    graph
        The model.
    made
        Tensors by the names of its weights; of those that are another's, that one's serves.

    Raises
    ------
    ArchsimError
        For a tensor of another shape than the Graph's.
    """
    for weight in graph.weights.values():
        one = made[weight.tied or weight.name]
        if one.shape != weight.shape:
            found = f"{one.path}: {one.name} has the shape {list(one.shape)}"
            raise ArchsimError(f"{found}; expected {list(weight.shape)} for {weight.name!r} of {graph.name}")
    return Arrays({weight.name: made[weight.tied or weight.name].read for weight in graph.weights.values()})


@dataclass(frozen=True)
class Named:
    """Tensors of files by a family's names.

    Parameters
    ----------
    path
        What is named in messages.
    stored
        By the file's names.
    names
        Of the family.
    """

    path: Path
    stored: Mapping[str, Stored]
    names: Names

    def has(self, name: str) -> bool:
        """Whether there is a tensor of that name, with or without a prefix."""
        return self._full(name) in self.stored

    def take(self, name: str) -> Stored:
        """The tensor of a name; raises ArchsimError."""
        full = self._full(name)
        if full not in self.stored:
            raise ArchsimError(f"{self.path}: has no weights '{full}'. {did_you_mean(full, self.stored)}")
        return self.stored[full]

    def _full(self, name: str) -> str:
        return name if name in self.stored else self._prefix + name

    @cached_property
    def _prefix(self) -> str:
        return next((each for each in self.names.prefixes if any(key.startswith(each) for key in self.stored)), "")

    @cached_property
    def layers(self) -> int:
        """How many layers there are tensors of."""
        first = next(each.parts[0] for key, each in self.names.sources.items() if key.endswith("attention norm"))
        number = 0
        while self.has(f"{first.format(number)}.weight"):
            number += 1
        return number

    def arrays(self, graph: Graph) -> Arrays:
        """What a Graph reads. Raises ArchsimError where a tensor is missing, or does not fit the Graph."""
        layers = sum(name.endswith("/qkv.weight") for name in graph.weights)
        if self.layers > layers:
            raise ArchsimError(f"{self.path}: found {self.layers} layers; expected {layers}, as {graph.name} has")
        weights = [weight for weight in graph.weights.values() if weight.tied is None]
        return arrays_of(graph, {weight.name: self._made(graph, weight) for weight in weights})

    def _made(self, graph: Graph, weight: Weight) -> Stored:
        node, _, word = weight.name.rpartition(".")
        numbers = _NUMBER.findall(node)
        source = self.names.sources.get(_NUMBER.sub("{}", weight.name))
        suffix = ""
        if source is None:
            source, suffix = self.names.sources.get(_NUMBER.sub("{}", node)), f".{_SUFFIXES.get(word, word)}"
        if source is None:
            raise ArchsimError(f"{self.path}: it is not known which tensor is {weight.name!r} of {graph.name}")
        parts = [self.take(part.format(*numbers) + suffix) for part in source.parts]
        if source.of_heads:
            parts = _per_head(parts, weight, graph)
        if self._across and numbers:
            parts = [changed(one, one.shape[::-1], np.transpose) if len(one.shape) == _MATRIX else one for one in parts]
        if any(one.shape[1:] != parts[0].shape[1:] or not one.shape for one in parts):
            shapes = ", ".join(f"{one.name} {list(one.shape)}" for one in parts)
            raise ArchsimError(f"{self.path}: found {shapes}; expected the same inputs, for {weight.name!r}")
        return _fitted(joined(parts), source, weight)

    @cached_property
    def _across(self) -> bool:
        name = self.names.lies_across
        shape = self.take(name).shape if name is not None else ()
        return len(shape) == _MATRIX and shape[1] == 3 * shape[0]


def _per_head(parts: list[Stored], weight: Weight, graph: Graph) -> list[Stored]:
    """For all heads: queries first, then keys."""
    layer = weight.name.rpartition("/")[0]
    queries = getattr(graph.by_key[f"{layer}/scores"], "heads", 0)
    times = (queries, weight.shape[0] - queries)
    shapes = [(number, *one.shape) for number, one in zip(times, parts, strict=True)]
    return [
        changed(one, shape, partial(np.broadcast_to, shape=shape)) for one, shape in zip(parts, shapes, strict=True)
    ]


def _fitted(one: Stored, source: Source, weight: Weight) -> Stored:
    """What the Graph has of it: some of its rows, or the same numbers in fewer dimensions or more."""
    number, parts = source.share
    if parts > 1 and one.shape[0] % parts == 0:
        size = one.shape[0] // parts
        one = changed(one, (size, *one.shape[1:]), itemgetter(slice(number * size, (number + 1) * size)))
    if source.plus:
        one = changed(one, one.shape, partial(np.add, np.float32(source.plus)))
    if len(one.shape) > len(weight.shape) and prod(one.shape) == prod(weight.shape):  # patches, lone first dimensions
        one = changed(one, weight.shape, methodcaller("reshape", weight.shape))
    return one
