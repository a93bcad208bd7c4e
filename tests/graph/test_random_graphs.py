"""Small graphs at random: their values, their work, and what their operators wait for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archsim.graph.job import make_job
from archsim.graph.operators import Linear
from tests.graph.graph_checks import Made, check_counts, check_values, check_waits, is_exact
from tests.graph.random_graphs import Program, decoders, programs

if TYPE_CHECKING:
    from random import Random

CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large)
ANY = st.one_of(programs(), programs(), programs(), decoders())
MANY = st.one_of(programs(8), programs(8), programs(8), decoders())


def work(made: Made) -> tuple[int, Counter[tuple[int, int, int]]]:
    """MACs, and how many products with weights there are of each size, with so many positions."""
    job = make_job(made.graph, "prefill", None, 0, 1)
    products = [each for each in made.graph.operators if isinstance(each, Linear)]
    sizes = Counter((each.in_features, each.out_features, len(job.places(each))) for each in products)
    return job.macs(made.graph), sizes


@settings(max_examples=80, suppress_health_check=CHECKS)
@given(ANY, st.integers(1, 3))
def test_values_are_those_of_onnx(program: Program, batch: int) -> None:
    check_values(Made.of(program), batch)


@settings(max_examples=80, suppress_health_check=CHECKS)
@given(ANY)
def test_multiplications_are_pairs_of_indices(program: Program) -> None:
    check_counts(Made.of(program))


@settings(max_examples=80, suppress_health_check=CHECKS)
@given(ANY)
def test_no_operator_begins_before_what_it_needs(program: Program) -> None:
    check_waits(Made.of(program), exact=is_exact(program))


@settings(max_examples=60, suppress_health_check=CHECKS)
@given(programs(), st.randoms(use_true_random=False))
def test_work_does_not_depend_on_the_order_of_dimensions(program: Program, random: Random) -> None:
    axes = [axis for axis, _ in program.start]
    order = "".join(axes) if program.ids else "".join(random.sample(axes, len(axes)))
    assert work(Made.of(program)) == work(Made.of(program, order))


@pytest.mark.slow
@settings(max_examples=800, suppress_health_check=CHECKS)
@given(MANY, st.integers(1, 3))
def test_longer_graphs(program: Program, batch: int) -> None:
    made = Made.of(program)
    check_values(made, batch)
    check_counts(made)
    check_waits(made, exact=is_exact(program))
