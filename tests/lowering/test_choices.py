"""What a file chooses of its mapping: copies of weights, operators in order, tiles in turn, depth-wise ones elsewhere.

Two convolutions of 1 x 1 over 4 x 4 pixels on a machine where a projection takes 1 us a position: one after the other
as pixels come, they are through at 17 us (16 pixels, and the second is one behind).
"""

import pytest

from archsim.errors import ArchsimError
from archsim.graph import Graph
from archsim.graph.job import Job
from archsim.graph.load import build as build_model
from archsim.machine import Machine
from archsim.machine.load import change
from archsim.machine.source import parse
from archsim.mapping.placement import place
from tests.lowering.machines import equal_stages
from tests.lowering.runs import all_times, counts, run

US = 1_000_000


def net(*layers: str) -> Graph:
    text = "schema: archsim.network/1\nname: net\ninput: [3, 4, 4]\nlayers:\n" + "".join(
        f"  - {each}\n" for each in layers
    )
    return build_model(parse(text, "net.yaml"))


def pair(wide: int = 8) -> Graph:
    return net(f"conv: {{out: {wide}, kernel: 1}}", "conv: {out: 8, kernel: 1}")


def on(*settings: str) -> Machine:
    return change(equal_stages(), settings)


def test_without_choices() -> None:
    assert run(equal_stages(), pair(), 1).makespan == 17 * US


def test_copies_work_on_as_many_positions_at_a_time() -> None:
    """Four copies of the first: its last pixel is there at 4 us, and the second still takes 16 from the first, at 1 us.

    Four of both: four pixels leave each microsecond, 5 us in all. Counts stay the same.
    """
    assert run(on('mapping.copies={"1 conv": 4}'), pair(), 1).makespan == 17 * US
    both = run(on('mapping.copies={"1 conv": 4, "2 conv": 4}'), pair(), 1)
    assert both.makespan == 5 * US
    assert counts(both) == counts(run(equal_stages(), pair(), 1))


def test_copies_have_tiles_of_their_own() -> None:
    """64 inputs take two arrays of 32 rows: three copies of the second take 6 tiles, the first has the one before."""
    found = place(on('mapping.copies={"2 conv/product": 3}'), pair(64), Job(seq=1)).placed["2 conv/product"]
    assert found.tiling.copies == 3
    assert sum(number for _, _, number in found.runs) == 6
    assert sum(number for _, _, number in found.first_copy) == 2


def test_greedy_copies_the_slowest_while_there_is_room() -> None:
    """64 cores: 16 copies each, one a pixel, are enough; on 9 the first has 5 and the second 4 (ties: the first)."""
    assert run(on("mapping.replicate=greedy"), pair(), 1).makespan == 2 * US
    few = place(on("mapping.replicate=greedy", "modules.chip.parts.core=9"), pair(), Job(seq=1))
    assert [each.tiling.copies for each in few.placed.values()] == [5, 4]
    fixed = place(
        on("mapping.replicate=greedy", "modules.chip.parts.core=9", 'mapping.copies={"2 conv": 6}'), pair(), Job(seq=1)
    )
    assert [each.tiling.copies for each in fixed.placed.values()] == [3, 6]


def test_sequential_operators_wait_for_each_other() -> None:
    """16 us, then 16 us; a batch of two: 32, then 32."""
    assert run(on("mapping.order=sequential"), pair(), 1).makespan == 32 * US
    assert run(on("mapping.order=sequential"), pair(), 1, 2).makespan == 64 * US


def test_recurrent_layers_in_sequence() -> None:
    """Each position waits for the one before, so that there is nothing to run in sequence but the steps of one."""
    text = "schema: archsim.network/1\nname: s\ninput: 8\npositions: 10\nlayers: [lstm: {out: 8}, linear: {out: 4}]"
    model = build_model(parse(text, "s.yaml"))
    assert run(on("mapping.order=sequential"), model, 10).makespan >= run(equal_stages(), model, 10).makespan


def test_tiles_in_turn() -> None:
    """All tiles of the chip share one turn: 16 us of each projection, and 2 x 16 of one that lies on two tiles."""
    turns = on("modules.chip.one_at_a_time=true")
    assert run(turns, pair(), 1).makespan == 32 * US
    assert run(turns, pair(64), 1).makespan == 48 * US + 1  # partial sums of two tiles are added in a picosecond


def test_products_that_do_not_overlap() -> None:
    """A product is 1 us of reading, then 10 ns of conversion: 16 pixels, one after the other, are 16.16 us."""
    hold = "parts.sh={class: sample_hold, sample: {interval: 1 us}}"
    split = (hold, "modules.core.parts.sh=64", "modules.core.path=xbar + sh > adc")
    assert run(on(*split), net("conv: {out: 8, kernel: 1}"), 1).makespan == 16 * US + 10_000
    apart = on(*split, "modules.core.overlap=false")
    assert run(apart, net("conv: {out: 8, kernel: 1}"), 1).makespan == 16 * (US + 10_000)


def test_some_rows_at_a_time() -> None:
    """32 inputs, 9 rows a read: four reads of 1 us, each with its conversions, and 9 / 32 of a read's energy."""
    adder = ("parts.sa={class: shift_add, add: {interval: 1 ps}}", "modules.core.parts.sa=64")
    few = on("parts.xbar.rows_per_read=9", *adder, "modules.core.path=xbar + adc > sa")
    played = run(few, net("conv: {out: 32, kernel: 1}", "conv: {out: 8, kernel: 1}"), 1)
    starts, _ = all_times(played, "2 conv/product")
    assert int(starts[1] - starts[0]) == 4 * US
    assert counts(played)["core.xbar.read"] == 16 * (1 + 4)
    assert counts(played)["core.adc.convert"] == 16 * (32 + 4 * 8)
    assert few.parts["xbar"].cost("read").energy == round(10 * 9 / 32 * 1e9)
    with pytest.raises(ArchsimError, match="'rows_per_read' is more than 'rows'"):
        on("parts.xbar.rows_per_read=33")


def test_an_activation_in_passing() -> None:
    """16 pixels at 1 us, and 10 ns of the last in the unit: 8 results, 10 ns apart, keep pace; 100 ns apart they
    do. At 200 ns they do not: 8 of them take 1.6 us a pixel, and 15 such follow each other before the last product.
    """
    model = net("conv: {out: 8, kernel: 1}", "relu")

    def through(time: str) -> Machine:
        unit = f"parts.unit={{class: function, evaluate: {{interval: {time}}}}}"
        return on(
            unit, "modules.core.parts.unit=1", "modules.core.path=xbar + adc > unit", "recipes.relu=[{relu: unit}]"
        )

    assert run(through("10 ns"), model, 1).makespan == 16 * US + 10_000
    assert run(through("100 ns"), model, 1).makespan == 16 * US + 100_000
    assert run(through("200 ns"), model, 1).makespan == 15 * 1_600_000 + US + 200_000
    assert counts(run(through("10 ns"), model, 1))["core.unit.evaluate"] == 8 * 16


def test_partial_sums_in_a_chain() -> None:
    """128 inputs lie on four arrays: three hops of 7 ns after the product; gathered, 24 flits, 2 ns apart."""
    model = net("conv: {out: 128, kernel: 1}", "conv: {out: 8, kernel: 1}")
    router = "parts.r={class: router, width: 8 b, ports: 4, hop: {interval: 2 ns, latency: 7 ns}}"
    meshed = (router, "modules.chip.parts.r=64", "modules.chip.mesh={router: r, columns: 8, partial_sums: chain}")
    chain, apart = on(*meshed), on(*meshed, "modules.chip.mesh.partial_sums=gather")
    times = [all_times(run(machine, model, 1), "2 conv/product") for machine in (chain, apart)]
    assert [int(end[0] - start[0]) for start, end in times] == [US + 3 * 7_000, US + 7_000 + 23 * 2_000]


def test_depthwise_convolutions_have_a_recipe_of_their_own() -> None:
    """8 channels, 9 products each, at 16 pixels: 1,152 in the unit; arrays read for the 1 x 1 convolution alone, else
    for 72 rows too, on three arrays.
    """
    model = net("conv: {out: 8, kernel: 1}", "conv: {kernel: 3, pad: 1, groups: depthwise}")
    found = counts(run(on("recipes.depthwise=[{multiply_accumulate: mac}]"), model, 1))
    assert found["chip.mac.mac"] == 8 * 9 * 16
    assert found["core.xbar.read"] == 16
    assert counts(run(equal_stages(), model, 1))["core.xbar.read"] == 16 + 3 * 16


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (('mapping.copies={"1 con": 2}',), "mapping.copies.1 con: net has no such projection. Did you mean '1 conv'?"),
        (
            ("mapping.replicate=greedy", "chips.split=projections"),
            "mapping.replicate: goes with chips.split: layers alone",
        ),
        (("modules.core.one_at_a_time=true",), "modules.core.one_at_a_time: is of no use here; expected in a module"),
        (("mapping.replicate=greedy", "mapping.pack=true"), "mapping.replicate: does not go with mapping.pack"),
        (
            ("mapping.replicate=greedy", "modules.chip.one_at_a_time=true"),
            "mapping.replicate: does not go with tiles that work one at a time",
        ),
        (("mapping.order=serial",), "mapping.order: found 'serial'; expected 'pipelined' or 'sequential'"),
        (("modules.chip.overlap=false",), "modules.chip.overlap: is of no use here; expected in 'core'"),
        (("modules.chip.one_at_a_time=perhaps",), "modules.chip.one_at_a_time: found 'perhaps'"),
    ],
)
def test_what_is_wrong_is_said(settings: tuple[str, ...], message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        run(on(*settings), pair(), 1)
    assert message in str(caught.value)
