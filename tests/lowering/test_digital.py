"""Projections that digital units do, whole or a share of their channels: by hand, and what never changes."""

import re
from fractions import Fraction
from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.core.timing import Timer
from archsim.errors import ArchsimError
from archsim.graph import Graph, load_model
from archsim.graph.job import Job, make_job
from archsim.graph.load import build as build_model
from archsim.lowering.counting import count_tokens
from archsim.lowering.lower import lower
from archsim.machine import Machine, load_machine
from archsim.machine.load import change
from archsim.machine.source import parse
from archsim.mapping.digital import digital_channels, placement
from archsim.mapping.placement import place
from archsim.program.simpy import play
from archsim.report.tables import write_result
from archsim.result.result import Result
from archsim.simulation import simulate
from tests.lowering.machines import equal_stages, meshed, tiny
from tests.lowering.runs import counts, run

NS, US = 1_000, 1_000_000
PAIR = """\
schema: archsim.network/1
name: net
input: [3, 4, 4]
layers: [conv: {out: 8, kernel: 1}, conv: {out: 8, kernel: 1}]
"""
CLOSE = "{class: sram, size: 64 KiB, width: 64 b, read: {interval: READ, energy: 1 pJ}, write: {interval: 1 ns}}"


def pair() -> Graph:
    return build_model(parse(PAIR, "net.yaml"))


def units(base: Machine, *more: str, read: str = "100 ns") -> Machine:
    """With a recipe, and a memory of words of 64 b for the weights."""
    memory = f"parts.close={CLOSE.replace('READ', read)}"
    own = (memory, "modules.chip.parts.close=1", "digital_weights=close")
    return change(base, (*own, "recipes.dense=[{multiply_accumulate: mac}]", *more))


def on(*more: str, read: str = "100 ns") -> Machine:
    return units(equal_stages(), *more, read=read)


def printed(result: Result) -> str:
    out = StringIO()
    write_result(result.to_dict(), out)
    return out.getvalue()


def test_one_of_two_is_digital() -> None:
    """16 pixels leave the first at 1, 2, … 16 us. The second reads 8 x 8 weights of 8 b for each: 8 words of 100 ns,
    while the unit takes 2 ps. The last is through at 16 us + 800 ns.
    """
    found = run(on('mapping.digital={"2 conv": 1}'), pair(), 1)
    assert found.makespan == 16 * US + 800 * NS
    counted = counts(found)
    assert (counted["chip.close.read"], counted["chip.mac.mac"], counted["core.xbar.read"]) == (16 * 8, 16 * 64, 16)


def test_a_memory_that_is_slower_than_arrays_sets_the_pace() -> None:
    """8 words of 200 ns are 1.6 us a pixel, from when the first is there: 1 + 16 x 1.6 us."""
    assert run(on('mapping.digital={"2 conv": 1}', read="200 ns"), pair(), 1).makespan == US + 16 * 1600 * NS


def test_a_split_works_in_both_at_once_and_its_readers_wait_for_both() -> None:
    """Half of the first: 4 channels in arrays, 1 us a pixel; 4 x 3 weights, 2 words, 1.2 us a pixel in the unit.

    The second takes 1 us more for the last pixel: 16 x 1.2 + 1 us.
    """
    found = run(on('mapping.digital={"1 conv": 1/2}', read="600 ns"), pair(), 1)
    assert found.makespan == 16 * 1200 * NS + US
    assert counts(found)["chip.mac.mac"] == 16 * 12


def test_in_sequence_the_parts_of_a_split_still_work_together() -> None:
    """16 us for both parts, then 16 us for the second convolution; in the unit, 3.2 us."""
    found = run(on('mapping.digital={"1 conv": 0.5}', "mapping.order=sequential"), pair(), 1)
    assert found.makespan == 32 * US


def test_nothing_in_arrays() -> None:
    """24 and 64 weights are 3 and 8 words: the memory reads one after the other, 11 words a pixel."""
    found = simulate(on('mapping.digital={"1 conv": 1, "2 conv": 1}'), pair(), seq=None, engine="simpy")
    assert found.latency_s == pytest.approx(16 * 11 * 100e-9)
    assert (found.analog_mac_share, found.digital_weight_bits) == (0.0, (24 + 64) * 8)


def test_without_digital_projections_nothing_is_said_of_them() -> None:
    found = simulate(on(), pair(), seq=None, engine="simpy")
    assert (found.analog_mac_share, found.digital_weight_bits) == (1.0, 0)
    assert "analog_MAC_share" not in printed(found)
    some = simulate(on('mapping.digital={"2 conv": 1}'), pair(), seq=None, engine="simpy")
    assert some.analog_mac_share == 24 / 88
    assert re.search(r"analog_MAC_share +27\.27 +%\ndigital_weight_size +512 +b\n", printed(some))


@settings(max_examples=40, deadline=None)
@given(st.fractions(Fraction(1, 1000), 1), st.fractions(Fraction(1, 1000), 1))
def test_a_split_loses_no_work_and_is_no_slower_than_the_worse_of_all_and_none(one: Fraction, two: Fraction) -> None:
    """On a machine whose arrays take as long for one channel as for all."""
    graph, job = pair(), make_job(pair(), "prefill", None, 0, 1)
    split = on(f'mapping.digital={{"1 conv": {one}, "2 conv": {two}}}', read="300 ns")
    whole = on('mapping.digital={"1 conv": 1, "2 conv": 1}', read="300 ns")
    mapped = place(split, graph, job).graph
    assert job.macs(mapped) == job.macs(graph)
    assert mapped.parameters == graph.parameters
    channels = digital_channels(one, 8), digital_channels(two, 8)
    found = placement(split, mapped, job)
    assert found.weight_bits == (3 * channels[0] + 8 * channels[1]) * 8
    assert found.analog_share == pytest.approx(1 - found.weight_bits / 8 / 88)
    worse = max(run(equal_stages(), graph, 1).makespan, run(whole, graph, 1).makespan)
    assert run(split, graph, 1).makespan <= worse


def test_the_unit_of_hetero_512() -> None:
    """4 positions, 768 x 768 weights of 9 b: 20,736 words of 256 b, 17.25 pJ each; 589,824 products, 0.333 pJ each.

    64 banks read a projection in 324 ns, 2,048 lanes need 288 ns. Tiles read one projection less.
    """
    machine = load_machine("hetero_512", ['mapping.digital={"layer 0/attention output": 1}'])
    graph = load_model("gpt2")
    played = run(machine, graph, 4)
    found = counts(played)
    assert found["chiplet.bank.read"] == 4 * 20_736
    assert found["chiplet.npu.mac"] == 4 * 589_824
    result = simulate(machine, graph, seq=4)
    energy = result.energy_by_part_j
    assert energy["chiplet.bank"] == pytest.approx(4 * 20_736 * 17.25e-12)
    assert energy["chiplet.npu"] == pytest.approx(4 * 589_824 * 0.333e-12)
    done = next(row for row in result.operators if row["operator"] == "layer 0/attention output")
    assert done["macs"] == 4 * 589_824
    assert done["end_s"] - done["start_s"] >= 4 * 324e-9
    assert any("read in bank for each position" in note for note in result.notes)


def test_shares_near_none_and_all() -> None:
    """At least one channel; all of them make one operator of the projection's name."""
    assert [digital_channels(Fraction(share), 8) for share in ("1e-3", "1/2", "0.95", "1")] == [1, 4, 8, 8]
    keys = place(on('mapping.digital={"1 conv": 0.97}'), pair(), Job(seq=1)).graph.by_key
    assert "1 conv/product digital" not in keys


@pytest.mark.parametrize("share", ["1", "0.5", "0.01"])
@pytest.mark.parametrize("base", [equal_stages, meshed])
def test_queries_keys_and_values_may_be_digital(base: object, share: str) -> None:
    """A step does what a row of a prompt does; the memories keep the same bits of keys and values."""
    machine = units(equal_stages() if base is equal_stages else meshed(), f'mapping.digital={{"layer 0/qkv": {share}}}')
    graph = tiny(2, architecture="decoder")
    fewer, more = counts(run(machine, graph, 8)), counts(run(machine, graph, 9))
    step = counts(run(machine, graph, 8, phase="decode", new_tokens=1))
    head = counts(run(machine, graph, 1)), counts(run(machine, graph, 1, phase="decode", new_tokens=1))
    assert head[0]["chip.mac.mac" if base is equal_stages else "digital.mac.mac"]
    mac = "chip.mac.mac" if base is equal_stages else "digital.mac.mac"
    assert more[mac] - fewer[mac] == step[mac]
    assert more["chip.close.read"] - fewer["chip.close.read"] == step["chip.close.read"]
    whole = place(change(machine, ["mapping.digital={layer 1/ffn up: 1}"]), graph, Job(seq=8)).homes
    homes = place(machine, graph, Job(seq=8)).homes
    kept = [home.per_position for key, home in homes.items() if key.startswith("layer 0/qkv")]
    assert sum(kept) == sum(home.per_position for key, home in whole.items() if key.startswith("layer 0/qkv"))


@pytest.mark.parametrize("share", ["1", "0.3"])
def test_tokens_are_counted_as_the_job_counts_them(share: str) -> None:
    machine = units(load_machine("isaac"), "parts.close.size=128 MiB", f"mapping.digital={{layer 3: {share}, head: 1}}")
    mapping = place(machine, load_model("gpt2"), Job(seq=24))
    counted = count_tokens(mapping, 24, Timer(machine))
    done = play(lower(mapping, make_job(mapping.graph, "generate", 17, 8, 1), Timer(machine)))
    found = counted.of_request(np.array([17]), np.array([8])).tolist()
    whole = dict(zip(done.program.actions, done.counts().sum(axis=0).tolist(), strict=True))
    assert dict(zip(counted.actions, found, strict=True)) == whole


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("mapping.digital={2 con: 1}", "mapping.digital.2 con: net has no such projection. Did you mean '2 conv'?"),
        ("mapping.digital={2 conv: -1}", "mapping.digital.2 conv: found '-1'; it must not be negative"),
        ("mapping.digital={2 conv: 1.5}", "mapping.digital.2 conv: found '1.5'; expected a share from 0 to 1"),
        ("parts.close.size=100 b", "need 512 b on a chip, close has 100 b. Try parts.close.size: 512 b, or fewer in"),
        ("mapping.copies={2 conv: 2}", "mapping.copies.2 conv: has no weights in arrays, so no copies of them"),
        ("chips.split=projections", "mapping.digital: goes with chips.split: layers alone"),
        ("digital_weights=mac", "digital_weights: found 'mac'; expected a memory. Known: close."),
    ],
)  # fmt: skip
def test_faults(more: str, message: str) -> None:
    wanted = () if "mapping.digital" in more else ("mapping.digital={2 conv: 1}",)
    with pytest.raises(ArchsimError) as error:
        run(on(*wanted, more), pair(), 1)
    assert message in str(error.value)


def test_a_machine_that_lacks_what_it_takes_says_so() -> None:
    with pytest.raises(ArchsimError) as error:
        change(equal_stages(), ["mapping.digital={2 conv: 1}"])
    assert "mapping.digital: no memory holds the weights; expected digital_weights: MEMORY" in str(error.value)
    assert "expected recipes.dense: [multiply_accumulate: PART], or a 'digital' unit that does it" in str(error.value)


def test_groups_are_not_parted() -> None:
    grouped = PAIR.replace("conv: {out: 8, kernel: 1}]", "conv: {out: 8, kernel: 1, groups: 2}]")
    graph = build_model(parse(grouped, "net.yaml"))
    assert run(on("mapping.digital={2 conv: 1}"), graph, 1).makespan == 16 * US + 400 * NS
    with pytest.raises(ArchsimError, match=r"found a share of 2 groups of channels; expected 1, all of them"):
        run(on("mapping.digital={2 conv: 0.5}"), graph, 1)
