"""Blocks of several projections in one array, beside each other: rectangles in bins, by the shortest side left over.

The rule is MaxRects with best short side fit (J. Jylanki, "A Thousand Ways to Pack the Bin", 2010), without turning;
larger blocks go first.
"""

from collections.abc import Mapping as Dict

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.machine.fits import Layout
from archsim.machine.machine import Machine
from archsim.mapping.mapping import Placed
from archsim.mapping.tiling import Tiling, block_sizes

Free = list[tuple[int, int, int, int]]
"""Free rectangles of an array: first row, first column, rows, columns."""


def packed(machine: Machine, graph: Graph, layout: Layout, tilings: Dict[str, Tiling]) -> dict[str, Placed]:
    """Every projection on arrays of one chip; raises ArchsimError where they do not fit."""
    if layout.blocks != 1 or machine.tile != machine.core:
        raise ArchsimError(f"{machine.file}: mapping.pack needs tiles of one core that holds one block of weights")
    blocks = [(sizes, linear.key) for linear in graph.linears for sizes in block_sizes(linear, layout)]
    bins = pack([sizes for sizes, _ in blocks], (layout.crossbar.rows, layout.outputs_per_block))
    needed, tiles = max(bins, default=-1) + 1, int(machine.count(machine.tile))
    if needed > tiles:
        found = f"{graph.name} does not fit: packed weights need {needed:,} tiles, a chip has {tiles:,}"
        raise ArchsimError(f"{found} ({machine.file})")
    runs: dict[str, list[tuple[int, int, int]]] = {}
    for (_, key), where in zip(blocks, bins, strict=True):
        runs.setdefault(key, []).append((0, where, 1))
    return {linear.key: Placed(linear, tilings[linear.key], tuple(runs[linear.key])) for linear in graph.linears}


def pack(sizes: list[tuple[int, int]], room: tuple[int, int]) -> list[int]:
    """By rectangle (rows, columns) the bin that it lies in; none is larger than a bin."""
    bins: dict[int, Free] = {}  # those with room left
    number_of_bins = 0
    found = [0] * len(sizes)
    for index in sorted(range(len(sizes)), key=lambda at: (-sizes[at][0] * sizes[at][1], at)):
        rows, cols = sizes[index]
        fits = [
            (min(high - rows, wide - cols), max(high - rows, wide - cols), number, (y, x))
            for number, free in bins.items()
            for y, x, high, wide in free
            if rows <= high and cols <= wide
        ]
        if not fits:
            bins[number_of_bins] = [(0, 0, *room)]
            fits = [(0, 0, number_of_bins, (0, 0))]
            number_of_bins += 1
        _, _, number, (y, x) = min(fits)
        bins[number] = _without(bins[number], (y, x, rows, cols))
        if not bins[number]:
            del bins[number]
        found[index] = number
    return found


def _without(free: Free, used: tuple[int, int, int, int]) -> Free:
    """What is free once a rectangle is used: the largest free rectangles, which may overlap."""
    y, x, rows, cols = used
    left: Free = []
    for top, start, high, wide in free:
        if y >= top + high or x >= start + wide or y + rows <= top or x + cols <= start:
            left.append((top, start, high, wide))
            continue
        left += [
            each
            for each in (
                (top, start, y - top, wide),
                (y + rows, start, top + high - y - rows, wide),
                (top, start, high, x - start),
                (top, x + cols, high, start + wide - x - cols),
            )
            if each[2] > 0 and each[3] > 0
        ]
    return [one for at, one in enumerate(left) if not any(_inside(one, other) for other in _others(left, at))]


def _others(left: Free, at: int) -> Free:
    """All but one, and those equal to it that come later."""
    return [other for number, other in enumerate(left) if number < at or (number > at and other != left[at])]


def _inside(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return (
        other[0] <= one[0]
        and other[1] <= one[1]
        and one[0] + one[2] <= other[0] + other[2]
        and one[1] + one[3] <= other[1] + other[3]
    )
