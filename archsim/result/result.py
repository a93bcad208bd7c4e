"""Result: what a run took, and where it went, ready to be saved and shown."""

from dataclasses import asdict, dataclass, field
from typing import Any

from archsim.result.save import SCHEMA


@dataclass(frozen=True, kw_only=True)
class Result:
    """Times in s, energy in J, area in m2. Each breakdown has a `static` row and sums to `energy_j`.

    ops: 2 x multiply-accumulates of the Graph; tokens_per_s: prompt tokens in prefill, new tokens otherwise;
    utilisation: share of the run that stations were busy, mean over those of a name.
    waiting_*_s: time that tasks waited for data (from the first input to the last), for a server, for space, summed
    over tasks, so that it can exceed the latency. critical_path_*_s: the chain of causes from the end of the run
    back to its start; each breakdown sums to `latency_s`. bottleneck: that in a sentence.
    what_if: what changes of the machine would do to the latency, each played; empty unless asked for.
    """

    schema: str = SCHEMA
    machine: str
    model: str
    phase: str
    batch: int
    seq: int
    new_tokens: int
    chips: int
    latency_s: float
    tokens_per_s: float
    energy_j: float
    average_power_w: float
    area_m2: float
    ops: int
    tops: float
    tops_per_w: float
    tops_per_mm2: float
    bottleneck: str
    what_if: list[dict[str, Any]] = field(default_factory=list)
    critical_path_by_part_s: dict[str, float]
    critical_path_by_operator_s: dict[str, float]
    waiting_s: dict[str, float]
    waiting_by_operator_s: dict[str, dict[str, float]]
    waiting_by_station_s: dict[str, dict[str, float]]
    area_by_part_m2: dict[str, float]
    energy_by_part_j: dict[str, float]
    energy_by_operator_j: dict[str, float]
    energy_by_layer_j: dict[str, float]
    utilisation: dict[str, float]
    tasks: int
    sources: list[dict[str, str]]
    notes: list[str]
    provenance: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data, keys in the order above."""
        return asdict(self)
