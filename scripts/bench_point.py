"""Processor time of a point of a sweep: variants of a machine in one process; and wall time by stage."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean, median
from time import perf_counter, process_time

from archsim import load_machine, load_model
from archsim.machine.load import change
from archsim.simulation import simulate

POINTS = 50


def core(point: int) -> list[str]:
    """Other parts of the core."""
    return [f"parts.adc.bits={4 + point % 5} b", f"parts.xbar.read.latency={50 + point} ns"]


def mesh(point: int) -> list[str]:
    """Other parts beside it."""
    return [f"parts.router.width={32 + 8 * point} b"]


def main() -> None:
    """Print a row per sweep."""
    machine, model = load_machine("isaac"), load_model("bert-base")
    simulate(machine, model, seq=128)  # loads the engine
    for settings in (core, mesh):
        stages: defaultdict[str, list[float]] = defaultdict(list)
        points = []
        for point in range(POINTS):
            began, wall = process_time(), perf_counter()
            changed = change(machine, settings(point))
            times = {"change": perf_counter() - wall}
            simulate(changed, model, seq=128, times=times)
            points.append(1000 * (process_time() - began))
            for stage, seconds in times.items():
                stages[stage].append(1000 * seconds)
        listed = ", ".join(f"{stage} {fmean(each):.1f}" for stage, each in stages.items())
        print(f"isaac bert-base --seq 128, {settings.__name__} varied:", end=" ")
        print(f"{fmean(points):.1f} ms a point, median {median(points):.1f} (wall: {listed})")


if __name__ == "__main__":
    main()
