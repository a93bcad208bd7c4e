"""Bursts are short for their actions one by one, and intervals are those of the long run, for all kinds of cores."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.core.compose import compose
from archsim.core.load import Amount, Load
from archsim.core.lower import lower
from archsim.core.passes import passes_of
from archsim.core.path import Path
from archsim.core.steady import steady
from archsim.core.timing import Timing, measure
from archsim.machine import load_machine
from archsim.program import check
from archsim.program.simpy import play
from tests.core.small import load_of, small

PATHS = (
    "ir > dac + xbar + sh > adc > sa",
    "ir > dac + xbar > adc > sa + or",
    "ir > dac > xbar + sh > adc + sa",
    "ir > dac + xbar > sh > adc + pr > sa + or > relu",
    "ir > dac + xbar + sh > adc + pr > sa + or",
    "ir > xbar + sh > adc > relu > sa",
    "dac + xbar + adc > sa",
    "ir > dac + xbar + adc + sa + or",
)
TILE_PATHS = (
    "",
    "memory + core > memory",
    "memory + bus + core > tsa + tr > relu > memory",
    "memory > bus + core > tr > tsa > bus + memory",
)
MACHINES = {
    "path": st.sampled_from(PATHS),
    "tile_path": st.sampled_from(TILE_PATHS),
    "convert": st.sampled_from(["3 ns", "0.7 ns", "781.25 ps", "10 ns", "1 ps", "0.3 ps"]),
    "first": st.sampled_from(["3 ns", "9.1 ns", "500 ps", "70 ns"]),
    "add": st.sampled_from(["1 ns", "390.625 ps", "333 ps", "7 ns"]),
    "fill": st.sampled_from(["interval: 1 ns", "latency: 90 ns, interval: 1 ns"]),
    "empty": st.sampled_from(["interval: 1 ns", "latency: 90 ns, interval: 2.5 ns"]),
    "adcs": st.sampled_from([1, 2, 4, 8]),
    "read": st.sampled_from([1, 10, 37]),
    "sample": st.sampled_from([1, 10]),
    "dac_bits": st.sampled_from([1, 2, 3, 4]),
    "inputs": st.sampled_from([1, 4, 7, 8]),
    "size": st.sampled_from([64, 100, 256]),
    "between": st.sampled_from([32, 64, 100]),
    "bits": st.sampled_from(["digital", "analog"]),
    "cycle": st.sampled_from(["", "cycle: 16 ns", "cycle: 1.7 ns"]),
    "tile_cycle": st.sampled_from(["", "10 ns"]),
}


@st.composite
def loads(draw: st.DrawFn) -> Load:
    """What the cores of a tile, one or two of an 8 x 8 array, may be asked for."""

    def amount(most: int) -> Amount:
        found = draw(st.lists(st.integers(1, most), min_size=1, max_size=2))
        return Amount(max(found), sum(found))

    outputs = amount(4)
    return Load(
        inputs=amount(8),
        drives=amount(8),
        arrays=Amount(1, 2),
        conversions=replace(outputs, peak=2 * outputs.peak, total=2 * outputs.total),
        outputs=outputs,
        tile_inputs=draw(st.integers(1, 16)),
        tile_outputs=draw(st.integers(1, 8)),
    )


def results(found: Timing) -> tuple[int, int, dict[str, int]]:
    return found.latency, found.interval, dict(found.counts)


@given(load=loads(), changes=st.fixed_dictionaries(MACHINES))
def test_bursts_equal_their_actions(load: Load, changes: dict[str, object]) -> None:
    """Latency, interval and counts; and bounds: no stage's pass is longer than all, none's work more than its share."""
    path = compose(small(**changes), with_tile=True)  # type: ignore[arg-type]
    burst, each = measure(path, load), measure(path, load, each_action=True)
    assert results(burst) == results(each)
    assert len(each.timeline) >= len(burst.timeline)
    assert burst.latency >= max(finish - start for mvm, *_, start, finish in burst.timeline if mvm == 0)
    assert burst.interval >= busiest(path, load)


def busiest(path: Path, load: Load) -> Fraction:
    """The most work of a part in one product, ps."""
    work: dict[tuple[int, str, str], Fraction] = {}
    for index, stage in enumerate(path.stages):
        for elements, times in ((stage.elements, path.reads if stage.per_read else 1), (stage.last, 1)):
            for element in elements:
                key = (index, element.key, element.action)
                work[key] = work.get(key, Fraction(0)) + times * element.burst(load).occupancy
    return max(work.values())


@settings(max_examples=60)
@given(load=loads(), changes=st.fixed_dictionaries(MACHINES))
def test_the_interval_is_that_of_the_long_run(load: Load, changes: dict[str, object]) -> None:
    """After a while, products come in rounds of some products and always the same time: that of as many intervals."""
    path = compose(small(**changes), with_tile=True)  # type: ignore[arg-type]
    lowered = lower(path, load, 150)
    check(lowered.program)
    run = play(lowered.program)
    done = [int(run.finish[task]) for task in lowered.closing]
    exact = steady(passes_of(path, load)).interval
    rounds = [n for n in range(1, 25) if done[-1] - done[-1 - n] == done[-1 - n] - done[-1 - 2 * n] == n * exact]
    assert rounds
    assert measure(path, load).interval - 1 < exact <= measure(path, load).interval


def test_isaac_burst_by_burst_and_action_by_action() -> None:
    machine = load_machine("isaac")
    path, load = compose(machine, with_tile=True), load_of(machine)
    burst, each = measure(path, load), measure(path, load, each_action=True)
    assert results(burst) == results(each)
    assert len(each.timeline) > 50 * len(burst.timeline)
