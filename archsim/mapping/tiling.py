"""A linear's weights cut into blocks, blocks into cores and tiles: what each tile then has to do for one MVM."""

from collections import Counter
from dataclasses import dataclass
from math import ceil

from archsim.core.load import Amount, Load
from archsim.graph.operators import Linear
from archsim.machine.fits import Layout


@dataclass(frozen=True, slots=True)
class Tiling:
    """Blocks are numbered with the row block running fastest, so that what is added up lies together.

    loads: distinct loads, and how many tiles have each; tiles: their number; partial_tiles: over how many tiles
    one column block's rows are spread at most (1: all partial sums meet inside a tile).
    """

    row_blocks: int
    col_blocks: int
    loads: tuple[tuple[Load, int], ...]
    tiles: int
    partial_tiles: int

    @property
    def blocks(self) -> int:
        """Blocks in all."""
        return self.row_blocks * self.col_blocks


def tile(linear: Linear, layout: Layout, cores: int) -> Tiling:
    """Cut `linear` for tiles of `cores` cores."""
    rows = _cut(linear.in_features, layout.crossbar.rows)
    cols = _cut(linear.out_features, layout.outputs_per_block)
    per_core = layout.blocks
    per_tile = cores * per_core
    step = max(1, per_tile // len(rows)) * len(rows) if len(rows) <= per_tile else per_tile
    blocks = len(rows) * len(cols)
    loads: Counter[Load] = Counter()
    for first in _distinct(blocks, step, len(rows)):
        span = range(first[0], min(first[0] + step, blocks))
        loads[_load(span, rows, cols, layout, per_core)] += first[1]
    spread = 1 if len(rows) <= per_tile else ceil(len(rows) / per_tile) + (len(rows) % per_tile > 0)
    return Tiling(len(rows), len(cols), tuple(loads.items()), ceil(blocks / step), min(spread, ceil(blocks / step)))


def loads_of_cores(linear: Linear, layout: Layout, cores: int) -> list[tuple[Load, list[Load]]]:
    """Of every tile its load and those of its cores, one by one."""
    rows = _cut(linear.in_features, layout.crossbar.rows)
    cols = _cut(linear.out_features, layout.outputs_per_block)
    per_tile = cores * layout.blocks
    step = max(1, per_tile // len(rows)) * len(rows) if len(rows) <= per_tile else per_tile
    found = []
    for first in range(0, len(rows) * len(cols), step):
        span = range(first, min(first + step, len(rows) * len(cols)))
        pieces = [span[start : start + layout.blocks] for start in range(0, len(span), layout.blocks)]
        singles = [_load(piece, rows, cols, layout, layout.blocks) for piece in pieces]
        found.append((_load(span, rows, cols, layout, layout.blocks), singles))
    return found


def _cut(size: int, piece: int) -> list[int]:
    """Sizes of the pieces, the last one what is left."""
    whole, rest = divmod(size, piece)
    return [piece] * whole + ([rest] if rest else [])


def _distinct(blocks: int, step: int, rows: int) -> list[tuple[int, int]]:
    """(first block, number of tiles like it): tiles repeat, but for the last and for where a row pattern starts."""
    starts = list(range(0, blocks, step))
    if step % rows:
        return [(start, 1) for start in starts]
    last = starts.pop()
    # the tile before the last column block differs from the others only if it holds that block, which is last
    return ([(0, len(starts))] if starts else []) + [(last, 1)]


def _load(span: range, rows: list[int], cols: list[int], layout: Layout, per_core: int) -> Load:
    cores = [span[start : start + per_core] for start in range(0, len(span), per_core)]
    of_cores = [_core(list(core), rows, cols) for core in cores]
    copies, per_output = layout.arrays_per_block, layout.conversions_per_output
    tile_inputs, _, tile_outputs, _ = _core(list(span), rows, cols)
    inputs, driven, outputs, converted = zip(*of_cores, strict=True)
    return Load(
        inputs=_amount(inputs),
        drives=_amount(driven, copies),
        arrays=_amount([len(core) for core in cores], copies),
        conversions=_amount(converted, per_output),
        outputs=_amount(outputs),
        tile_inputs=tile_inputs,
        tile_outputs=tile_outputs,
    )


def _amount(values: "list[int] | tuple[int, ...]", factor: int = 1) -> Amount:
    return Amount(max(values) * factor, sum(values) * factor)


def _core(blocks: list[int], rows: list[int], cols: list[int]) -> tuple[int, int, int, int]:
    """Of some blocks: distinct inputs, rows driven, distinct outputs, outputs of all blocks."""
    at = [divmod(block, len(rows)) for block in blocks]
    inputs = sum(rows[row] for row in {row for _, row in at})
    outputs = sum(cols[col] for col in {col for col, _ in at})
    return inputs, sum(rows[row] for _, row in at), outputs, sum(cols[col] for col, _ in at)
