"""Times a sweep against plain `simulate` in a loop: `python scripts/bench_sweep.py [--points N] [--processes N]`.

The points are variants of isaac with bert-base, seq 128; and, to see the sweep's own share, of a run of milliseconds.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from archsim import load_machine, simulate
from archsim.explore import load_study, sweep
from archsim.explore.points import points
from archsim.explore.running import plan
from archsim.explore.store import Store
from archsim.machine.load import change

_AXES = {
    "modules.core.parts.adc": ["4", "8", "16", "32"],
    "modules.core.parts.sa": ["1", "2", "4"],
    "parts.edram.width": ["128 b", "256 b", "512 b"],
}
_LOOP = 20
"""Points of the plain loop."""


def _study(model: str, job: str, number: int) -> str:
    axes = "\n".join(f"  {key}: [{', '.join(values)}]" for key, values in _AXES.items())
    power = f"  parts.adc.power: {{from: 1.00 mW, to: {1 + (number - 1) / 100:.2f} mW, step: 0.01 mW}}"
    return f"schema: archsim.study/1\nmachine: isaac\nmodel: {model}\naxes:\n{job}{axes}\n{power}\n"


def _loop(folder: Path, text: str, seq: int | None) -> float:
    """Processor seconds a point of `change` and `simulate` in one process, after a first one."""
    (folder / "loop.yaml").write_text(text)
    study, bases = load_study(folder / "loop.yaml")
    wanted = [point for _, (_, point) in zip(range(_LOOP + 1), points(study, bases), strict=False)]
    began, base = 0.0, load_machine("isaac")
    for number, point in enumerate(wanted):
        machine = change(base, [f"{key}={value}" for key, value in point.settings])
        simulate(machine, bases.graphs[point.graph], seq=seq)
        if number == 0:
            began = _processor()
    return (_processor() - began) / _LOOP


def _report(name: str, model: str, seq: int | None, number: int, processes: int) -> None:
    text = _study(model, "" if seq is None else f"  seq: {seq}\n", -(-number // 36))
    text += f"sampling: {{random: {{number: {number}, seed: 1}}}}\n"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        each = _loop(folder, text, seq)
        (folder / "study.yaml").write_text(text)
        began, before = time.perf_counter(), _processor()
        found = sweep(folder / "study.yaml", folder / "study.db", processes=processes)
        took, worked = time.perf_counter() - began, _processor() - before
    print(f"{name}: {found['done']} of {number} points in {took:.1f} s, {1e3 * took / number:.1f} ms a point")
    print(f"  processor time: {1e3 * worked / number:.1f} ms a point, {1e3 * each:.1f} ms in a plain loop")


def _processor() -> float:
    """Seconds of processor time of this process and of those that it has started and ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _plan(number: int) -> None:
    """What a point costs before it runs."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "study.yaml")
        path.write_text(_study("mlp-mnist", "", -(-number // 36)))
        study, bases = load_study(path)
        began = time.perf_counter()
        with Store(Path(place, "study.db"), write=True) as store:
            planned = plan(study, bases, store)
        took = time.perf_counter() - began
        size = Path(place, "study.db").stat().st_size
    each = 1e6 * took / planned.points
    print(f"planning: {planned.points} points, {each:.0f} us and {size // planned.points} bytes each")


def main() -> None:
    """Print the figures."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--points", type=int, default=1000)
    words.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = words.parse_args()
    for number in (1_000, 100_000):
        _plan(number)
    _report("isaac, mlp-mnist", "mlp-mnist", None, 1000, given.processes)
    _report("isaac, bert-base, seq 128", "bert-base", 128, given.points, given.processes)
    for who, what in ((resource.RUSAGE_SELF, "this process"), (resource.RUSAGE_CHILDREN, "the largest worker")):
        print(f"memory of {what}: {resource.getrusage(who).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
