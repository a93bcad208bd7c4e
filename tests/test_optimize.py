"""Copies for a goal, played: what is predicted and simulated before and after, and what the file says of it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.graph import Graph
from archsim.graph.job import Job, make_job
from archsim.machine import load_machine
from archsim.machine.load import change
from archsim.mapping.bits import uniform
from archsim.optimize import optimize
from archsim.report.optimize import data, optimize_blocks
from archsim.simulation import simulate
from tests.end_to_end.command import archsim

LRMP = load_machine("lrmp_chip")
NET = "schema: archsim.network/1\nname: net\ninput: [3, 8, 8]\nlayers: [conv: {out: 8, kernel: 3}, linear: {out: 4}]\n"
GREEDY = (
    "extends: lrmp_chip\nschema: archsim.machine/1\nname: greedy\nsource: made up\nstatus: assumed\n"
    "mapping: {replicate: greedy, copies: {1 conv: 3}}\n"
)


@pytest.fixture
def net(tmp_path: Path) -> Graph:
    (tmp_path / "net.yaml").write_text(NET)
    return load_model(str(tmp_path / "net.yaml"))


def job(graph: Graph, batch: int = 1) -> Job:
    return make_job(graph, "prefill", None, 0, batch)


def test_time_between_two_inputs_by_hand(net: Graph) -> None:
    """192 MHz, nine rows a read, 8 bits of inputs, 32 columns a conversion; 36 positions of 27 rows and 8 columns: 3
    reads and a conversion each, 6 us an input. 5 copies have 8 positions each, 1.33 us; then the other layer is the
    slowest, 256 rows and 4 columns: 29 reads and 4 conversions, 1.375 us."""
    found = optimize(LRMP, net, job(net), "throughput", tiles=72)
    assert found.allotment.copies == {"1 conv/product": 5, "2 linear/product": 1}
    assert found.interval_s == pytest.approx((36 * 8 * (3 + 1) / 192e6, 8 * (29 + 4) / 192e6), rel=1e-4)
    assert (found.status, found.gap) == ("exact; a program's copies are as fast", 0)


def test_time_between_two_inputs_is_of_a_pipeline_that_is_filled(net: Graph) -> None:
    """Four batches less two; two less one are 2 % less here."""
    found = optimize(LRMP, net, job(net, 2), "throughput", tiles=72)
    one, two, four = (simulate(change(LRMP, found.settings), net, batch=batch).latency_s for batch in (2, 4, 8))
    assert found.interval_s is not None
    assert found.interval_s[1] == (four - two) / 4
    assert (two - one) / 2 < 0.99 * found.interval_s[1]


def test_of_a_batch_the_time_of_an_input_is_predicted() -> None:
    """Four inputs together, whose projections have four vectors and up to four copies; one waits for none."""
    graph = load_model("mlp-mnist")
    found = optimize(LRMP, graph, job(graph, 4), "throughput", tiles=300)
    said = data(found)
    for when in ("before", "after"):
        simulated, predicted = (
            said[how][f"{name}time an input"][when] for how, name in (("simulated", ""), ("predicted", "predicted "))
        )
        assert predicted == pytest.approx(simulated, rel=1e-6)
    assert len({work.vectors for work in found.works}) == 1 == found.works[0].vectors // 4


def test_where_nothing_changes_the_gain_is_1(net: Graph) -> None:
    for bits in (None, uniform(LRMP, net, "w8a8"), uniform(LRMP, net, "w4a4")):
        found = optimize(LRMP, net, job(net), "energy", bits=bits)
        assert found.single == found.allotment
        assert found.before.latency_s == found.after.latency_s
        assert found.in_turn_s[0] == found.in_turn_s[1]


def test_latency_one_after_another_is_that_of_such_runs() -> None:
    net = load_model("lenet-5")
    found = optimize(LRMP, net, job(net), "latency", tiles=200)
    after = change(LRMP, (*found.settings, "mapping.order=sequential"))
    assert found.in_turn_s[1] == simulate(after, net).latency_s > found.after.latency_s


def test_a_baseline_keeps_the_bits_of_the_machines_file(net: Graph) -> None:
    own = change(LRMP, ('mapping.bits={"1 conv": {weights: 4 b, inputs: 4 b}}',))
    found = optimize(own, net, job(net), "latency", bits=uniform(own, net, "w2a2"), baseline=True)
    assert found.before.latency_s == simulate(own, net).latency_s
    assert found.before.energy_j == simulate(own, net).energy_j < simulate(LRMP, net).energy_j


def test_simulated_far_from_predicted_is_told(net: Graph) -> None:
    found = optimize(LRMP, net, job(net), "latency", tiles=72)
    predicted = found.allotment.latency * 1e-12

    def note(times: float) -> str | None:
        rows = optimize_blocks(replace(found, in_turn_s=(1.0, times * predicted)))[1].rows
        return next((row[1] for row in rows if row[0] == "note"), None)

    assert (note(1.09), note(0.91)) == (None, None)
    assert note(0.8) == "simulated 20% below prediction"
    more = "; more copies have longer ways, so that fewer may be faster: try fewer --tiles"
    assert note(1.5) == f"simulated 50% above prediction{more}"


def test_more_tiles_than_the_chip_has_are_told_with_those_it_has() -> None:
    graph = load_model("resnet-20")
    with pytest.raises(ArchsimError, match=r"needs 2 chips.* have 5,688 tiles\. Try --tiles 5688\."):
        optimize(LRMP, graph, job(graph), "latency", tiles=8000)


def test_a_billion_tiles_are_no_more_than_are_of_use(net: Graph) -> None:
    """36 positions of 167 ns; two after each other take as long as transfers of all."""
    found = optimize(LRMP, net, job(net), "latency", tiles=10**9)
    assert found.allotment.copies == {"1 conv/product": 18, "2 linear/product": 1}


def test_without_scipy_the_exact_copies_stand_alone(net: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = optimize(LRMP, net, job(net), "latency", tiles=72)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    alone = optimize(LRMP, net, job(net), "latency", tiles=72)
    assert alone.allotment == checked.allotment
    assert alone.gap is None
    assert "pip install 'archsim[scipy]'" in alone.status


def test_the_file_says_all_that_the_machine_says_otherwise(net: Graph, tmp_path: Path) -> None:
    """The machine would replicate as it sees fit, and has three copies of a layer that gets one here."""
    del net
    (tmp_path / "greedy.yaml").write_text(GREEDY)
    words = ("greedy.yaml", "net.yaml", "--tiles", "24", "--json", "--out", "best.yaml")
    found = json.loads(archsim("optimize", *words, folder=tmp_path).stdout)
    assert set(found["copies"].values()) == {1}
    done = archsim("run", "greedy.yaml", "net.yaml", "--mapping", "best.yaml", "--json", folder=tmp_path)
    ran = json.loads(done.stdout)
    assert ran["latency_s"] == found["simulated"]["latency of a run"]["after"]
    assert ran["energy_j"] == found["simulated"]["energy"]["after"]
    bare = json.loads(archsim("run", "greedy.yaml", "net.yaml", "--json", folder=tmp_path).stdout)
    assert bare["latency_s"] < ran["latency_s"]
