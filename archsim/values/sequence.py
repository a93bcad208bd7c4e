"""Nodes of models of sequences on values: tables, rotary positions, biases by distance, experts."""

from __future__ import annotations

from functools import cache
from math import log2, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.errors import ArchsimError
from archsim.graph.sequence_nodes import (
    Embedding,
    Positions,
    Rotary,
    RotaryOf,
    Routed,
    Scaled,
    ScoreBias,
    Tempered,
    WindowBias,
)
from archsim.graph.views import Sent
from archsim.values.products import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archsim.graph.nodes import Node
    from archsim.values.running import Array, Run


def _embedding(node: Embedding, operands: Sequence[Array], run: Run) -> Array:
    """Raises ArchsimError for numbers or positions that a table has no row for."""
    numbers, table, *others = operands
    x = table_rows(node, table, numbers, "number")
    if node.scale != 1:
        x = x * np.float32(node.scale)
    if node.positions:
        x = x + position_rows(node, others.pop(0), x, run)
    return x + others[0].reshape(-1, x.shape[-1])[0] if others else x


def _positions(node: Positions, operands: Sequence[Array], run: Run) -> Array:
    x, table = operands
    return x + position_rows(node, table, x, run)


def position_rows(node: Embedding | Positions, table: Array, x: Array, run: Run) -> Array:
    """The rows of a table of positions for those of a tensor. Raises ArchsimError for positions without a row."""
    start = node.first_position + run.start(node.shape[-2])
    return table_rows(node, table, start + np.arange(x.shape[-2])[None], "position")


def table_rows(node: Embedding | Positions, table: Array, numbers: Array, what: str) -> Array:
    """Rows of a table by whole numbers. Raises ArchsimError for numbers without a row, which are called `what`."""
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < table.shape[1]:
        wrong = int(numbers.max() if numbers.min() >= 0 else numbers.min())
        raise ArchsimError(f"{node.key}: found {what} {wrong}; expected 0 to {table.shape[1] - 1}, a row of the table")
    if len(table) == 1:
        found: Array = table[0][numbers]
        return found
    return np.stack([own[rows] for own, rows in zip(table, numbers, strict=True)])


def tables_of(node: Rotary | RotaryOf, operands: Sequence[Array], run: Run) -> tuple[Array, Array]:
    """The cosine and the sine by which each number that is turned is multiplied, with as many dimensions as those."""
    x, *tables = operands
    if isinstance(node, Rotary):
        positions = run.start(node.shape[-3]) + np.arange(x.shape[-3])
        angles = positions[:, None, None] * np.array(node.inverse_frequencies)
        halves = [np.float32(node.magnitude) * function(angles).astype(np.float32) for function in (np.cos, np.sin)]
        cosines, sines = (np.empty((*half.shape[:-1], node.turned), np.float32) for half in halves)
        for table, half in zip((cosines, sines), halves, strict=True):
            for pair in pairs_of(node):
                table[..., pair] = half
        return cosines, sines
    cosines, sines = (y.reshape(len(y), *(1,) * (x.ndim - y.ndim), *y.shape[1:]) for y in tables)
    return cosines, sines


def _rotary(node: Rotary | RotaryOf, operands: Sequence[Array], run: Run) -> Array:
    x = operands[0]
    cosines, sines = tables_of(node, operands, run)
    one, other = pairs_of(node)
    turned = x[..., : node.turned] * cosines
    turned[..., one] -= x[..., other] * sines[..., one]
    turned[..., other] += x[..., one] * sines[..., other]
    return np.concatenate(
        [turned, np.broadcast_to(x[..., node.turned :], (*turned.shape[:-1], x.shape[-1] - node.turned))], axis=-1
    )


def pairs_of(node: Rotary | RotaryOf) -> tuple[slice, slice]:
    """Indices of the first and of the second of each pair."""
    half, end = node.turned // 2, node.turned
    return (slice(half), slice(half, end)) if node.halves else (slice(0, end, 2), slice(1, end, 2))


def _tempered(node: Tempered, operands: Sequence[Array], run: Run) -> Array:
    x = operands[0]
    positions = run.start(node.shape[-3]) + np.arange(x.shape[-3])
    factors = 1 + node.rise * np.log1p(np.floor((positions + 1) / node.every))
    found: Array = x * factors.astype(np.float32)[:, None, None]
    return found


def _score_bias(node: ScoreBias, operands: Sequence[Array], run: Run) -> Array:
    scores = operands[0]
    queries, keys = scores.shape[-2:]
    begins = run.start(node.shape[-2]), run.start(node.shape[-1])
    ahead = (begins[1] + np.arange(keys)) - (begins[0] + np.arange(queries))[:, None]
    heads = prod(scores.shape[1:-2])
    if node.buckets:
        bias = operands[1][0][_buckets(node, ahead)].transpose(2, 0, 1)
    else:
        bias = _slopes(heads)[:, None, None] * -np.abs(ahead)
    found: Array = scores + np.float32(node.scale) * bias.reshape(scores.shape[1:]).astype(np.float32)
    return found if node.mask is None else masked(node.mask, found, node.shape, run)


def _window_bias(node: WindowBias, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    scores, *tables = operands
    height, width = node.window
    rows, columns = np.divmod(np.arange(height * width), width)
    if tables:
        down, across = rows[:, None] - rows, columns[:, None] - columns
        bias = tables[0][0][(down + height - 1) * (2 * width - 1) + across + width - 1]
        scores = scores + bias.transpose(2, 0, 1)[:, None]
    # of each window and pixel: whether it came in at the other side, downwards and across
    below, right = (
        (np.arange(whole) >= whole - shift).reshape(-1, part)
        for whole, part, shift in zip(node.size, node.window, node.shift, strict=True)
    )
    came = np.stack(np.broadcast_arrays(below[:, None, rows], right[None, :, columns]), axis=-1)
    came = came.reshape(-1, height * width, 2)
    apart = (came[:, :, None] != came[:, None]).any(axis=-1)
    found: Array = np.where(apart, np.float32(-np.inf), scores)
    return found


def _buckets(node: ScoreBias, ahead: Array) -> Array:
    """Rows of T5's table: one for each small distance; then ever more share one, evenly by their logarithm."""
    number = node.buckets // 2 if node.both_ways else node.buckets
    distance = np.abs(ahead) if node.both_ways else np.maximum(0, -ahead)
    single = number // 2
    far = single + np.searchsorted(_bucket_begins(number, node.furthest), distance, side="right")
    found: Array = np.where(distance < single, distance, far)
    return found + number * (ahead > 0) if node.both_ways else found


@cache
def _bucket_begins(number: int, furthest: int) -> tuple[int, ...]:
    """The smallest distance in each bucket that several share, but the first.

    Of s buckets of one distance and w others, s + n begins where (distance / s) ^ w reaches (furthest / s) ^ n.
    """
    single, wide = number // 2, number - number // 2
    distances = range(single, max(single, furthest) + 1)
    return tuple(next(d for d in distances if d**wide >= furthest**n * single ** (wide - n)) for n in range(1, wide))


def _slopes(heads: int) -> Array:
    """Of ALiBi: a geometric sequence; where heads are no power of two, every second one of the next finer follows."""
    power = 1 << int(log2(heads))
    first = 2.0 ** (-8 / power * np.arange(1, power + 1))
    finer = 2.0 ** (-4 / power * np.arange(1, 2 * power + 1, 2))
    found: Array = np.concatenate([first, finer[: heads - power]])
    return found


def _ranked(gates: Array, chosen: int) -> Array:
    """The experts of each position, (positions, chosen), the largest gate first; of equal gates the lower expert's."""
    ranked: Array = np.argsort(-gates.reshape(-1, gates.shape[-1]), axis=1, kind="stable")
    return ranked[:, :chosen]


def _routed(node: Routed, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    """Gates of the chosen."""
    gates, choice = (x.reshape(-1, x.shape[-1]) for x in operands)
    if node.groups > 1:
        grouped = choice.reshape(len(choice), node.groups, -1)
        best = np.sort(grouped, axis=2)[:, :, -node.group_largest :].sum(axis=2)
        allowed = np.zeros(best.shape, np.bool_)
        np.put_along_axis(allowed, _ranked(best, node.groups_chosen), values=True, axis=1)
        choice = np.where(allowed[:, :, None], grouped, -np.inf).reshape(choice.shape)
    ranked = _ranked(choice, node.chosen)
    scale = np.take_along_axis(gates, ranked, axis=1)
    if node.renormalised:
        scale = scale / scale.sum(axis=1, keepdims=True)
    made = np.zeros(gates.shape, np.float32)
    np.put_along_axis(made, ranked, scale * np.float32(node.scale), axis=1)
    return made.reshape(operands[0].shape)


def _sent(node: Sent, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    x, gates = operands
    route = next(f.axis.route for one in node.shape for f in one if f.axis.route is not None)
    own = (_ranked(gates, route.chosen) == route.expert).any(axis=1)
    found: Array = x.reshape(-1, x.shape[-1])[own][None]
    return found


def _scaled(node: Scaled, operands: Sequence[Array], run: Run) -> Array:  # noqa: ARG001
    *results, gates = operands
    flat, ranked = gates.reshape(-1, gates.shape[-1]), _ranked(gates, node.chosen)
    scale = np.take_along_axis(flat, ranked, axis=1)
    if node.renormalised:
        scale = scale / scale.sum(axis=1, keepdims=True)
    made = np.zeros((*ranked.shape, results[0].shape[-1]), np.float32)
    for expert, result in enumerate(results):
        made[ranked == expert] = result[0]  # in the order of positions, each of which has an expert once
    scaled: Array = made * scale[..., None] if node.weighted else made
    return scaled.reshape(*gates.shape[:-1], node.chosen, made.shape[-1])


SEQUENCES: dict[type[Node], Callable[[Any, Sequence[Array], Run], Array]] = {
    Embedding: _embedding,
    Positions: _positions,
    Rotary: _rotary,
    RotaryOf: _rotary,
    ScoreBias: _score_bias,
    WindowBias: _window_bias,
    Tempered: _tempered,
    Routed: _routed,
    Sent: _sent,
    Scaled: _scaled,
}
