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
from archsim.values.stored import Numbers, Stored, changed, joined

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Weight
    from archsim.values.weight_names import Names, Source

_SUFFIXES = {"weight": "weight", "bias": "bias", "scale": "weight", "shift": "bias"}
"""Last words of the Graph's names, and of files'."""
_STACKS = ("layer", "encoder", "decoder")
"""How the Graph's names of layers begin."""
_FIRST_NORMS = ("attention norm", "mamba norm")
"""Of which a layer has one."""
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

    def stores(self, node: str) -> bool:
        """Whether there are weights of a node, which is no layer's."""
        source = self.names.sources.get(node)
        choices = () if source is None else (source.parts, *source.otherwise)
        return any(self.has(f"{parts[0]}.weight") for parts in choices)

    def _full(self, name: str) -> str:
        full = (prefix + name for prefix in ("", *self.names.prefixes))
        return next((name for name in full if name in self.stored), self._prefix + name)

    @cached_property
    def _prefix(self) -> str:
        return next((each for each in self.names.prefixes if any(key.startswith(each) for key in self.stored)), "")

    def layers(self, stack: str) -> int:
        """How many layers of a stack there are tensors of; 0 where its layers have no norm before or after attention.

        stack: how names of its layers begin in the Graph.
        """
        names = (f"{stack} {{}}/{norm}" for norm in _FIRST_NORMS)
        first = next((self.names.sources[name] for name in names if name in self.names.sources), None)
        number = 0
        while first is not None and self.has(f"{first.parts[0].format(number)}.weight"):
            number += 1
        return number

    def arrays(self, graph: Graph) -> Arrays:
        """What a Graph reads. Raises ArchsimError where a tensor is missing, or does not fit the Graph."""
        for stack in _STACKS:
            stored = self.layers(stack)
            layers = sum(
                name.startswith(f"{stack} ") and name.endswith(tuple(f"/{norm}.scale" for norm in _FIRST_NORMS))
                for name in graph.weights
            )
            if stored > layers > 0 and not self.names.layers_follow:
                raise ArchsimError(f"{self.path}: found {stored} layers; expected {layers}, as {graph.name} has")
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
        if source.instead and not self.has(source.parts[0].format(*numbers) + suffix):
            source, suffix = source.instead, ""
        choices = [[part.format(*numbers) + suffix for part in parts] for parts in (source.parts, *source.otherwise)]
        names = next((names for names in choices if self.has(names[0])), choices[0])
        if source.change:
            return source.change([self.take(name) for name in names], weight, graph)
        parts = self._taken(names, source if suffix == ".bias" else None)
        if source.of_heads:
            parts = _per_head(parts, weight, graph)
        if source.by_groups:
            parts = [_ungrouped(part, weight, graph) for part in parts]
        if self._across and numbers:
            parts = [changed(one, one.shape[::-1], np.transpose) if len(one.shape) == _MATRIX else one for one in parts]
        if any(one.shape[1:] != parts[0].shape[1:] or not one.shape for one in parts):
            shapes = ", ".join(f"{one.name} {list(one.shape)}" for one in parts)
            raise ArchsimError(f"{self.path}: found {shapes}; expected the same inputs, for {weight.name!r}")
        return _fitted(joined(parts), source, weight)

    def _taken(self, names: list[str], source: Source | None) -> list[Stored]:
        """Tensors; source: of biases, of which one may be zeros, as many as the next part's."""
        if source is None or source.unbiased is None:
            return [self.take(name) for name in names]
        stored = [self.take(name) for at, name in enumerate(names) if at != source.unbiased]
        zeros = changed(stored[0], stored[0].shape, np.zeros_like)
        return [*stored[: source.unbiased], zeros, *stored[source.unbiased :]]

    @cached_property
    def _across(self) -> bool:
        name = self.names.lies_across
        shape = self.take(name).shape if name is not None else ()
        return len(shape) == _MATRIX and shape[1] == 3 * shape[0]


def _ungrouped(part: Stored, weight: Weight, graph: Graph) -> Stored:
    """All queries first, then all keys and all values, where rows are stored by groups of heads that share a key."""
    scores = graph.by_key[f"{weight.name.rpartition('/')[0]}/scores"]
    heads, size = getattr(scores, "heads", 1), getattr(scores, "head_dim", 1)
    groups = getattr(scores, "stored", heads * size) // size
    return changed(part, part.shape, partial(_by_role, groups=groups, queries=heads // groups, size=size))


def _by_role(x: Numbers, groups: int, queries: int, size: int) -> Numbers:
    rows = x.reshape(groups, queries + 2, size, *x.shape[1:])
    roles = rows[:, :queries], rows[:, queries], rows[:, queries + 1]
    return np.concatenate([role.reshape(-1, *x.shape[1:]) for role in roles])


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
    if len(one.shape) != len(weight.shape) and prod(one.shape) == prod(weight.shape):  # patches, lone first dimensions
        one = changed(one, weight.shape, methodcaller("reshape", weight.shape))
    return one
