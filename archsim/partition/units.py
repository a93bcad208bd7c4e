"""What is placed together: a projection, or all of a layer, with what it costs a model to have it in arrays."""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from archsim.graph.graph import Graph
from archsim.graph.job import Job

Granularity = Literal["layer", "projection", "channel"]
SHARES: dict[Granularity, tuple[float, ...]] = {
    "layer": (1.0,),
    "projection": (1.0,),
    "channel": (0.25, 0.5, 0.75, 1.0),
}
"""Of output channels that digital units may compute, beside none."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Projections that go to the same side.

    macs: of the job. harm: nats a token that the loss grows when they are analog, each measured alone; never negative.
    """

    name: str
    keys: tuple[str, ...]
    macs: int
    harm: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice: by projection the share of its output channels that digital units compute."""

    strategy: str
    name: str
    digital: Dict[str, float]


def units_of(graph: Graph, job: Job, profile: Dict[str, Any], granularity: Granularity) -> tuple[Unit, ...]:
    """Units in the order of the Graph."""
    rows = {row["key"]: row for row in profile["projections"]}
    groups: dict[str, list[str]] = {}
    for linear in graph.linears:
        groups.setdefault(linear.layer if granularity == "layer" else linear.key, []).append(linear.key)
    return tuple(
        Unit(
            name,
            tuple(members),
            sum(job.macs_of(graph.by_key[key]) for key in members),
            sum(max(0.0, rows[key]["delta_nll"]["mean"]) for key in members),
        )
        for name, members in groups.items()
    )


def together(units: Sequence[Unit], shares: Sequence[float]) -> dict[str, float]:
    """Shares by projection, of units that have a share each."""
    return {key: share for unit, share in zip(units, shares, strict=True) for key in unit.keys if share}
