"""Masks of attention: what makes them and what puts them on scores is no work, as in a preset."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.graph.nodes import Contraction, Elementwise, Node, Normalise
from archsim.graph.onnx.constants import Reader
from archsim.graph.onnx.edit import Edit
from archsim.graph.onnx.projections import Attention
from archsim.graph.sequence_nodes import Embedding, Recurrence

_MASKING = -99.0
"""What is added to scores in order to hide them is this or less: its exponential is below the smallest float32."""
_LARGE = 1 << 24
"""Numbers of a constant that is looked at."""
_CLOSE = 1e-2
"""Relative difference of steps between numbers, which have few digits in float16."""
_ON_SCORES = ("add", "sub", "where", "max", "min", "mul")


def free_masks(edit: Edit, attention: Attention, arrays: Mapping[str, Reader]) -> None:
    """Make what masks do to the scores of an attention, and what makes these masks, free."""
    chain = list(_between(edit, attention.softmax.inputs[0], attention.scores.key))
    for node in chain:
        others = [name for name in node.inputs if not _leads_to(edit, name, attention.scores.key)]
        if all(_is_mask(edit, name, node, arrays) for name in others):
            edit.put(replace(node, kind="view"), edit.places[node.key])
            for name in others:
                _free(edit, name)
        elif node.function == "mul" and all(_is_single(edit, name) for name in others):  # a scale
            edit.put(replace(node, kind="view"), edit.places[node.key])
        elif node.function == "add":
            for name in others:
                _count_bias(edit, name, arrays)
    for reader in list(edit.readers.get(attention.softmax.key, ())):
        _free_shares(edit, attention.softmax, edit.nodes[reader])


def _is_even(numbers: NDArray[np.float64]) -> bool:
    """Whether each row grows by the same step from number to number; what is none is left out."""
    with np.errstate(invalid="ignore"):
        steps = np.diff(numbers, axis=-1)
    if np.isfinite(steps).sum(axis=-1).max(initial=0) < 2:  # noqa: PLR2004 - steps that can be compared
        return False
    finite = np.where(np.isfinite(steps), steps, np.nan)
    low, high = np.fmin.reduce(finite, axis=-1), np.fmax.reduce(finite, axis=-1)
    return not bool((high - low > _CLOSE * np.abs(high)).any())


def _is_single(edit: Edit, name: str) -> bool:
    weight = edit.builder.weights.get(name)
    return weight is not None and weight.numbers <= 1 and prod(weight.shape) == 1


def _count_bias(edit: Edit, name: str, arrays: Mapping[str, Reader]) -> None:
    """Of a bias of scores, numbers that are alike are one that is trained; a mask may have been added to them.

    Biases in proportion to the distance of keys are not trained (O. Press et al., Train Short, Test Long, 2022).
    """
    weight = edit.builder.weights.get(name)
    numbers = None if weight is None or not weight.numbers else _numbers(edit, name, arrays)
    if weight is None or numbers is None or not numbers.min() < numbers.max():
        return
    distinct = len(np.unique(numbers[numbers > _MASKING / 2]))
    even = _is_even(np.where(numbers > _MASKING / 2, numbers, np.nan).astype(np.float64))
    edit.builder.weights[name] = replace(weight, trained=0 if even else min(weight.numbers, distinct))


def _numbers(edit: Edit, name: str, arrays: Mapping[str, Reader]) -> NDArray[Any] | None:
    """Of a weight that is not too large to be looked at, and is there."""
    if np.prod(edit.builder.weights[name].shape) > _LARGE:
        return None
    try:
        return arrays[name]()
    except ArchsimError:  # in a file that is not there
        return None


def _between(edit: Edit, name: str, scores: str) -> Iterator[Elementwise]:
    """What works on scores number by number before the softmax, the last first."""
    node = edit.nodes.get(name)
    while node is not None and node.key != scores and (node.free or isinstance(node, Elementwise)):
        if isinstance(node, Elementwise) and node.function in _ON_SCORES:
            yield node
        behind = [each for each in edit.moving(node) if _leads_to(edit, each, scores)]
        node = edit.nodes.get(behind[0]) if behind else None


def _leads_to(edit: Edit, name: str, scores: str) -> bool:
    """Whether a tensor is made of scores by views and numbers at the same index alone."""
    node = edit.nodes.get(name)
    if node is None or name == scores:
        return name == scores
    if not node.free and not isinstance(node, Elementwise):
        return False
    return any(_leads_to(edit, each, scores) for each in edit.moving(node))


def _is_mask(edit: Edit, name: str, node: Elementwise, arrays: Mapping[str, Reader]) -> bool:
    """Whether a tensor says which scores are seen, and no more: nothing trained is in it."""
    weight = edit.builder.weights.get(name)
    if weight is None:
        return node.function != "mul" and all(_is_marks(edit, each) for each in _ancestors(edit, name))
    if node.function in ("where", "max", "min"):
        return not weight.numbers
    numbers = _numbers(edit, name, arrays)
    if numbers is None:
        return False
    numbers = -numbers if node.function == "sub" else numbers
    seen = (numbers == 0) | (numbers == 1) if node.function == "mul" else (numbers == 0) | (numbers <= _MASKING)
    return bool(seen.all()) and bool((numbers != 0).any() or set(weight.shape[:-2]) <= {1})


def _ancestors(edit: Edit, name: str) -> Iterator[Node | str]:
    """Nodes that make a tensor, and what comes in for it."""
    waiting, known = [name], {name}
    while waiting:
        node = edit.nodes.get(waiting.pop())
        if node is None:
            continue
        yield node
        new = [each for each in edit.moving(node) if each not in known]
        known.update(new)
        waiting += new


def _is_marks(edit: Edit, node: Node | str) -> bool:
    """Whether a node may be one of a mask's: it looks nothing up, and multiplies by nothing that is trained."""
    if isinstance(node, str | Normalise | Embedding | Recurrence):
        return False
    return _is_outer(node) and all(
        edit.builder.weights[name].numbers <= 1 for name in node.inputs if name in edit.builder.weights
    )


def _is_outer(node: Node) -> bool:
    """Whether it sums over nothing: no product, or one of each number with each."""
    if not isinstance(node, Contraction):
        return True
    sizes = dict(zip(node.second, node.second_sizes, strict=True))
    return node.stationary and all(sizes.get(letter, 1) == 1 for letter in node.summed)


def _free(edit: Edit, name: str) -> None:
    """Let a mask's tensor cost nothing, nor what is there for it alone; a constant is nothing that is trained."""
    _untrained(edit, name)
    for node in list(_ancestors(edit, name)):
        if isinstance(node, Node):
            edit.put(replace(node, kind="view"), edit.places[node.key])


def free_angles(edit: Edit, name: str) -> None:
    """Let a table of cosines or sines cost nothing, nor what makes it of positions; it is not trained."""
    nodes = [node for node in _ancestors(edit, name) if isinstance(node, Node)]
    if any(isinstance(node, Normalise | Embedding | Recurrence) or not _is_outer(node) for node in nodes):
        return
    for node in nodes:
        for each in node.inputs:
            _untrained(edit, each)
    _free(edit, name)


def _untrained(edit: Edit, name: str) -> None:
    if name in edit.builder.weights:
        edit.builder.weights[name] = replace(edit.builder.weights[name], trained=0)


def _free_shares(edit: Edit, softmax: Normalise, node: Node) -> None:
    """Zeros in place of shares that are no numbers, as where a position sees nothing."""
    if not isinstance(node, Elementwise) or node.free or node.function not in ("isnan", "where"):
        return
    edit.put(replace(node, kind="view"), edit.places[node.key])
    for reader in list(edit.readers.get(node.key, ())) if node.function == "isnan" else ():
        if softmax.key in edit.nodes[reader].inputs:
            _free_shares(edit, softmax, edit.nodes[reader])
