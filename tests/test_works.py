"""What a search is told of projections, beside the simulator."""

import pytest

from archsim.graph import load_model
from archsim.graph.job import Job
from archsim.machine import load_machine
from archsim.machine.load import change
from archsim.mapping.bits import Bits, as_setting, uniform
from archsim.simulation import simulate
from archsim.works import works

LRMP = load_machine("lrmp_chip")


def test_energy_is_that_of_a_run() -> None:
    """Of products by their bits, and of all that stands beside them; nothing in this chip leaks."""
    graph = load_model("resnet-18")
    for text in ("w8a8", "w6a5"):
        bits = uniform(LRMP, graph, text)
        ran = simulate(change(LRMP, (as_setting(bits),)), graph)
        said = sum(work.energy for work in works(LRMP, graph, Job(seq=1), bits))
        # what moves to a projection is written with its bits, which `works` leaves out
        assert said * 1e-21 == pytest.approx(ran.energy_j, rel=0 if text == "w8a8" else 0.01)


def test_times_are_near_those_of_runs() -> None:
    """ResNet-18 without copies: an input after the other exactly, one alone within 1 %."""
    graph = load_model("resnet-18")
    found = works(LRMP, graph, Job(seq=1))
    one, two = (simulate(LRMP, graph, batch=batch).latency_s for batch in (2, 4))
    assert max(work.pace(1) for work in found) * 1e-12 == pytest.approx((two - one) / 2, rel=1e-9)
    alone = simulate(change(LRMP, ("mapping.order=sequential",)), graph).latency_s
    assert sum(work.at(1) for work in found) * 1e-12 == pytest.approx(alone, rel=0.01)


def test_what_is_known_of_a_projection_is_not_found_again() -> None:
    graph, job = load_model("lenet-5"), Job(seq=1)
    bits = {linear.key: Bits(4, 4) for linear in graph.linears}
    first, again = works(LRMP, graph, job, bits), works(LRMP, graph, Job(seq=1), dict(bits))
    assert all(one is other for one, other in zip(first, again, strict=True))
    assert works(change(LRMP, (as_setting(bits),)), graph, job)[0].tiles == first[0].tiles
