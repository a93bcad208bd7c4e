"""What serving took: times of requests, energy, how full queues and memories were."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.core.timing import Timer
from archsim.graph.graph import Graph
from archsim.lowering.counting import count_tokens
from archsim.machine.machine import Machine
from archsim.serving.server import Rules, Served
from archsim.serving.steps import StepCosts
from archsim.units import JOULES_PER_ZJ, SECONDS_PER_PS

SCHEMA = "archsim.serving/1"
_SAMPLES = 200
_BITS_PER_KIB = 8192


@dataclass(frozen=True, kw_only=True)
class ServingResult:
    """Times in s, energy in J. `*_s` mappings have mean, p50, p95, p99.

    first_token: from arrival to the first new token; per_token: between new tokens, of requests that make more than
    one; end_to_end: from arrival to the last one; queue: from arrival until the first step enters.
    utilisation: share of the time that the pipeline's entry was taken. queued, in_machine: requests, mean over time.
    kv: where keys and values live, what a token takes, how many fit (None: no memory holds them).
    timeline: samples over time.
    """

    schema: str = SCHEMA
    machine: str
    model: str
    requests: int
    rate: float
    policy: str
    chunk: int | None
    duration_s: float
    requests_per_s: float
    tokens_per_s: float
    first_token_s: dict[str, float]
    per_token_s: dict[str, float]
    end_to_end_s: dict[str, float]
    queue_s: dict[str, float]
    utilisation: float
    queued: float
    most_queued: int
    in_machine: float
    energy_j: float
    energy_per_token_j: float
    energy_by_part_j: dict[str, float]
    kv: dict[str, Any]
    timeline: dict[str, list[float]]
    grid: list[int]
    interpolation_error: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return asdict(self)


def figures(machine: Machine, model: Graph, costs: StepCosts, served: Served, rules: Rules) -> ServingResult:
    """Sum up."""
    requests = served.requests
    arrival = requests.arrival.astype(np.float64)
    span = max(served.span, 1.0)
    several = requests.output > 1
    between = (served.finished - served.first)[several] / (requests.output[several] - 1)
    parts, static = _energy(machine, costs, served)
    energy = sum(parts.values()) + static
    made = int(requests.output.sum())
    waited, inside = served.entered - arrival, served.finished - served.entered
    return ServingResult(
        machine=machine.name,
        model=model.name,
        requests=len(requests),
        rate=requests.rate,
        policy=rules.policy,
        chunk=rules.chunk,
        duration_s=span * SECONDS_PER_PS,
        requests_per_s=len(requests) / (span * SECONDS_PER_PS),
        tokens_per_s=made / (span * SECONDS_PER_PS),
        first_token_s=_spread(served.first - arrival),
        per_token_s=_spread(between),
        end_to_end_s=_spread(served.finished - arrival),
        queue_s=_spread(waited),
        utilisation=served.busy / span,
        queued=float(waited.sum() / span),
        most_queued=int(_level(arrival, served.entered).max(initial=0)),
        in_machine=float(inside.sum() / span),
        energy_j=energy * JOULES_PER_ZJ,
        energy_per_token_j=energy * JOULES_PER_ZJ / max(1, made),
        energy_by_part_j={part: zj * JOULES_PER_ZJ for part, zj in {**parts, "static": static}.items()},
        kv=_kept(costs, served),
        timeline=_timeline(served, span),
        grid=list(costs.points),
        interpolation_error=costs.error,
    )


def _spread(times: NDArray[np.float64]) -> dict[str, float]:
    if not len(times):
        return dict.fromkeys(("mean", "p50", "p95", "p99"), 0.0)
    p50, p95, p99 = np.percentile(times, (50, 95, 99)) * SECONDS_PER_PS
    return {"mean": float(times.mean()) * SECONDS_PER_PS, "p50": float(p50), "p95": float(p95), "p99": float(p99)}


def _energy(machine: Machine, costs: StepCosts, served: Served) -> tuple[dict[str, int], int]:
    """Counted actions in zJ by part, and what flowed all the time: integers, like those of a run."""
    requests = served.requests
    counts = count_tokens(costs.mapping, int((requests.prompt + requests.output - 1).max(initial=2)), Timer(machine))
    numbers = counts.of_request(requests.prompt, requests.output).tolist()
    parts: dict[str, int] = {}
    for action, number in zip(counts.actions, numbers, strict=True):
        part, _, name = action.rpartition(".")
        parts[part] = parts.get(part, 0) + number * machine.parts[part.partition(".")[2]].cost(name).energy
    chips = costs.mapping.chips
    return parts, round(machine.static_power(machine.root) * chips) * round(served.span)


def _kept(costs: StepCosts, served: Served) -> dict[str, Any]:
    requests = served.requests
    room, bits, where = costs.kept_tokens()
    tokens = requests.prompt + requests.output - 1
    times = np.concatenate([served.admitted, served.finished])
    change = np.concatenate([tokens, -tokens])
    order = np.lexsort((change, times))  # at one instant what leaves goes first
    level = np.cumsum(change[order])
    ordered = times[order]
    mean = float((level[:-1] * np.diff(ordered)).sum() / max(served.span, 1.0)) if len(level) else 0.0
    return {
        "where": where,
        "bits_per_token": bits,
        "kib_per_token": None if bits is None else bits / _BITS_PER_KIB,
        "mean_sequence_tokens": float(tokens.mean()) if len(tokens) else 0.0,
    } | _shares(room, tokens, mean, float(level.max(initial=0)))


def _shares(room: int | None, tokens: NDArray[np.int64], mean: float, peak: float) -> dict[str, Any]:
    """How much fits, and how much of it is used; None where no memory limits it."""
    if room is None:
        return dict.fromkeys(("tokens_that_fit", "sequences_that_fit", "mean_share", "peak_share"))
    return {
        "tokens_that_fit": room,
        "sequences_that_fit": int(room // max(1, round(tokens.mean()))) if len(tokens) else 0,
        "mean_share": mean / room,
        "peak_share": peak / room,
    }


def _level(begin: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many intervals are open after each of their ends, in order of time."""
    times = np.concatenate([begin, end])
    change = np.concatenate([np.ones(len(begin), np.int64), -np.ones(len(end), np.int64)])
    return np.cumsum(change[np.lexsort((change, times))])


def _timeline(served: Served, span: float) -> dict[str, list[float]]:
    """Requests waiting and in the machine, and tokens kept, at equal distances."""
    requests = served.requests
    at = np.linspace(0.0, span, _SAMPLES)
    arrival, tokens = requests.arrival.astype(np.float64), requests.prompt + requests.output - 1

    def until(times: NDArray[np.float64], weights: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        order = np.argsort(times)
        sums = np.concatenate([[0], np.cumsum(np.ones(len(times)) if weights is None else weights[order])])
        return np.asarray(sums[np.searchsorted(times[order], at, side="right")], np.float64)

    return {
        "time_s": (at * SECONDS_PER_PS).tolist(),
        "queued": (until(arrival) - until(served.entered)).tolist(),
        "in_machine": (until(served.entered) - until(served.finished)).tolist(),
        "kept_tokens": (until(served.admitted, tokens) - until(served.finished, tokens)).tolist(),
    }
