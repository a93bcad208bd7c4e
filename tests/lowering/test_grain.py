"""The usual grain, tiles in step, against a task for every core."""

import pytest

from archsim.machine import load_machine
from tests.lowering.machines import tiny
from tests.lowering.runs import counts, run


@pytest.mark.parametrize("name", ["isaac", "nl_dpe"])
def test_one_layer_core_by_core(name: str) -> None:
    """One layer of BERT-base's sizes: within 5 % in time, and the same actions of the analog parts."""
    machine, model = load_machine(name), tiny(1, hidden=768, ffn=3072)
    usual, fine = run(machine, model, 24), run(machine, model, 24, grain="core")
    assert fine.makespan == pytest.approx(usual.makespan, rel=0.05)
    assert fine.program.n_tasks > 3 * usual.program.n_tasks
    for action in ("core.dac.drive", "core.xbar.read", "core.adc.convert", "core.acam.convert", "tile.tile_sa.add"):
        assert counts(fine).get(action) == counts(usual).get(action)
