"""Bursts are short for their actions one by one: latency L + (n - 1) I, occupancy n I."""

from hypothesis import given
from hypothesis import strategies as st

from archsim.core.compose import compose
from archsim.core.timing import measure
from archsim.machine import load_machine
from tests.core.small import small
from tests.core.test_timetables import load_of


@given(
    convert=st.sampled_from(["3 ns", "0.7 ns", "781.25 ps", "10 ns", "1 ps"]),
    first=st.sampled_from(["3 ns", "9.1 ns", "500 ps"]),
    add=st.sampled_from(["1 ns", "390.625 ps", "333 ps"]),
    adcs=st.sampled_from([1, 2, 4, 8]),
    read=st.sampled_from([1, 10, 37]),
    dac_bits=st.sampled_from([1, 2, 3, 4]),
    inputs=st.sampled_from([1, 4, 7, 8]),
    path=st.sampled_from(
        ["ir > dac + xbar + sh > adc > sa", "ir > dac + xbar > adc > sa", "ir > dac > xbar + sh > adc + sa"]
    ),
    cycle=st.sampled_from(["", "cycle: 16 ns", "cycle: 1.7 ns"]),
)
def test_bursts_equal_their_actions(**changes: object) -> None:
    machine = small(**changes)
    path, load = compose(machine, with_tile=True), load_of(machine)
    burst, each = measure(path, load), measure(path, load, each_action=True)
    assert (burst.latency, burst.interval, burst.counts) == (each.latency, each.interval, each.counts)
    passes = [finish - start for mvm, _, _, start, finish in burst.timeline if mvm == 0]
    assert burst.latency >= max(passes)
    reads = [finish - start for mvm, stage, _, start, finish in burst.timeline if mvm == 0 and "xbar" in stage]
    assert burst.interval >= sum(reads)


def test_isaac_burst_by_burst_and_action_by_action() -> None:
    machine = load_machine("isaac")
    path, load = compose(machine, with_tile=True), load_of(machine)
    burst, each = measure(path, load), measure(path, load, each_action=True)
    assert (burst.latency, burst.interval, burst.counts) == (each.latency, each.interval, each.counts)
    assert len(each.timeline) > 100 * len(burst.timeline) / 2
