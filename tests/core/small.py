"""Small cores as YAML text, built up by keywords; what is asked of them, and how it went."""

from archsim.core.load import Load, full_core
from archsim.core.timing import Timer, Timing
from archsim.machine import Machine
from archsim.machine.fits import layout
from archsim.machine.load import build
from archsim.machine.source import parse

TEXT = """
schema: archsim.machine/1
name: small
source: made up for tests
status: assumed
precision: {{weights: 4 b, inputs: {inputs} b, outputs: 8 b}}
parts:
  ir: {{class: register, size: {size} b, width: 64 b, read: {{interval: 1 ns}}, write: {{{fill}}}}}
  dac: {{class: dac, bits: {dac_bits} b, drive: {{interval: {read} ns}}}}
  xbar: {{class: crossbar, rows: 8, cols: 8, cell_bits: 2 b, read: {{interval: {read} ns}}}}
  sh: {{class: sample_hold, sample: {{interval: {sample} ns}}}}
  adc: {{class: adc, bits: 4 b, convert: {{latency: {first}, interval: {convert}}}}}
  pr: {{class: register, size: {between} b, width: 16 b, read: {{interval: 1 ns}}, write: {{interval: 1 ns}}}}
  sa: {{class: shift_add, add: {{interval: {add}}}}}
  or: {{class: register, size: 64 b, width: 32 b, read: {{interval: 1 ns}}, write: {{{empty}}}}}
  relu: {{class: function, evaluate: {{interval: 50 ns}}}}
  memory: {{class: sram, size: 1 KiB, width: 16 b, read: {{interval: 1 ns}}, write: {{interval: 2 ns}}}}
  bus: {{class: bus, width: 32 b, transfer: {{interval: 1 ns}}}}
  tsa: {{class: shift_add, add: {{interval: 1 ns}}}}
  tr: {{class: register, size: 512 b, width: 32 b, read: {{interval: 1 ns}}, write: {{interval: 1 ns}}}}
modules:
  core:
    parts: {{ir: 1, dac: {dacs}, xbar: {xbars}, sh: {held}, adc: {adcs}, pr: 1, sa: 1, or: 1, relu: 1}}
    path: {path}
    combine: {{bits: {bits}, slices: {slices}, signs: {slices}}}
    slices_in: {slices_in}
    signs: {signs}
    {cycle}
  {tile}
  chip: {{parts: {{{inside}: 4}}}}
recipes: {{linear: [mvm: core]}}
"""

DEFAULTS = {
    "inputs": 4,
    "size": 64,
    "between": 64,
    "fill": "interval: 1 ns",
    "empty": "interval: 1 ns",
    "dac_bits": 1,
    "dacs": 8,
    "xbars": 1,
    "read": 10,
    "sample": 10,
    "first": "3 ns",
    "convert": "3 ns",
    "add": "1 ns",
    "adcs": 2,
    "held": 8,
    "path": "ir > dac + xbar + sh > adc > sa",
    "bits": "digital",
    "slices": "digital",
    "slices_in": "columns",
    "signs": "offset",
    "cycle": "",
    "tile": "",
    "inside": "core",
}


def small(*, tile_path: str = "", cores: int = 2, tile_cycle: str = "", **changes: object) -> Machine:
    """A core of one 8 x 8 array of 2-bit cells, 4-bit inputs and weights, two ADCs; in a tile if there is a path.

    4 outputs of 2 slices a core; a read takes 10 ns, the conversion of 8 columns 12 ns, their addition 8 ns.
    """
    if tile_path:
        parts = f"{{core: {cores}, memory: 1, bus: 1, tsa: 1, tr: 1, relu: 1}}"
        cycle = f", cycle: {tile_cycle}" if tile_cycle else ""
        changes |= {"tile": f"tile: {{parts: {parts}, path: {tile_path}{cycle}}}", "inside": "tile"}
    return build(parse(TEXT.format(**(DEFAULTS | changes)), "small.yaml"))


def load_of(machine: Machine) -> Load:
    """One core in full use."""
    return full_core(layout(machine.modules[machine.core], machine.parts, machine.precision))


def timing(machine: Machine, *, with_tile: bool = True) -> Timing:
    """Of one core in full use."""
    return Timer(machine).time(load_of(machine), with_tile=with_tile)


def times(found: Timing, stage: str, mvm: int = 0) -> list[tuple[int, int]]:
    """Start and finish of a stage's passes in one product, ns."""
    assert any(row[1] == stage for row in found.timeline), stage
    return [(row[3] // 1000, row[4] // 1000) for row in found.timeline if row[:2] == (mvm, stage)]
