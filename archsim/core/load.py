"""What one matrix-vector product (MVM) asks of a tile: the case for which a core's Program is played and remembered."""

from dataclasses import dataclass
from math import ceil

from archsim.machine.fits import Layout


@dataclass(frozen=True, slots=True)
class Amount:
    """Of something: in the busiest core of a tile, and in all its cores together."""

    peak: int
    total: int


@dataclass(frozen=True, slots=True)
class Load:
    """One MVM on one tile. Row blocks of one column block are added up in the core, then in the tile.

    inputs: distinct input values that cores take in; drives: rows driven per read, over all arrays;
    arrays: arrays read; conversions: columns converted per read; outputs: partial results that cores give;
    tile_inputs, tile_outputs: distinct values that the tile takes in and gives.
    """

    inputs: Amount
    drives: Amount
    arrays: Amount
    conversions: Amount
    outputs: Amount
    tile_inputs: int
    tile_outputs: int


def function_pass(layout: Layout, values: int) -> Load:
    """`values` values through a core that computes a function: one identity array per block, then the converters."""
    arrays = ceil(values / layout.outputs_per_block)
    whole = Amount(values, values)
    return Load(
        inputs=whole,
        drives=whole,
        arrays=Amount(arrays, arrays),
        conversions=whole,
        outputs=whole,
        tile_inputs=values,
        tile_outputs=values,
    )


def full_core(layout: Layout) -> Load:
    """One core of a tile, all its arrays in full use, each block with inputs of its own."""
    rows, blocks = layout.crossbar.rows, layout.blocks
    outputs = blocks * layout.outputs_per_block
    inputs, reads = blocks * rows, layout.crossbar.reads_for(rows)
    arrays, conversions = blocks * layout.arrays_per_block * reads, outputs * layout.conversions_per_output * reads
    return Load(
        inputs=Amount(inputs, inputs),
        drives=Amount(inputs * layout.arrays_per_block, inputs * layout.arrays_per_block),
        arrays=Amount(arrays, arrays),
        conversions=Amount(conversions, conversions),
        outputs=Amount(outputs, outputs),
        tile_inputs=inputs,
        tile_outputs=outputs,
    )
