"""A made-up result and description. The figures are round; none belongs to a real machine."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from archsim.description import Description, Node, Parameter, Speed


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
        "throughput_unit": "tokens/s",
        "energy_j": 4.0,
        "average_power_w": 55.4,
        "area_m2": 8.54e-05,
        "ops": 22_350_000_000,
        "tops": 10.16,
        "tops_per_w": 0.1834,
        "tops_per_mm2": 0.119,
        "bottleneck": "core.adc takes 75% of the critical path (ffn 75%); next is core.dac with 25%",
        "what_if": [],
        "critical_path_by_part_s": {"core.adc": 0.00165, "core.dac": 0.00055},
        "critical_path_by_operator_s": {"ffn": 0.0022},
        "waiting_s": {"data": 0.5, "server": 0.25, "space": 0.0},
        "waiting_by_operator_s": {"ffn": {"data": 0.5, "server": 0.25, "space": 0.0}},
        "waiting_by_station_s": {"ffn": {"data": 0.5, "server": 0.25, "space": 0.0}},
        "area_by_part_m2": {"core.adc": 8.54e-05},
        "energy_by_part_j": {"dac": 0.5, "static": 0.5, "adc": 2.0, "tile memory": 1.0},
        "energy_by_operator_j": {f"op{n:03}": 3.5 / operators for n in range(operators)} | {"static": 0.5},
        "energy_by_layer_j": {"embedding": 0.5, "layer 0": 1.0, "layer 1": 2.0, "static": 0.5},
        "utilisation": {"bus": 0.125, "core": 0.9},
        "tasks": 50_000,
        "sources": [{"key": "doe2020", "text": "J. Doe: A machine [bold]in[/bold] a paper.\n2020. " + "x " * 60}],
        "provenance": {"archsim": "0.1.0"},
        "notes": ["The vector unit is assumed."],
    }


def sample_node(path: str, count: Fraction, total: int, area_m2: float, peak_power_w: float, *children: Node) -> Node:
    """A module: no class, no parameters."""
    return Node(
        path=path,
        name=path.rpartition(".")[2],
        count=count,
        total=Fraction(total),
        area_m2=area_m2,
        peak_power_w=peak_power_w,
        part_class=None,
        parameters=(),
        speed=None,
        children=children,
    )


def sample_description() -> Description:
    """A chip of 4 tiles, 8 cores a tile, 8 ADCs a core, and a router that four tiles share."""
    adc = replace(
        sample_node("chip.tile.core.adc", Fraction(8), 256, 1.2e-9, 0.002),
        part_class="Adc",
        parameters=(
            Parameter("bits", "8 b", "simulated", "doe2020"),
            Parameter("convert.rate", "1.28 GS/s", "derived", "doe2020"),
            Parameter("area", "0.0012 mm2", "simulated", "roe2021"),
            Parameter("convert.energy", "1.5625 pJ = power x 0.78125 ns", "derived", ""),
        ),
    )
    speed = Speed(
        mvm_latency_s=2.2e-6,
        mvm_interval_s=1.6e-6,
        core_latency_s=1.9e-6,
        peak_ops_per_s=2.048e10,
        mvm_energy_j=3.6e-8,
    )
    core = replace(sample_node("chip.tile.core", Fraction(8), 32, 9.6e-9, 0.02408, adc), speed=speed)
    router = replace(
        sample_node("chip.tile.router", Fraction(1, 4), 1, 1.5e-7, 0.042),
        part_class="Router",
        parameters=(Parameter("ports", "8", "", ""),),
    )
    tile = sample_node("chip.tile", Fraction(4), 4, 3.72e-7, 0.33, core, router)
    return Description(
        machine="isaac",
        text="A made-up machine [bold]in[/bold] four tiles",
        root=sample_node("chip", Fraction(1), 1, 8.54e-05, 65.8, tile),
        mapping={
            "clip": 2.5,
            "digital": {f"layer {n}/qkv": 0.25 for n in range(10)},
            "bits": {"head": {"weights": 6, "inputs": 5}, "layer 0": {"inputs": 4}},
        },
        sources=(("doe2020", "J. Doe: A machine in a paper. 2020."),),
        notes=("The vector unit is assumed.",),
    )
