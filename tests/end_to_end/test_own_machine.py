"""A machine that a user writes."""

import json
from pathlib import Path

from tests.end_to_end.command import archsim

MINE = """\
schema: archsim.machine/1
name: mine
parts:
  xbar: {class: crossbar, rows: 256, cols: 256, cell_bits: 8 b, read: {interval: 100 ns, energy: 5 nJ}}
  adc: {class: adc, bits: 8 b, convert: {rate: 1 GHz, energy: 1 pJ}}
  vector: {class: vector, lanes: 64, linear: {rate: 1 GHz, energy: 1 pJ}, special: {rate: 1 GHz, energy: 2 pJ}}
  mac: {class: mac, lanes: 256, mac: {rate: 1 GHz, energy: 1 pJ}}
modules:
  core: {parts: {xbar: 1, adc: 16}, path: xbar > adc, combine: {bits: analog, slices: analog, signs: analog}}
  chip: {parts: {core: 2000, vector: 8, mac: 8}}
recipes:
  linear: [mvm: core]
  matmul: [multiply_accumulate: mac]
  softmax: [exp: vector, sum: vector, reciprocal: vector, multiply: vector]
  layernorm:
    [mean: vector, subtract: vector, square: vector, mean: vector, rsqrt: vector, multiply subtract rsqrt: vector,
     multiply multiply weight: vector, add multiply.2 bias: vector]
  gelu: [gelu: vector]
  tanh: [tanh: vector]
  add: [add: vector]
  embedding: [add: vector]
"""


def test_a_machine_of_twenty_lines(tmp_path: Path) -> None:
    """Two parts on one path, and a vector unit for the rest."""
    (tmp_path / "mine.yaml").write_text(MINE)
    done = archsim("run", "mine.yaml", "bert-base", "--seq", "4", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert any("no area is given" in note for note in json.loads(done.stdout)["notes"])
