"""Latency against load: the same requests at several rates, and the highest rate that keeps a latency."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from archsim.errors import UsageError
from archsim.serving.requests import Requests
from archsim.serving.server import Rules, Served, serve
from archsim.serving.steps import StepCosts
from archsim.units import SECONDS_PER_PS

_STEPS = 12
"""Halvings of the range in which the rate is sought: within a fraction of a percent."""


@dataclass(frozen=True, slots=True)
class Point:
    """At a rate of requests a second: share of time that the entry is taken, latencies end to end in s."""

    rate: float
    utilisation: float
    mean_s: float
    p95_s: float
    first_token_mean_s: float
    requests_per_s: float


def at_rate(requests: Requests, costs: StepCosts, rules: Rules, rate: float) -> tuple[Point, Served]:
    """Serve the requests as if they came at this rate."""
    served = serve(requests.faster(rate / requests.rate) if requests.rate else requests, costs, rules)
    latency = (served.finished - served.requests.arrival) * SECONDS_PER_PS
    first = (served.first - served.requests.arrival) * SECONDS_PER_PS
    seconds = served.span * SECONDS_PER_PS
    return (
        Point(
            rate=rate if requests.rate else 0.0,
            utilisation=served.busy / max(1.0, served.span),
            mean_s=float(latency.mean()),
            p95_s=float(np.percentile(latency, 95)),
            first_token_mean_s=float(first.mean()),
            requests_per_s=len(requests) / seconds,
        ),
        served,
    )


def curve(requests: Requests, costs: StepCosts, rules: Rules, rates: Sequence[float]) -> list[Point]:
    """A point for each rate."""
    return [at_rate(requests, costs, rules, rate)[0] for rate in rates]


def saturation(requests: Requests, costs: StepCosts) -> float:
    """Requests a second at which the pipeline's entry is always taken: no queue can stay short beyond."""
    work = np.concatenate([[0.0], np.cumsum(costs.prompt_interval[1:])])
    made = np.concatenate([[0.0], np.cumsum(costs.interval[1:])])
    last = requests.prompt + requests.output - 1
    each = work[requests.prompt - 1] + made[last] - made[requests.prompt - 1]
    return 1 / (float(each.mean()) * SECONDS_PER_PS)


def highest_rate(
    requests: Requests, costs: StepCosts, rules: Rules, p95_s: float, tell: Callable[[int, int], None] | None = None
) -> float:
    """The highest rate at which 95 % of requests end within `p95_s`; 0 where not even one alone does.

    Never more than the rate at which the entry is always taken: beyond that, only so few requests keep any latency.
    """
    if not requests.rate:
        raise UsageError("the highest rate is sought for requests that come one after the other; found a single one.")
    low, high = 0.0, saturation(requests, costs)
    if at_rate(requests, costs, rules, high * 1e-4)[0].p95_s > p95_s:
        return 0.0
    for step in range(_STEPS):
        middle = (low + high) / 2
        if at_rate(requests, costs, rules, middle)[0].p95_s <= p95_s:
            low = middle
        else:
            high = middle
        if tell is not None:
            tell(step + 1, _STEPS)
    return low
