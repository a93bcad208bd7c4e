"""Serving: timetables by hand, queueing laws, memory, and agreement with one whole Program."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.core.timing import Timer
from archsim.errors import ArchsimError, UsageError
from archsim.graph import load_model
from archsim.graph.job import SEQUENCE, Job, Span, make_job
from archsim.lowering.counting import count_tokens
from archsim.lowering.lower import lower
from archsim.machine import load_machine
from archsim.mapping.mapping import Home
from archsim.mapping.placement import place
from archsim.program.simpy import play
from archsim.report.serving_blocks import serving_blocks
from archsim.serving.figures import figures
from archsim.serving.load import curve, highest_rate, saturation
from archsim.serving.requests import Requests, make_requests
from archsim.serving.server import Rules, Served, serve
from archsim.serving.steps import StepCosts, step_costs
from tests.lowering.machines import tiny

LONGEST = 64
MODEL = tiny(4, architecture="decoder", hidden=256, ffn=512)
ISAAC = load_machine("isaac")
MAPPING = place(ISAAC, MODEL, Job(seq=LONGEST))


def flat(latency: float, interval: float, room: int = 10**9) -> StepCosts:
    """A machine in which every token takes the same, and has room for so many."""
    latencies, intervals, none = (np.full(LONGEST + 1, value, np.float64) for value in (latency, interval, 0.0))
    homes = {"kept": Home("digital", "edram", shared=True, capacity=room, per_position=1)}
    return StepCosts(replace(MAPPING, homes=homes), latencies, intervals, intervals, none, (1, LONGEST), 0.0)


def requests(*rows: tuple[int, int, int]) -> Requests:
    return Requests(*(np.array(column, np.int64) for column in zip(*rows, strict=True)))


def times(served: Served) -> list[tuple[float, float, float]]:
    return list(zip(served.entered.tolist(), served.first.tolist(), served.finished.tolist(), strict=True))


def test_two_requests_share_the_pipeline() -> None:
    """Latency 100, interval 10. A: 3 tokens at 0 (in at 0, 10, 20), B: 1 token at 5 waits until 30.

    A's first token leaves at 20 + 100, goes round, leaves at 220. B's leave at 130 and 230, each an interval after A's.
    """
    served = serve(requests((0, 3, 2), (5, 1, 2)), flat(100, 10), Rules())
    assert times(served) == [(0.0, 120.0, 220.0), (30.0, 130.0, 230.0)]
    assert served.busy == 30 + 10 + 10 + 10


def test_chunks_let_others_pass() -> None:
    """A: 20 tokens at 0; B: one token at 5. Whole, B enters at 200; in chunks of 4, after the first: at 40."""
    both = requests((0, 20, 1), (5, 1, 1))
    whole, chunked = (serve(both, flat(100, 10), Rules(chunk=chunk)) for chunk in (None, 4))
    assert times(whole) == [(0.0, 290.0, 290.0), (200.0, 300.0, 300.0)]
    assert times(chunked) == [(0.0, 300.0, 300.0), (40.0, 140.0, 140.0)]


def test_admission_waits_for_room_and_shortest_goes_first() -> None:
    """Room for 8 tokens. A takes 6 until 150; B (7) and C (3) wait. First-come: B at 150, then C when B has left."""
    three = requests((0, 6, 1), (1, 7, 1), (2, 3, 1))
    costs = flat(100, 10, room=8)
    first, shortest = (serve(three, costs, Rules(policy)) for policy in ("first-come", "shortest-first"))
    assert first.admitted.tolist() == [0.0, 150.0, 310.0]
    assert shortest.admitted.tolist() == [0.0, 270.0, 150.0]
    with pytest.raises(ArchsimError, match="request 2 needs room for 9 tokens, the memories hold 8"):
        serve(requests((0, 1, 1), (0, 9, 1)), costs, Rules())
    with pytest.raises(UsageError, match="found policy 'fifo'"):
        Rules("fifo")


def test_no_more_sequences_than_asked_are_in_the_machine() -> None:
    served = serve(requests(*[(0, 2, 3)] * 6), flat(100, 10), Rules(most=2))
    inside = [(served.admitted <= at) & (served.finished > at) for at in served.admitted]
    assert max(int(each.sum()) for each in inside) == 2


@settings(max_examples=40)
@given(
    rows=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 30), st.integers(1, 10)), min_size=1, max_size=12),
    chunk=st.sampled_from([None, 1, 7]),
    room=st.sampled_from([45, 10**6]),
)
def test_every_request_is_served_and_memory_is_never_overdrawn(
    rows: list[tuple[int, int, int]], chunk: int | None, room: int
) -> None:
    all_of_them = requests(*sorted(rows))
    served = serve(all_of_them, flat(100, 10, room), Rules(chunk=chunk))
    arrival = all_of_them.arrival
    assert (served.admitted >= arrival).all()
    assert (served.entered >= served.admitted).all()
    assert (served.first >= served.entered + 100).all()
    assert (served.finished >= served.first + 100 * (all_of_them.output - 1)).all()
    tokens = all_of_them.prompt + all_of_them.output - 1
    for at in served.admitted:
        assert tokens[(served.admitted <= at) & (served.finished > at)].sum() <= room
    assert served.busy == 10 * tokens.sum()


def wait_of_one_server(load: float, number: int) -> float:
    """Mean wait in intervals of requests of one token each, which come at random."""
    interval = 1_000_000  # ps
    made = make_requests("poisson", number, load / (interval * 1e-12), 1, 1, seed=7)
    served = serve(made, flat(interval, interval), Rules())
    return float((served.entered - made.arrival).mean()) / interval


@pytest.mark.parametrize("load", [pytest.param(0.5, marks=pytest.mark.slow), 0.8])
def test_a_million_random_arrivals_wait_like_m_d_1(load: float) -> None:
    """Mean wait at one server with equal services: load / (2 (1 - load)) of them (Pollaczek, Khinchine)."""
    assert wait_of_one_server(load, 1_000_000) == pytest.approx(load / (2 * (1 - load)), rel=0.03)


def test_arrivals_have_their_rate() -> None:
    poisson = make_requests("poisson", 20_000, 50.0, 8, 2, seed=1)
    fixed = make_requests("fixed", 5, 2.0, 8, 2)
    bursts = make_requests("bursts", 20_000, 50.0, 8, 2, burst=10, seed=1)
    assert poisson.rate == pytest.approx(50, rel=0.03)
    assert fixed.arrival.tolist() == [500_000_000_000 * at for at in range(1, 6)]
    assert bursts.rate == pytest.approx(50, rel=0.06)
    assert len(np.unique(bursts.arrival)) == 2000
    assert (make_requests("poisson", 100, 50.0, 8, 2, seed=1).arrival == poisson.arrival[:100]).all()
    assert fixed.faster(2).rate == pytest.approx(4)
    with pytest.raises(UsageError, match="found arrivals 'random'"):
        make_requests("random", 5, 1.0, 1, 1)


@pytest.fixture(scope="module")
def costs() -> StepCosts:
    return step_costs(ISAAC, MODEL, LONGEST)


def test_littles_law_holds_in_the_queues(costs: StepCosts) -> None:
    """Requests in the system, counted over time = rate x mean time there, at low and high load."""
    for load in (0.3, 0.95):
        made = make_requests("poisson", 3000, load, 12, 6, seed=3)
        made = made.faster(load * saturation(made, costs) / made.rate)
        served = serve(made, costs, Rules())
        result = figures(ISAAC, MODEL, costs, served, Rules())
        events = np.sort(np.concatenate([made.arrival, served.finished]))
        middle = (events[1:] + events[:-1]) / 2
        inside = np.searchsorted(made.arrival, middle, "right") - np.searchsorted(
            np.sort(served.finished), middle, "right"
        )
        counted = float((inside * np.diff(events)).sum() / served.span)
        assert counted == pytest.approx(result.requests_per_s * result.end_to_end_s["mean"], rel=1e-3)
        assert result.queued + result.in_machine == pytest.approx(counted, rel=1e-3)
        assert result.utilisation == pytest.approx(load, rel=0.1)


def test_latency_bends_where_the_entry_is_full(costs: StepCosts) -> None:
    made = make_requests("poisson", 2000, 1.0, 12, 6, seed=3)
    full = saturation(made, costs)
    points = curve(made, costs, Rules(), [full * share for share in (0.05, 0.5, 0.9, 1.2, 2.0)])
    latencies = [point.mean_s for point in points]
    assert latencies == sorted(latencies)
    assert latencies[1] < 1.3 * latencies[0]
    assert latencies[3] > 5 * latencies[1]
    assert points[-1].requests_per_s == pytest.approx(full, rel=0.02)
    target = (points[1].p95_s + points[2].p95_s) / 2
    found = highest_rate(made, costs, Rules(), target)
    assert 0.5 * full < found < full
    assert highest_rate(made, costs, Rules(), latencies[0] / 10) == 0.0


def test_one_whole_program_agrees(costs: StepCosts) -> None:
    """50 random sets of up to 6 requests: every action is counted exactly as often, latencies are within 2 %."""
    draw = random.Random(1)
    timer = Timer(ISAAC)
    counts = count_tokens(costs.mapping, LONGEST, timer)
    spread = 8 * float(costs.latency[10])
    for _ in range(50):
        number = draw.randint(1, 6)
        rows = sorted((int(draw.random() * spread), draw.randint(1, 20), draw.randint(1, 12)) for _ in range(number))
        made = requests(*((at - rows[0][0], prompt, output) for at, prompt, output in rows))
        served = serve(made, costs, Rules())
        spans = tuple(
            Span(0, prompt + output - 1, prompt, arrival)
            for arrival, prompt, output in zip(*(column.tolist() for column in vars(made).values()), strict=True)
        )
        job = Job("generate", seq=LONGEST, new_tokens=1, batch=len(spans), mixed=spans)
        run = play(lower(costs.mapping, job, timer))
        head = MODEL.operators[-1]
        places = job.places(head)
        last = np.flatnonzero(run.program.operator[run.program.kind] == run.program.operators.index(head.key))
        finish = run.finish[last[-len(places) :]]
        ends = np.array([finish[places // SEQUENCE == number].max() for number in range(len(spans))])
        assert (served.finished - made.arrival).mean() == pytest.approx((ends - made.arrival).mean(), rel=0.02)
        assert served.span == pytest.approx(run.makespan, rel=0.02)
        found = dict(zip(counts.actions, counts.of_request(made.prompt, made.output).tolist(), strict=True))
        whole = dict(zip(run.program.actions, run.counts().sum(axis=0).tolist(), strict=True))
        assert {name: number for name, number in found.items() if number} == {
            name: number for name, number in whole.items() if number
        }


@pytest.mark.parametrize("machine", ["isaac", "nl_dpe"])
def test_tokens_are_counted_as_the_job_counts_them(machine: str) -> None:
    on, model = load_machine(machine), load_model("gpt2")
    mapping = place(on, model, Job(seq=40))
    counts = count_tokens(mapping, 40, Timer(on))
    run = play(lower(mapping, make_job(model, "generate", 33, 8, 1), Timer(on)))
    found = counts.of_request(np.array([33]), np.array([8])).tolist()
    whole = dict(zip(run.program.actions, run.counts().sum(axis=0).tolist(), strict=True))
    assert dict(zip(counts.actions, found, strict=True)) == whole


def test_steps_state_their_error_and_where_keys_live(costs: StepCosts) -> None:
    assert costs.points[0] == 1
    assert costs.points[-1] == LONGEST
    assert costs.error < 0.05
    room, bits, where = costs.kept_tokens()
    assert (bits, where) == (4 * 2 * 256 * 16, {"digital.edram": 4})
    assert room is not None and room > LONGEST  # noqa: PT018
    with pytest.raises(UsageError, match="bert-base is no decoder"):
        step_costs(ISAAC, load_model("bert-base"), 8)
    with pytest.raises(UsageError, match="has 1,024 positions, a request needs 2,000"):
        step_costs(ISAAC, load_model("gpt2"), 2000)


@pytest.mark.parametrize(
    ("machine", "where", "line"),
    [
        ("hetero_512", {}, "no memory that the machine's file names"),
        ("retransformer", {"arrays of core": 4}, "arrays of core (4 attentions)"),
    ],
)
def test_without_a_memory_for_them_nothing_limits_keys_and_values(
    machine: str, where: dict[str, int], line: str
) -> None:
    """No memory, no figure of what fits in it: neither in the result nor in its table."""
    on = load_machine(machine)
    costs = replace(flat(100, 10), mapping=place(on, MODEL, Job(seq=LONGEST)))
    assert costs.kept_tokens() == (None, None, where)
    asked = requests((0, 60, 4), (0, 60, 4), (0, 60, 4))
    served = serve(asked, costs, Rules())
    assert served.admitted.tolist() == [0, 0, 0]
    found = figures(on, MODEL, costs, served, Rules()).to_dict() | {"rate": 1.0, "saturation_rate": 1.0}
    known = {"where": where, "mean_sequence_tokens": 63.0}
    unknown = ("bits_per_token", "kib_per_token", "tokens_that_fit", "sequences_that_fit", "mean_share", "peak_share")
    assert found["kv"] == known | dict.fromkeys(unknown)
    kept = next(block for block in serving_blocks(found) if block.key == "kv")
    assert kept.rows == (("keys and values live in", line), ("tokens that fit", "not limited by a memory"))
