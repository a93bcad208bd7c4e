"""Small cores as YAML text, built up by keywords."""

from archsim.machine import Machine
from archsim.machine.load import build
from archsim.machine.source import parse

TEXT = """
schema: archsim.machine/1
name: small
source: made up for tests
status: assumed
precision: {{weights: 4 b, inputs: {inputs} b, outputs: 8 b}}
parts:
  ir: {{class: register, size: {size} b, width: 64 b, read: {{interval: 1 ns}}, write: {{interval: 1 ns}}}}
  dac: {{class: dac, bits: {dac_bits} b, drive: {{interval: {read} ns}}}}
  xbar: {{class: crossbar, rows: 8, cols: 8, cell_bits: 2 b, read: {{interval: {read} ns}}}}
  sh: {{class: sample_hold, sample: {{interval: {read} ns}}}}
  adc: {{class: adc, bits: 4 b, convert: {{latency: {first}, interval: {convert}}}}}
  sa: {{class: shift_add, add: {{interval: {add}}}}}
modules:
  core:
    parts: {{ir: 1, dac: 8, xbar: 1, sh: {held}, adc: {adcs}, sa: 1}}
    path: {path}
    combine: {{bits: {bits}, slices: {slices}, signs: {slices}}}
    {cycle}
  chip: {{parts: {{core: 4}}}}
recipes: {{linear: [mvm: core]}}
"""

DEFAULTS = {
    "inputs": 4,
    "size": 64,
    "dac_bits": 1,
    "read": 10,
    "first": "3 ns",
    "convert": "3 ns",
    "add": "1 ns",
    "adcs": 2,
    "held": 8,
    "path": "ir > dac + xbar + sh > adc > sa",
    "bits": "digital",
    "slices": "digital",
    "cycle": "",
}


def small(**changes: object) -> Machine:
    """A core of one 8 x 8 array of 2-bit cells, 4-bit inputs and weights, two ADCs."""
    return build(parse(TEXT.format(**(DEFAULTS | changes)), "small.yaml"))
