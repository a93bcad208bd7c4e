"""The interval of the long run, by hand where it alternates or shows late, and against long runs."""

from fractions import Fraction
from itertools import pairwise

import pytest

from archsim.core.compose import compose
from archsim.core.lower import lower
from archsim.core.passes import Passes, passes_of
from archsim.core.steady import steady
from archsim.core.timing import measure
from archsim.machine import Machine, load_machine
from archsim.program.simpy import play
from tests.core.small import load_of, small


def passes(machine: Machine) -> Passes:
    return passes_of(compose(machine, with_tile=True), load_of(machine))


def ends(machine: Machine, mvms: int) -> list[int]:
    """When each of the first products is done, ps."""
    lowered = lower(compose(machine, with_tile=True), load_of(machine), mvms)
    finish = play(lowered.program).finish
    return [int(finish[task]) for task in lowered.closing]


def test_an_interval_that_alternates_is_its_mean_rounded_up_once() -> None:
    """One read a product, one ADC a column: 10 ns and 25.001 ns, but a new conversion after 3 ns.

    Two samples: the read of product p + 2 waits for the conversion of p. Reads start at 1, 11, 36.001, 46.001, ...:
    10 and 25.001 ns apart, in the mean 17.5005.
    """
    machine = small(path="ir > xbar + sh > adc > sa", first="25.001 ns", convert="3 ns", adcs=8)
    done = ends(machine, 40)
    apart = [after - before for before, after in pairwise(done)]
    assert set(apart) == {10_000, 25_001}
    assert apart[::2] == [apart[0]] * 20
    assert steady(passes(machine)).interval == Fraction(35_001, 2)
    assert measure(compose(machine, with_tile=True), load_of(machine)).interval == 17_501


@pytest.mark.parametrize(("size", "products"), [(64, 3), (32 * 20, 21)])
def test_a_register_that_holds_many_products_hides_its_latency_only_for_them(size: int, products: int) -> None:
    """It takes 500 ns to fill, 1 ns after another. A read of 10 ns frees 32 b; those being read stand in the drivers.

    As many products as there is room for follow each other as fast as they are converted, then all wait for the first
    of them: a round of 500 + 10 ns. 20 products of 12 ns are through long before.
    """
    machine = small(path="ir > xbar + sh > adc > sa", fill="latency: 500 ns, interval: 1 ns", size=size)
    done = ends(machine, products + 2)
    assert {after - before for before, after in pairwise(done[:products])} == {12_000}
    assert steady(passes(machine)).interval == Fraction(510_000, products)
    long = ends(machine, 10 * products)
    assert long[-1] - long[-1 - products] == 510_000


def test_the_busiest_station_sets_the_pace_where_nothing_waits_for_space() -> None:
    """Cycles of 100 ns, 16 reads a product."""
    assert steady(passes(load_machine("isaac"))).interval == 1_600_000


def test_nl_dpe_is_paced_by_its_converters_or_reads() -> None:
    """The long run itself: what 60 products take, past the first 30."""
    machine = load_machine("nl_dpe")
    done = ends(machine, 60)
    assert (done[-1] - done[29]) / 30 == pytest.approx(float(steady(passes(machine)).interval), rel=1e-3)
