"""Writes docs/values.md's table: perplexity against converter bits, noise and drift. `python scripts/values_tables.py`.

Needs the model and text of the data folder (ARCHSIM_DATA, or ../shared/data); takes some minutes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from archsim.machine.load import build
from archsim.machine.overlay import apply
from archsim.machine.source import parse
from archsim.values.evaluate import evaluate
from archsim.values.tasks import Task, load_task

if TYPE_CHECKING:
    from archsim.machine import Machine

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "values.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
SEEDS = 4
OTHERS = ("tables", "formats", "outputs")
"""Causes that the table leaves out: it is of products in arrays."""
PLAIN = """
schema: archsim.machine/1
name: plain
source: made up for this table
status: assumed
precision: {weights: 8 b, inputs: 8 b, outputs: 8 b}
parts:
  dac: {class: dac, bits: 1 b, drive: {interval: 10 ns}}
  xbar: {class: crossbar, rows: 128, cols: 128, cell_bits: 2 b, read: {interval: 10 ns}}
  adc: {class: adc, bits: 10 b, convert: {rate: 1 GHz}}
  sa: {class: shift_add, add: {rate: 1 GHz}}
  simd: {class: vector, lanes: 64, linear: {rate: 1 GHz}, special: {rate: 1 GHz}}
modules:
  core:
    parts: {dac: 128, xbar: 1, adc: 1, sa: 1}
    path: dac + xbar > adc > sa
    combine: {bits: digital, slices: digital, signs: analog}
    signs: columns
  chip: {parts: {core: 1000, simd: 1}}
digital: simd
"""
AXES: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "converter bits, full range": [(f"{bits}", (f"parts.adc.bits={bits} b",)) for bits in (10, 9, 8)],
    "converter bits, range of 99.99 % of samples": [
        (f"{bits}", (f"parts.adc.bits={bits} b", "parts.adc.errors={range: calibrated, share: 0.9999}"))
        for bits in (8, 7, 6, 5)
    ],
    "programming error, of the largest conductance": [
        (f"{sigma:.2%}", (f"parts.xbar.errors.programming={{model: additive, sigma: {sigma}}}",))
        for sigma in (0.005, 0.01, 0.02, 0.04)
    ],
    "read noise, of the largest conductance": [
        (f"{sigma:.2%}", (f"parts.xbar.errors.read={sigma}",)) for sigma in (0.005, 0.01, 0.02, 0.04)
    ],
    "drift": [
        (text, (f"parts.xbar.errors.drift={{time: {time} s, nu: 0.06, nu_sigma: 0.02}}",))
        for text, time in (("1 min", 60), ("1 h", 3600), ("1 day", 86_400))
    ],
    "drift, compensated": [
        (text, (f"parts.xbar.errors.drift={{time: {time} s, nu: 0.06, nu_sigma: 0.02, compensated: yes}}",))
        for text, time in (("1 min", 60), ("1 h", 3600), ("1 day", 86_400))
    ],
}


def machine(*settings: str) -> Machine:
    """The plain machine with one thing changed."""
    return build(apply(parse(PLAIN, "plain.yaml"), settings))


def rows(task: Task) -> list[str]:
    """Lines of the table."""
    base = evaluate(machine(), task, 1, own_ranges=True)["perplexity"]
    found = [f"| none: float | | {base['float']['mean']:.4f} |"]
    found.append(f"| none: exact integers | 8 b | {base['quantised']['mean']:.4f} |")
    for axis, points in AXES.items():
        for text, settings in points:
            noisy = "parts.xbar" in settings[0]
            values = evaluate(machine(*settings), task, SEEDS if noisy else 1, own_ranges=True, exact=OTHERS)[
                "perplexity"
            ]
            analog = values["analog"]
            spread = f" ± {analog['std']:.2g}" if noisy else ""
            found.append(f"| {axis} | {text} | {analog['mean']:.4g}{spread} |")
            print(found[-1], flush=True)
    return found


def main() -> None:
    """Renew the table."""
    data = Path(os.environ.get("ARCHSIM_DATA") or ROOT.parent / "shared" / "data")
    task = load_task(data / "llama2c" / "stories260K.bin", data / "text" / "tinystories_sample.txt")
    table = "\n".join(["| what is not ideal | how much | perplexity |", "|---|---|---|", *rows(task)]) + "\n"
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + table + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
