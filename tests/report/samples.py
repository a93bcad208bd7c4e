"""A made-up result and description. The figures are round; none belongs to a real machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


def sample_result(*, operators: int = 3) -> dict[str, Any]:
    """A result whose breakdowns sum to 4 J: half the energy in adc, 1/8 static."""
    return {
        "schema": "archsim.result/1",
        "machine": "isaac",
        "model": "bert-base",
        "phase": "prefill",
        "batch": 1,
        "seq": 128,
        "new_tokens": 0,
        "chips": 2,
        "latency_s": 0.0022,
        "tokens_per_s": 57603.4,
        "energy_j": 4.0,
        "average_power_w": 55.4,
        "area_m2": 8.54e-05,
        "ops": 22_350_000_000,
        "tops": 10.16,
        "tops_per_w": 0.1834,
        "tops_per_mm2": 0.119,
        "energy_by_part_j": {"dac": 0.5, "static": 0.5, "adc": 2.0, "tile memory": 1.0},
        "energy_by_operator_j": {f"op{n:03}": 3.5 / operators for n in range(operators)} | {"static": 0.5},
        "energy_by_layer_j": {"embedding": 0.5, "layer 0": 1.0, "layer 1": 2.0, "static": 0.5},
        "utilisation": {"bus": 0.125, "core": 0.9},
        "tasks": 50_000,
        "sources": [{"key": "doe2020", "text": "J. Doe: A machine [bold]in[/bold] a paper.\n2020. " + "x " * 60}],
        "provenance": {"archsim": "0.1.0"},
        "notes": ["The vector unit is assumed."],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleNode:
    path: str
    count: Fraction
    total: int | Fraction
    area_m2: float
    peak_power_w: float
    part_class: str | None = None
    parameters: tuple[tuple[str, str, str, str], ...] = ()
    mvm_latency_s: float | None = None
    mvm_interval_s: float | None = None
    core_latency_s: float | None = None
    peak_ops_per_s: float | None = None
    children: Sequence["SampleNode"] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class SampleDescription:
    machine: str
    root: SampleNode
    sources: tuple[tuple[str, str], ...] = (("doe2020", "J. Doe: A machine in a paper. 2020."),)
    notes: tuple[str, ...] = ("The vector unit is assumed.",)


def sample_description() -> SampleDescription:
    """A chip of 4 tiles, 8 cores a tile, 8 ADCs a core, and a router that four tiles share."""
    adc = SampleNode(
        path="chip.tile.core.adc",
        count=Fraction(8),
        total=256,
        area_m2=1.2e-9,
        peak_power_w=0.002,
        part_class="adc",
        parameters=(
            ("bits", "8", "simulated", "doe2020"),
            ("convert.energy", "1.5625 pJ", "derived", "power over the rate at which it holds"),
        ),
    )
    core = SampleNode(
        path="chip.tile.core",
        count=Fraction(8),
        total=32,
        area_m2=9.6e-9,
        peak_power_w=0.02408,
        mvm_latency_s=2.2e-6,
        mvm_interval_s=1.6e-6,
        core_latency_s=1.9e-6,
        peak_ops_per_s=2.048e10,
        children=(adc,),
    )
    router = SampleNode(
        path="chip.tile.router",
        count=Fraction(1, 4),
        total=1,
        area_m2=1.5e-7,
        peak_power_w=0.042,
        part_class="router",
    )
    tile = SampleNode(
        path="chip.tile",
        count=Fraction(4),
        total=4,
        area_m2=3.72e-7,
        peak_power_w=0.33,
        children=(core, router),
    )
    chip = SampleNode(path="chip", count=Fraction(1), total=1, area_m2=8.54e-05, peak_power_w=65.8, children=(tile,))
    return SampleDescription("isaac", chip)
