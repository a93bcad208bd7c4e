"""What goes on to the next chip: positions one by one, or whole sequences."""

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.lowering import moves
from archsim.machine import Machine, load_machine
from tests.lowering.machines import HERE, machine, tiny
from tests.lowering.runs import all_times, run

T = 1_000_000
"""Interval of every projection of the machine with equal stages, ps."""


def a_layer_a_chip(hands_over: str, cores: int = 5) -> Machine:
    """Equal stages, on chips that have room for one layer: five cores of an encoder's."""
    text = (HERE / "equal_stages.yaml").read_text().replace("core: 64,", f"core: {cores}, c2c: 1,")
    link = "  c2c: {class: link, width: 8192 b, send: {interval: 2 ps}}\nmodules:\n"
    return machine(
        text.replace("modules:\n", link) + f"chips: {{link: c2c, hands_over: {hands_over}}}\ndigital: vector\n"
    )


def test_positions_go_on_one_by_one_or_when_all_are_done() -> None:
    """Three layers of four projections, S = 16.

    One by one, as on one chip: S + 2 (S + 3) + S + 2 = 4 S + 8. In whole sequences each layer begins when the one
    before is through: qkv of all positions, then the last position's other projections: 3 (2 S + 2) = 6 S + 6.
    """
    seq = 16
    for hands_over, steps in (("positions", 4 * seq + 8), ("sequences", 6 * seq + 6)):
        played = run(a_layer_a_chip(hands_over), tiny(3), seq)
        assert played.makespan == pytest.approx(steps * T, rel=1e-3)


def test_each_sequence_goes_on_by_itself() -> None:
    """Two sequences of 8: the second one's qkv, 8 T, is done while the first is at its other projections."""
    played = run(a_layer_a_chip("sequences"), tiny(2), 8, batch=2)
    _, done = all_times(played, "layer 0/ffn norm")
    start, _ = all_times(played, "layer 1/qkv")
    for sequence in (slice(0, 8), slice(8, 16)):
        assert start[sequence].min() >= done[sequence].max()
    assert start[0] < done[15]


def test_a_token_after_the_prompt_goes_on_by_itself() -> None:
    """Else the second token would wait for the third, which is made from it."""
    model = tiny(2, architecture="decoder")
    one, whole = (
        run(a_layer_a_chip(each, cores=7), model, 4, phase="generate", new_tokens=3)
        for each in ("positions", "sequences")
    )
    assert whole.makespan > one.makespan
    start, _ = all_times(whole, "layer 1/qkv")
    _, done = all_times(whole, "layer 0/ffn norm" if "layer 0/ffn norm" in whole.program.kinds else "layer 0/ffn add")
    assert start[:4].min() >= done[:4].max()
    assert (np.diff(start[3:]) > 0).all()


def test_what_is_split_over_all_chips_is_not_handed_over() -> None:
    settings = ("chips.hands_over=sequences", "chips.split=projections")
    with pytest.raises(ArchsimError, match=r"chips\.hands_over: goes with split: layers alone"):
        load_machine("isaac", settings)
    with pytest.raises(ArchsimError, match=r"chips\.hands_over: .*expected .*positions"):
        load_machine("isaac", ("chips.hands_over=sequence",))


@pytest.mark.parametrize(
    ("bound", "needed", "what"),
    [("MOST_STEPS", 36, "steps of transfers for a position"), ("MOST_TASKS", 36 * 16, "tasks of transfers")],
)
def test_too_many_steps_of_transfers_are_refused(
    monkeypatch: pytest.MonkeyPatch, bound: str, needed: int, what: str
) -> None:
    """Three layers, a chip each. The first has 10 moves within its chip.

    The others have 9, and take in the result before at their projection and at their addition, in two steps each: a
    channel and a link.
    """
    monkeypatch.setattr(moves, bound, needed)
    run(a_layer_a_chip("positions"), tiny(3), 16)
    monkeypatch.setattr(moves, bound, needed - 1)
    with pytest.raises(ArchsimError, match=f"more than {needed - 1} {what}; expected fewer"):
        run(a_layer_a_chip("positions"), tiny(3), 16)
