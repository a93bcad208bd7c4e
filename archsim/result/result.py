"""Result: what a run took, and where it went, ready to be saved and shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError, UsageError, did_you_mean
from archsim.result.save import SCHEMA, load
from archsim.result.show import as_html, as_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Result:
    """Times in s, energy in J, area in m2. Each breakdown has a `static` row and sums to `energy_j`.

    ops: 2 x multiply-accumulates of the Graph; tokens_per_s: prompt tokens in prefill, new tokens otherwise, whole
    inputs (pictures) where the model fixes its positions, as `throughput_unit` says;
    analog_mac_share: of the projections' multiply-accumulates, those done in arrays; digital_weight_bits: of the
    weights of projections that digital units do.
    utilisation: share of the run that stations were busy, mean over those of a name.
    waiting_*_s: time that tasks waited for data (from the first input to the last), for a server, for space, summed
    over tasks, so that it can exceed the latency. critical_path_*_s: the chain of causes from the end of the run
    back to its start; each breakdown sums to `latency_s`. bottleneck: that in a sentence.
    operators: each operator's first start and last end, multiply-accumulates, and energy without the static share.
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
    throughput_unit: str = "tokens/s"
    energy_j: float
    average_power_w: float
    area_m2: float
    ops: int
    tops: float
    tops_per_w: float
    tops_per_mm2: float
    analog_mac_share: float
    digital_weight_bits: int
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
    operators: list[dict[str, Any]]
    utilisation: dict[str, float]
    tasks: int
    sources: list[dict[str, str]]
    notes: list[str]
    provenance: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data, keys in the order above."""
        return asdict(self)

    def breakdowns(self) -> tuple[str, ...]:
        """Names of the fields that `frame` takes: those that share a figure out, such as `energy_by_part_j`."""
        return tuple(name for name, value in vars(self).items() if "_by_" in name and isinstance(value, dict))

    def frame(self, breakdown: str = "energy_by_part_j") -> pd.DataFrame:
        """One of the `breakdowns` as a pandas DataFrame: a row for each part, operator, layer or station.

        Columns hold the field's own unit (J, s or m2) and, where it has one column, each row's share of the whole.
        Raises UsageError for an unknown name, or where pandas is not installed.
        """
        if breakdown not in self.breakdowns():
            raise UsageError(f"found breakdown '{breakdown}'. {did_you_mean(breakdown, self.breakdowns())}")
        try:
            import pandas as pd
        except ImportError:
            raise UsageError("frames need pandas: pip install 'archsim[frames]'") from None
        found = getattr(self, breakdown)
        what, _, unit = breakdown.rpartition("_")
        index = pd.Index(list(found), name=what.partition("_by_")[2])
        if all(isinstance(value, dict) for value in found.values()):
            return pd.DataFrame(list(found.values()), index=index).add_suffix(f"_{unit}")
        column = pd.Series(list(found.values()), index=index, dtype=float)
        return pd.DataFrame({f"{what.partition('_by_')[0]}_{unit}": column, "share": column / column.sum()})

    def __str__(self) -> str:
        return as_text(vars(self))

    def _repr_html_(self) -> str:
        return as_html(vars(self))


def load_result(path: str | Path) -> Result:
    """A Result that was saved (`archsim run --out`): its file, or the folder that holds it.

    Raises ArchsimError for a file that is no result.
    """
    found = load(path)
    missing = [field.name for field in fields(Result) if field.name not in found]
    if missing:
        raise ArchsimError(f"{path}: has no {missing[0]!r}; expected a result of this version of archsim: run it again")
    return Result(**{field.name: found[field.name] for field in fields(Result)})
