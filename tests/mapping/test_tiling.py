"""Weights into blocks, cores and tiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.errors import ArchsimError
from archsim.graph.operators import Linear
from archsim.machine import Machine, load_machine
from archsim.machine.fits import Layout, layout
from archsim.mapping.tiling import tile

ISAAC, NL_DPE = load_machine("isaac"), load_machine("nl_dpe")


def layout_of(machine: Machine) -> Layout:
    return layout(machine.modules[machine.core], machine.parts, machine.precision)


def linear(rows: int, cols: int) -> Linear:
    return Linear(layer="l", name="n", inputs=(), in_features=rows, out_features=cols)


def test_bert_base_on_isaac() -> None:
    """16 outputs a block of 128 rows, 96 blocks a tile: 6 x 144, 6 x 48, 6 x 192, 24 x 48 blocks."""
    sizes = [(768, 2304), (768, 768), (768, 3072), (3072, 768)]
    found = [tile(linear(*size), layout_of(ISAAC), 12) for size in sizes]
    assert [tiling.tiles for tiling in found] == [9, 3, 12, 12]
    assert [(tiling.row_blocks, tiling.col_blocks) for tiling in found] == [(6, 144), (6, 48), (6, 192), (24, 48)]
    assert all(tiling.partial_tiles == 1 for tiling in found)


def test_tiles_of_a_matrix_that_no_machine_could_hold_are_counted() -> None:
    """7,813 x 187,500 blocks, 96 a tile."""
    tiling = tile(linear(1_000_000, 3_000_000), layout_of(ISAAC), 12)
    assert tiling.tiles == sum(number for _, number in tiling.loads) == 15_259_766


def test_rows_of_more_than_a_tile_leave_partial_sums() -> None:
    """14,336 rows are 112 blocks, a tile holds 96: two or three tiles have parts of a column block."""
    found = tile(linear(14_336, 64), layout_of(ISAAC), 12)
    assert found.tiles == -(-112 * 4 // 96)
    assert found.partial_tiles in (2, 3)


@given(
    machine=st.sampled_from([ISAAC, NL_DPE]),
    rows=st.integers(1, 5000),
    cols=st.integers(1, 3000),
    cores=st.sampled_from([1, 2, 3, 12]),
)
def test_every_weight_has_one_place(machine: Machine, rows: int, cols: int, cores: int) -> None:
    lay = layout_of(machine)
    found = tile(linear(rows, cols), lay, cores)
    loads = found.loads
    assert sum(number for _, number in loads) == found.tiles
    assert sum(load.arrays.total * number for load, number in loads) == found.blocks * lay.arrays_per_block
    assert sum(load.drives.total * number for load, number in loads) == rows * found.col_blocks * lay.arrays_per_block
    converted = sum(load.conversions.total * number for load, number in loads)
    assert converted == cols * found.row_blocks * lay.conversions_per_output
    for load, _ in loads:
        assert load.arrays.peak <= lay.arrays
        assert load.inputs.total >= load.tile_inputs
        assert load.outputs.total >= load.tile_outputs
        assert load.inputs.peak <= min(rows, lay.blocks * lay.crossbar.rows)
    if found.partial_tiles == 1:
        assert sum(load.tile_outputs * number for load, number in loads) == cols
        assert all(load.tile_inputs == rows for load, _ in loads)


@pytest.mark.parametrize(("rows", "cols"), [(1 << 24, 64), (64, 1 << 29)])
def test_a_matrix_of_too_many_blocks_is_refused(rows: int, cols: int) -> None:
    with pytest.raises(ArchsimError, match="blocks of arrays; expected at most 16,384 x 2,097,152"):
        tile(linear(rows, cols), layout_of(load_machine("isaac")), 12)
