"""Studies that take milliseconds a point, and the command: here, or as a process of its own."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.end_to_end.command import archsim

ROOT = Path(__file__).resolve().parents[2]

MACHINE = """\
schema: archsim.machine/1
name: tiny
source: made up for this test
status: assumed
precision: {weights: 8 b, inputs: 8 b, outputs: 8 b}
parts:
  xbar: {class: crossbar, rows: 256, cols: 256, cell_bits: 8 b, read: {interval: 100 ns}, power: 5 mW, area: 0.01 mm2}
  adc: {class: adc, bits: 8 b, convert: {rate: 1 GHz}, power: 2 mW, area: 0.002 mm2}
  simd: {class: vector, lanes: 1024, linear: {rate: 1 GHz}, special: {rate: 1 GHz}, power: 500 mW, area: 0.5 mm2}
modules:
  core:
    parts: {xbar: 1, adc: 8}
    path: xbar > adc
    combine: {bits: analog, slices: analog, signs: analog}
  chip:
    parts: {core: 2048, simd: 16}
digital: simd
"""

STUDY = """\
schema: archsim.study/1
machine: tiny.yaml
model: mlp-mnist
axes:
  parts.adc.bits: [6 b, 8 b]
  modules.core.parts.adc: {from: 4, to: 16, times: 2}
objectives: [latency, area]
"""


def write(folder: Path, study: str = STUDY) -> Path:
    """A study and its machine in a folder."""
    (folder / "tiny.yaml").write_text(MACHINE)
    path = folder / "study.yaml"
    path.write_text(study)
    return path


def start(folder: Path, *words: str, by: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start `archsim sweep study.yaml` with these words in a folder, whose modules it can import, `by` a command."""
    line = [*by, sys.executable, "-m", "archsim", "sweep", "study.yaml", *words]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
    pipe = subprocess.PIPE
    return subprocess.Popen(line, stdout=pipe, stderr=pipe, text=True, cwd=folder, env=environment)


def sweep(folder: Path, *words: str, name: str = "sweep") -> subprocess.CompletedProcess[str]:
    """What `archsim sweep study.yaml` says in this process; one more runs the points, unless the words say who does."""
    where = () if {"--processes", "--cluster"} & set(words) else ("--processes", "1")
    return archsim(name, "study.yaml", *words, *where, folder=folder)


def whole_sweep(folder: Path, *words: str, by: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """What it says as a process of its own."""
    with start(folder, *words, by=by) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def rows(store: Path) -> dict[str, tuple[Any, ...]]:
    """State, inputs, reason and figures of every point, by its key."""
    base = sqlite3.connect(store)
    try:
        found = base.execute("SELECT key, state, inputs, reason, figures FROM points").fetchall()
    finally:
        base.close()
    assert len({row[0] for row in found}) == len(found)
    return {row[0]: row[1:] for row in found}


def figures(store: Path) -> list[dict[str, Any]]:
    """Figures of the points that are done, with their settings, in order."""
    return [json.loads(row[3]) | json.loads(row[1])["settings"] for row in rows(store).values() if row[0] == "done"]
