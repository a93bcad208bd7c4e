"""Cores without weights that functions are shared out to."""

from archsim import load_machine, simulate
from archsim.graph import load_model


def test_as_many_cores_as_there_are_take_no_time_to_share_out() -> None:
    """84 million cores: one after the other to the busiest function would take a minute."""
    few, many = (
        simulate(load_machine("nl_dpe", [f"modules.tile.parts.core={cores}"]), load_model("bert-tiny"), seq=8)
        for cores in (8, 100_000)
    )
    assert 0 < many.latency_s <= few.latency_s
