"""A linear's weights cut into blocks, blocks into cores and tiles: what each tile then has to do for one MVM."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd

from archsim.core.load import Amount, Load
from archsim.core.passes import check_room
from archsim.core.path import Path
from archsim.errors import ArchsimError
from archsim.graph.operators import Linear
from archsim.machine.fits import Layout

_MOST_ROWS, _MOST_COLUMNS = 1 << 14, 1 << 21
"""Blocks of a projection with the same outputs, and with the same inputs: tiles are told apart in a second."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """Blocks are numbered with the row block running fastest, so that what is added up lies together.

    Slices of weights that lie in cores of their own are row blocks of their own: they are added up alike.

    loads: distinct loads, and how many tiles have each; tiles: their number; cores: of a tile, those in use; copies: of
    all that, each position goes to one; layout: how its weights lie; inputs: bits of them, where not the machine's;
    partial_tiles: over how many tiles one column block's rows are spread at most (1: all partial sums meet inside a
    tile). Where weights end, the rows and columns left over in the last blocks are not driven, converted or counted.
    """

    row_blocks: int
    col_blocks: int
    loads: tuple[tuple[Load, int], ...]
    tiles: int
    partial_tiles: int
    cores: int
    layout: Layout
    inputs: int | None = None
    copies: int = 1

    @property
    def blocks(self) -> int:
        """Blocks of one copy."""
        return self.row_blocks * self.col_blocks

    @property
    def all_tiles(self) -> int:
        """Tiles of all copies."""
        return self.tiles * self.copies


@dataclass(frozen=True, slots=True)
class _Cut:
    """Sizes of row blocks and column blocks, and how many blocks a tile holds: whole column blocks where they fit.

    own_inputs: so many column blocks in a row share their inputs, and the next have others; 0: all share theirs.
    last_rows: rows of the last column block where it has fewer than the others. slices: so many row blocks in a row
    have the same inputs.
    """

    rows: tuple[int, ...]
    cols: tuple[int, ...]
    per_tile: int
    own_inputs: int = 0
    last_rows: int = 0
    slices: int = 1

    @property
    def blocks(self) -> int:
        return len(self.rows) * len(self.cols)

    @property
    def number(self) -> int:
        """Tiles."""
        return -(-self.blocks // self.per_tile)

    def tile(self, at: int) -> range:
        """The blocks of a tile."""
        return range(at * self.per_tile, min((at + 1) * self.per_tile, self.blocks))

    def rows_of(self, col: int, row: int) -> int:
        """Rows of a block."""
        return self.last_rows if self.last_rows and col == len(self.cols) - 1 else self.rows[row]


def tile(linear: Linear, layout: Layout, cores: int) -> Tiling:
    """Cut `linear` for tiles of `cores` cores.

    Raises ArchsimError for weights that lie in more blocks of arrays than can be told apart in a few seconds.
    """
    cut = _cut(linear, layout, cores)
    if len(cut.rows) > _MOST_ROWS or len(cut.cols) > _MOST_COLUMNS:
        sizes = f"{linear.in_features:,} x {linear.out_features:,} weights"
        found = f"found {sizes}, {len(cut.rows):,} x {len(cut.cols):,} blocks of arrays"
        raise ArchsimError(f"{linear.key}: {found}; expected at most {_MOST_ROWS:,} x {_MOST_COLUMNS:,}")
    loads: Counter[Load] = Counter()
    for span, number in _distinct(cut):
        loads[_load(span, cut, layout)] += number
    ends = [(col * len(cut.rows), (col + 1) * len(cut.rows) - 1) for col in range(len(cut.cols))]
    spread = max(last // cut.per_tile - first // cut.per_tile + 1 for first, last in ends)
    return Tiling(len(cut.rows), len(cut.cols), tuple(loads.items()), cut.number, spread, cores, layout)


def tile_with_room(linear: Linear, layout: Layout, cores: int, path: Path, inputs: int | None = None) -> Tiling:
    """Cut `linear` for as many of a tile's cores as have room for their results in its memories.

    Where not even one core has, as with many outputs of few bits, arrays of it stay empty.

    inputs: bits of its inputs, where they are not the machine's.
    Raises ArchsimError where not even one block of arrays has.
    """
    refused: ArchsimError | None = None
    for blocks in range(layout.blocks, 0, -1):
        used = replace(layout, arrays=blocks * layout.arrays_per_block)
        for fewer in range(cores, 0, -1):
            tiling = tile(linear, used, fewer)
            lacking = _lacking(tiling, path)
            if lacking is None:
                return replace(tiling, inputs=inputs)
        refused = refused or lacking
    raise refused or LookupError(linear.key)


def _lacking(tiling: Tiling, path: Path) -> ArchsimError | None:
    """Why memories do not hold the results of some core; None where they do."""
    try:
        for load, _ in tiling.loads:
            check_room(path, load)
    except ArchsimError as error:
        return error
    return None


def loads_of_cores(linear: Linear, layout: Layout, cores: int) -> list[tuple[Load, list[Load]]]:
    """Of every tile its load and those of its cores, one by one."""
    cut = _cut(linear, layout, cores)
    spans = map(cut.tile, range(cut.number))
    return [(_load(span, cut, layout), [_load(core, cut, layout) for core in _cores(span, layout)]) for span in spans]


def block_sizes(linear: Linear, layout: Layout) -> list[tuple[int, int]]:
    """Rows and columns of every block."""
    cut = _cut(linear, layout, 1)
    return [(cut.rows_of(col, row), cut.cols[col]) for col in range(len(cut.cols)) for row in range(len(cut.rows))]


def _cut(linear: Linear, layout: Layout, cores: int) -> _Cut:
    """Groups that are smaller than an array lie along its diagonal, as many as fit; larger ones are cut one by one."""
    most_rows, most_cols = layout.crossbar.rows, layout.outputs_per_block
    group_rows, group_cols = linear.in_features // linear.groups, linear.out_features // linear.groups
    together = max(1, min(most_rows // group_rows, most_cols // group_cols, linear.groups))
    rows = tuple(size for size in _pieces(together * group_rows, most_rows) for _ in range(layout.cores_per_block))
    cols = _pieces(together * group_cols, most_cols)
    number, rest = divmod(linear.groups, together)
    room = cores * layout.blocks
    per_tile = room // len(rows) * len(rows) if len(rows) <= room else room
    last = (rest * group_cols,) if rest else ()
    own = len(cols) if linear.groups > together else 0
    return _Cut(rows, cols * number + last, per_tile, own, rest * group_rows, layout.cores_per_block)


def _pieces(size: int, piece: int) -> tuple[int, ...]:
    """Sizes of the pieces, the last one what is left."""
    whole, rest = divmod(size, piece)
    return (piece,) * whole + ((rest,) if rest else ())


def _distinct(cut: _Cut) -> list[tuple[range, int]]:
    """(blocks of a tile, number of tiles like it): alike are those that begin with the same block of a group.

    Of a matrix all column blocks are of one size but the last, and only what ends before that is counted as alike.
    """
    period = len(cut.rows) * max(1, cut.own_inputs)
    until = (cut.blocks - len(cut.rows)) // cut.per_tile  # tiles that end before the last column block
    cycle = period // gcd(period, cut.per_tile)
    alike = [(cut.tile(at), -(-(until - at) // cycle)) for at in range(min(cycle, until))]
    return alike + [(cut.tile(at), 1) for at in range(until, cut.number)]


def _cores(span: range, layout: Layout) -> list[range]:
    """The blocks of each core of a tile."""
    return [span[start : start + layout.blocks] for start in range(0, len(span), layout.blocks)]


def _load(span: range, cut: _Cut, layout: Layout) -> Load:
    cores = _cores(span, layout)
    of_cores = [_sums(core, cut) for core in cores]
    copies, per_output = layout.arrays_per_block, layout.conversions_per_output
    tile_inputs, _, tile_outputs = _sums(span, cut)
    inputs, driven, outputs = zip(*of_cores, strict=True)
    reads = [[layout.crossbar.reads_for(cut.rows_of(*divmod(at, len(cut.rows)))) for at in core] for core in cores]
    converted = [
        sum(cut.cols[at // len(cut.rows)] * times for at, times in zip(core, each, strict=True))
        for core, each in zip(cores, reads, strict=True)
    ]
    return Load(
        inputs=_amount(inputs),
        drives=_amount(driven, copies),
        arrays=_amount([sum(each) for each in reads], copies),
        conversions=_amount(converted, per_output),
        outputs=_amount(outputs),
        tile_inputs=tile_inputs,
        tile_outputs=tile_outputs,
    )


def _amount(values: Sequence[int], factor: int = 1) -> Amount:
    return Amount(max(values) * factor, sum(values) * factor)


def _sums(blocks: range, cut: _Cut) -> tuple[int, int, int]:
    """Of some blocks: distinct inputs, rows driven, distinct outputs."""
    at = [divmod(block, len(cut.rows)) for block in blocks]
    inputs = sum(
        {
            (col // cut.own_inputs if cut.own_inputs else 0, row // cut.slices): cut.rows_of(col, row)
            for col, row in at
        }.values()
    )
    outputs = sum(cut.cols[col] for col in {col for col, _ in at})
    return inputs, sum(cut.rows_of(col, row) for col, row in at), outputs
