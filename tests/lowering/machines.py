"""Small machines and models, as YAML text, for tests of whole runs."""

from archsim.graph import Graph
from archsim.graph.load import build as build_model
from archsim.machine import Machine
from archsim.machine.load import build as build_machine
from archsim.machine.source import parse

FREE_TRANSFERS = """
schema: archsim.machine/1
name: equal-stages
source: made up for tests
status: assumed
precision: {weights: 8 b, inputs: 8 b, outputs: 8 b}
parts:
  xbar: {class: crossbar, rows: 32, cols: 64, cell_bits: 8 b, read: {interval: 1 us, energy: 10 pJ}, area: 1 um2}
  adc: {class: adc, bits: 8 b, convert: {interval: 10 ns, energy: 1 pJ}, area: 1 um2}
  mac: {class: mac, lanes: 65536, mac: {interval: 2 ps, energy: 1 pJ}, area: 1 um2}
  vector: {class: vector, lanes: 65536, linear: {interval: 2 ps, energy: 1 pJ}, special: {interval: 2 ps, energy: 1 pJ}, area: 1 um2}
modules:
  core: {parts: {xbar: 1, adc: 64}, path: xbar + adc, combine: {bits: analog, slices: analog, signs: analog}}
  chip: {parts: {core: 64, mac: 1, vector: 1}}
recipes:
  linear: [mvm: core]
  matmul: [multiply_accumulate: mac]
  softmax: [maximum: vector, subtract: vector, exp: vector, sum: vector, reciprocal: vector, multiply: vector]
  layernorm: [sum: vector, subtract: vector, square: vector, sum: vector, rsqrt: vector, multiply: vector, add: vector]
  gelu: [gelu: vector]
  tanh: [tanh: vector]
  add: [add: vector]
  embedding: [add: vector]
"""

MESH = """
schema: archsim.machine/1
name: meshed
source: made up for tests
status: assumed
precision: {weights: 8 b, inputs: 8 b, outputs: 8 b}
parts:
  xbar: {class: crossbar, rows: 16, cols: 16, cell_bits: 4 b, read: {interval: RATE64}, power: 1 mW, area: 1 um2}
  dac: {class: dac, bits: 4 b, drive: {interval: RATE64}, power: 1 mW, area: 1 um2}
  adc: {class: adc, bits: 8 b, convert: {interval: RATE4}, power: 1 mW, area: 1 um2}
  sh: {class: sample_hold, sample: {interval: RATE64}, power: 1 uW, area: 1 um2}
  sa: {class: shift_add, add: {interval: RATE4}, power: 1 mW, area: 1 um2}
  memory: {class: sram, size: 4 KiB, width: 64 b, read: {interval: RATE4}, write: {interval: RATE4}, power: 1 mW, leakage: 1 uW, area: 1 um2}
  store: {class: sram, size: 4 KiB, width: 64 b, read: {interval: RATE4}, write: {interval: RATE4}, power: 1 mW, leakage: 1 uW, area: 1 um2}
  router: {class: router, width: 32 b, ports: 5, hop: {interval: RATE4, latency: RATE8}, power: 1 mW, area: 1 um2}
  link: {class: link, width: 64 b, send: {interval: RATE64, latency: RATE64}, power: 1 mW, area: 1 um2}
  mac: {class: mac, lanes: 8, mac: {interval: RATE4}, power: 1 mW, area: 1 um2}
  vector: {class: vector, lanes: 4, linear: {interval: RATE4}, special: {interval: RATE8}, power: 1 mW, area: 1 um2}
modules:
  core: {parts: {xbar: 2, dac: 32, sh: 32, adc: 4, sa: 2}, path: dac + xbar + sh > adc > sa, combine: {}}
  tile: {parts: {core: 2, memory: 1, router: 1}, path: memory + core > memory, memory: memory}
  digital: {parts: {store: 1, mac: 1, vector: 1}, memory: store}
  chip: {parts: {tile: 16, digital: 8, link: 1}, mesh: {router: router, columns: 4}}
chips: {count: auto, link: link}
recipes:
  linear: [mvm: core]
  matmul: [multiply_accumulate: mac]
  softmax: [maximum: vector, subtract: vector, exp: vector, sum: vector, reciprocal: vector, multiply: vector]
  layernorm: [sum: vector, subtract: vector, square: vector, sum: vector, rsqrt: vector, multiply: vector, add: vector]
  gelu: [gelu: vector]
  tanh: [tanh: vector]
  add: [add: vector]
  embedding: [add: vector]
"""

TINY = """
schema: archsim.model/1
name: tiny
architecture: encoder
layers: LAYERS
hidden: 32
heads: 2
ffn: 32
vocabulary: 100
positions: 4096
causal: CAUSAL
"""


def machine(text: str) -> Machine:
    """A machine of YAML text."""
    return build_machine(parse(text, "machine.yaml"))


def meshed(unit: int = 2) -> Machine:
    """A machine with a mesh, chip links, stores; all times are multiples of `unit` ps."""
    text = MESH
    for factor in (64, 8, 4):
        text = text.replace(f"RATE{factor}", f"{factor * unit} ps")
    return machine(text)


def tiny(layers: int = 2, *, causal: bool = False) -> Graph:
    """A transformer of equal layers."""
    text = TINY.replace("LAYERS", str(layers)).replace("CAUSAL", str(causal).lower())
    return build_model(parse(text, "tiny.yaml"))
