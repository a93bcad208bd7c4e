"""Projections split over chips."""

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.job import Job
from archsim.machine import load_machine
from archsim.mapping.placement import place
from tests.lowering.runs import counts, run

BERT = load_model("bert-base")


@pytest.mark.parametrize("chips", [1, 3, 4])
def test_every_chip_has_its_part_of_every_projection(chips: int) -> None:
    """ISAAC's tiles of a layer are 9, 3, 12 and 12; 12 layers and a pooler of 3 tiles: 435, on 3 chips of 168."""
    if chips == 1:
        machine = load_machine("isaac", ["chips.split=projections", "chips.count=1"])
        with pytest.raises(ArchsimError, match=r"need 435 tiles, 1 chips have 168\. Try more chips"):
            place(machine, BERT, Job())
        return
    machine = load_machine("isaac", ["chips.split=projections", f"chips.count={chips}"])
    mapping = place(machine, BERT, Job())
    qkv = mapping.placed["layer 5/qkv"]
    assert [number for _, _, number in qkv.runs] == {3: [3, 3, 3], 4: [3, 3, 3]}[chips]
    taken: set[tuple[int, int]] = set()
    for placed in mapping.placed.values():
        assert sum(number for _, _, number in placed.runs) == placed.tiling.tiles
        for chip, first, number in placed.runs:
            tiles = {(chip, tile) for tile in range(first, first + number)}
            assert not taken & tiles
            assert first + number <= 168
            taken |= tiles
    assert {group.chip for group in mapping.groups.values()} == set(range(chips))


def test_the_same_is_computed_and_more_is_sent() -> None:
    """Reads and conversions are those of whole layers on chips; links carry more."""
    split, whole = (
        counts(run(load_machine("isaac", [f"chips.split={how}", "chips.count=3"]), BERT, 4))
        for how in ("projections", "layers")
    )
    for action in ("core.xbar.read", "core.adc.convert", "digital.mac.mac", "digital.vector.special"):
        assert split[action] == whole[action]
    assert split["chip.hypertransport.send"] > 10 * whole["chip.hypertransport.send"]


def test_rows_of_several_tiles_stay_on_one_chip() -> None:
    """LLaMA's 14,336 rows are 56 blocks of NL-DPE, 8 of which fit a tile: 7 tiles in a row belong together."""
    machine = load_machine("nl_dpe", ["chips.split=projections"])
    mapping = place(machine, load_model("llama-3.1-8b"), Job(seq=16))
    down = mapping.placed["layer 3/ffn down"]
    assert down.tiling.partial_tiles > 1
    assert all(number % down.tiling.partial_tiles == 0 for _, _, number in down.runs[:-1])
