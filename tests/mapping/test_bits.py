"""Bits of each projection: how much room its weights take, and how long its inputs."""

import json
from math import ceil

import pytest

from archsim.errors import ArchsimError, UsageError
from archsim.graph import load_model
from archsim.graph.job import Job
from archsim.machine import load_machine
from archsim.machine.fits import layout
from archsim.machine.load import change
from archsim.mapping.bits import Bits, as_setting, bits_of, uniform
from archsim.mapping.placement import place
from archsim.simulation import simulate
from archsim.works import works
from tests.core.small import small

LRMP = load_machine("lrmp_chip")
ONE = Job(seq=1)


@pytest.mark.parametrize(
    ("model", "tiles"), [("resnet-18", 1608), ("resnet-34", 2968), ("resnet-50", 3376), ("resnet-101", 5688)]
)
def test_a_tile_for_each_bit_of_a_weight(model: str, tiles: int) -> None:
    """Weight bits x rows / 256 x columns / 256, each rounded up."""
    graph = load_model(model)
    for weights in (8, 6, 5, 1):
        bits = {linear.key: Bits(weights, 8) for linear in graph.linears}
        found = works(LRMP, graph, ONE, bits)
        assert sum(work.tiles for work in found) == weights * tiles // 8
        assert [work.tiles for work in found] == [
            weights * ceil(linear.in_features / 256) * ceil(linear.out_features / 256) for linear in graph.linears
        ]


def test_each_bit_of_an_input_is_a_read() -> None:
    """256 rows, nine at a time, are 29 reads; 64 columns on 32 converters 58 conversions, for which the array waits."""
    graph = load_model("resnet-18")
    times = {}
    for inputs in (8, 5, 1):
        found = works(LRMP, graph, ONE, {"2 conv/product": Bits(8, inputs)})
        times[inputs] = next(work for work in found if work.name == "2 conv/product").time
    assert times == {n: pytest.approx(n * (29 + 58) * 1_000_000 / 192, rel=1e-5) for n in times}


def test_slices_beside_each_other_make_room_for_more_outputs() -> None:
    """8 columns of 2 bits: 4-bit weights take two columns, 2-bit ones one; in arrays, half as many arrays a block."""
    of = {"columns": [(4, 1), (8, 1)], "arrays": [(8, 2), (8, 1)]}
    for where, expected in of.items():
        machine = small(slices_in=where, xbars=2, dacs=16)
        core = machine.modules[machine.core]
        found = [layout(core, machine.parts, machine.precision, weights) for weights in (4, 2)]
        assert [(lay.outputs_per_block, lay.arrays_per_block) for lay in found] == expected


def test_slices_in_cores_take_as_many_cores_and_are_combined_digitally() -> None:
    """4-bit weights in cells of 2 bits: two cores, each with the columns of all outputs."""
    machine = small(slices_in="cores")
    lay = layout(machine.modules[machine.core], machine.parts, machine.precision)
    assert (lay.outputs_per_block, lay.arrays_per_block, lay.cores_per_block, lay.conversions_per_output) == (
        8,
        1,
        2,
        1,
    )
    with pytest.raises(ArchsimError, match=r"combine\.slices: found analog; slices that lie in several cores"):
        small(slices_in="cores", slices="analog")


def test_the_machines_own_bits_change_nothing() -> None:
    graph = load_model("lenet-5")
    same = change(LRMP, (as_setting(uniform(LRMP, graph, "w8a8")),))
    before, after = simulate(LRMP, graph), simulate(same, graph)
    assert (after.latency_s, after.energy_j) == (before.latency_s, before.energy_j)
    assert after.operators == before.operators


def test_fewer_bits_are_faster_and_spend_less() -> None:
    """In a run too, at both grains."""
    graph = load_model("lenet-5")
    narrow = change(LRMP, (as_setting(uniform(LRMP, graph, "w4a4")),))
    for grain in ("projection", "core"):
        before, after = simulate(LRMP, graph, grain=grain), simulate(narrow, graph, grain=grain)
        assert after.latency_s < before.latency_s
        assert after.energy_j < before.energy_j


@pytest.mark.parametrize("turned", [1, -1])
def test_a_projection_goes_before_its_layer_which_says_what_it_leaves_out(turned: int) -> None:
    settings = {"1 conv": {"weights": "4 b", "inputs": "5 b"}, "1 conv/product": {"inputs": "3 b"}}
    machine = change(LRMP, (f"mapping.bits={json.dumps(dict([*settings.items()][::turned]))}",))
    found = bits_of(machine, load_model("resnet-18"))
    assert found["1 conv/product"] == Bits(4, 3)
    assert found["2 conv/product"] == Bits(8, 8)
    tiling = place(machine, load_model("resnet-18"), ONE).placed["1 conv/product"].tiling
    assert (tiling.tiles, tiling.inputs, tiling.layout.weights) == (4, 3, 4)


@pytest.mark.parametrize("name", ["layer 0/qkv", "layer 0"])
def test_names_of_projections_that_digital_units_do_change_nothing(name: str) -> None:
    """All of them, or a part of their channels."""
    graph = load_model("bert-tiny")
    for share in ("1", "0.5"):
        machine = load_machine("hetero_512", (f"mapping.digital={{layer 0: {share}}}",))
        given = change(machine, (f'mapping.bits={{{name}: {{inputs: "{machine.precision.inputs} b"}}}}',))
        assert simulate(given, graph, seq=4).latency_s == simulate(machine, graph, seq=4).latency_s


def test_what_cannot_be() -> None:
    with pytest.raises(
        ArchsimError, match=r"mapping\.bits\.1 conv\.weights: found 9 b; expected at most the machine's 8"
    ):
        change(LRMP, ('mapping.bits={"1 conv": {weights: 9 b}}',))
    with pytest.raises(ArchsimError, match=r"found '40', a bare number; expected a number of bits .*such as '8 b'"):
        change(LRMP, ('mapping.bits={"1 conv": {weights: 40}}',))
    wrong = change(LRMP, ('mapping.bits={"1 con": {weights: 6 b}}',))
    with pytest.raises(ArchsimError, match=r"has no such projection\. Did you mean '1 conv'"):
        place(wrong, load_model("resnet-18"), ONE)
    wrong = change(LRMP, ('mapping.bits={"1 conv/relu": {weights: 6 b}}',))
    with pytest.raises(ArchsimError, match=r"1 conv/relu: has no weights, so no bits of them"):
        place(wrong, load_model("resnet-18"), ONE)
    for text in ("w6", "6,6", "w0a4", "w6a6b"):
        with pytest.raises(UsageError, match="expected bits of weights and inputs, such as w6a5"):
            uniform(LRMP, load_model("resnet-18"), text)
