"""Checks of a machine as a whole: names, tree, paths, helpers, lanes, recipes, each message to the letter."""
# ruff: noqa: E501 - messages stand in one line, as they are printed

from fractions import Fraction

import pytest

from archsim.errors import ArchsimError
from archsim.machine import Machine
from archsim.machine.load import build
from archsim.machine.source import parse

GOOD = """\
schema: archsim.machine/1
name: mine
precision: {weights: 8 b, inputs: 8 b, outputs: 8 b}
parts:
  xbar: {class: crossbar, rows: 16, cols: 16, cell_bits: 4 b, read: {interval: 64 ns}, power: 4 mW of 2, area: 2 um2}
  dac: {class: dac, bits: 4 b, drive: {interval: 64 ns}}
  adc: {class: adc, bits: 8 b, convert: {interval: 4 ns}, power: 1 mW, area: 3 um2}
  sa: {class: shift_add, add: {interval: 4 ns}}
  memory: {class: sram, size: 4 KiB, width: 64 b, read: {interval: 4 ns}, write: {interval: 4 ns}, power: 2 mW, leakage: 1 mW}
  router: {class: router, width: 32 b, ports: 5, hop: {interval: 4 ns, latency: 8 ns}, power: 4 mW, area: 8 um2}
  link: {class: link, width: 64 b, send: {interval: 64 ns}}
  vector: {class: vector, lanes: 4, linear: {interval: 4 ns}, special: {interval: 8 ns}}
  sigmoid: {class: function, evaluate: {interval: 4 ns}}
modules:
  core:
    parts: {xbar: 2, dac: 32, adc: 4, sa: 2}
    path: dac + xbar > adc > sa
    combine: {bits: digital, slices: digital, signs: digital}
  tile:
    parts: {core: 2, memory: 1, router: 1/4}
    path: memory + core > memory
    memory: memory
  digital:
    parts: {vector: 1}
  chip:
    parts: {tile: 16, digital: 8, link: 1}
    mesh: {router: router, columns: 2}
chips: {count: auto, link: link}
recipes:
  linear: [mvm: core]
  exp: [exp: vector]
kv_cache: [memory]
"""
PATH = "dac + xbar > adc > sa"
TILE_PATH = "memory + core > memory"


def machine(*changes: tuple[str, str]) -> Machine:
    text = GOOD
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return build(parse(text, "m.yaml"))


def refusal(*changes: tuple[str, str]) -> list[str]:
    with pytest.raises(ArchsimError) as caught:
        machine(*changes)
    return str(caught.value).splitlines()


def test_the_tree() -> None:
    """2 crossbars of 2 mW and 2 um2, 4 converters of 1 mW and 3 um2; a quarter of a router in a tile, 4 in a chip."""
    good = machine()
    assert (good.root, good.tile, good.core) == ("chip", "tile", "core")
    assert good.count("xbar") == 64
    assert good.count("router") == 4
    assert good.count("adc", "tile") == 8
    assert good.area("core") == 16
    assert good.area("tile") == 34
    assert good.peak_power("core") == 8_000_000
    assert good.peak_power("tile") == 19_000_000
    assert good.static_power("chip") == 16_000_000
    assert ("tile", "router", Fraction(4)) in list(good.walk())
    assert good.modules["core"].path == (("dac", "xbar"), ("adc",), ("sa",))
    assert (good.holder("vector"), good.holder("chip")) == ("digital", None)
    assert good.find("memory", "tile") == ("memory",)


NAMES = [
    ((PATH, "dac + xbr > adc > sa"), "17:11  modules.core.path: 'xbr' is not in this module. Did you mean 'xbar'? Known: adc, dac, sa, xbar."),
    (("vector: 1}", "vectr: 1}"), "24:13  modules.digital.parts.vectr: no such part or module. Did you mean 'vector'?"),
    (("vector: 1}", "vector: 0}"), "24:21  modules.digital.parts.vector: found 0; expected at least 1, or leave it out"),
    (("vector: 1}", "vector: 2/3}"), "24:21  modules.digital.parts.vector: found 2/3; expected a whole number, or 1/N for a part that N modules share"),
    (("vector: 1}", "vector: 2000000}"), "24:21  modules.digital.parts.vector: found 2000000; expected at most 1,000,000"),
    (("vector: 1}", "vector: one}"), "24:21  modules.digital.parts.vector: found 'one'; expected a ratio such as '1/4'"),
    (("tile: 16", "tile: 1/2"), "26:19  modules.chip.parts.tile: found 1/2; expected a whole number, since only parts are shared"),
    (("parts: {vector: 1}", "parts: {}"), "24:12  modules.digital.parts: is empty; expected parts with their counts"),
    (("  sigmoid:", "  sig moid:"), "13:3  parts.sig moid: expected a name of letters, digits, '_' and '-'"),
    (("  sigmoid:", "  value:"), "13:3  parts.value: the key 'value' stands for a number; expected another name"),
    (("  sigmoid:", "  digital:"), "23:3  modules.digital: 'digital' is also a part; give one of them another name"),
]  # fmt: skip
TREE = [
    (("vector: 1}", "vector: 1, chip: 1}"), "23:3  modules.digital: holds itself, through others"),
    (("vector: 1}", "vector: 1, digital: 1}"), "23:3  modules.digital: holds itself"),
    (("digital: 8, ", ""), "25:3  modules.chip: stands in no other module, and neither does 'digital'; expected one outermost module"),
    ((PATH, "dac > adc > sa"), "15:3  modules: expected one module whose path goes through a crossbar, the core; found none"),
    (("{vector: 1}", "{vector: 1, xbar: 1}\n    path: xbar"), "25:11  modules.digital.path: goes through a crossbar, as that of 'core' does; expected one core"),
    (("{vector: 1}", "{vector: 1, core: 1}"), "24:24  modules.digital.parts.core: stands in 'tile' and 'digital'; expected cores in one module"),
    (("{vector: 1}", "{vector: 1, sa: 1}\n    path: sa"), "25:5  modules.digital.path: is of no use here; expected in the core and what holds it, 'core' and 'tile'"),
    (("{vector: 1}", "{vector: 1}\n    cycle: 1 ns"), "25:5  modules.digital.cycle: is of no use without a path"),
    (("{vector: 1}", "{vector: 1}\n    signs: offset"), "25:5  modules.digital.signs: is of no use here; expected in the core, 'core'"),
    (("memory: memory\n", "memory: memory\n    mesh: {router: router, columns: 2}\n"), "28:5  modules.chip.mesh: 'tile' has one too; expected one mesh"),
    (("{core: 2, memory: 1", "{core: 2, digital: 1, memory: 1"), None),
]  # fmt: skip
PATHS = [
    ((PATH, "dac + xbar > > adc > sa"), "17:11  modules.core.path: found nothing between two marks; expected names joined by '>' and '+'"),
    ((PATH, "''"), "17:11  modules.core.path: found nothing; expected a name"),
    ((PATH, "[dac, xbar]"), "17:11  modules.core.path: found a list; expected one value"),
    ((TILE_PATH, "memory + core + router > memory"), "21:11  modules.tile.path: 'router' is of class 'Router', which stands beside paths, not on them"),
    (("memory: 1, router", "memory: 1/2, router"), "21:11  modules.tile.path: 'memory' is shared, 1/2 in each 'tile'; expected a whole one"),
    ((PATH, "dac + xbar > adc > sa > xbar"), "17:11  modules.core.path: goes through more than one crossbar; expected one"),
    (("    combine: {bits: digital, slices: digital, signs: digital}\n", ""), "15:3  modules.core: is missing 'combine', such as {bits: digital, slices: digital, signs: digital}"),
    ((PATH, "dac + xbar > adc"), "17:11  modules.core.path: bits, slices or signs are combined digitally, but no shift-add stands on the path"),
    (("adc: 4", "adc: 6"), "17:11  modules.core.path: 'xbar' gives 32 lanes, 'adc' takes 6; expected a whole number of the first for each of the second"),
    (("dac: 32", "dac: 24"), "17:11  modules.core.path: 'dac' gives 24 lanes, 'xbar' takes 32; expected a whole number of the first for each of the second"),
]  # fmt: skip
WEIGHTS = [
    (("cols: 16", "cols: 1"), "15:3  modules.core: a weight of 8 bits needs 2 columns, 'xbar' has 1"),
    (("    combine", "    slices_in: arrays\n    signs: arrays\n    combine"), "15:3  modules.core: a weight of 8 bits needs 4 arrays, a core has 2 of 'xbar'"),
    (("cell_bits: 4 b", "cell_bits: 4 b, slices: 1"), "5:71  parts.xbar.slices: a weight of 8 bits does not fit 1 x 4 bits of cells; expected more slices"),
]  # fmt: skip
HELPERS = [
    (("memory: memory\n", "memory: router\n"), "22:13  modules.tile.memory: found 'router'; expected a memory of this module. Known: memory."),
    (("{vector: 1}", "{vector: 1}\n    memory: memory"), "25:13  modules.digital.memory: found 'memory'; expected a memory of this module. Known: none."),
    (("{router: router", "{router: link"), "27:20  modules.chip.mesh.router: found 'link'; expected a router that stands in this module. Known: router."),
    (("{vector: 1}", "{vector: 1, router: 1}"), "27:20  modules.chip.mesh.router: 'router' stands in 'tile' and 'digital'; expected exactly one module"),
    (("link: link", "link: router"), "28:28  chips.link: found 'router'; expected a link between chips. Known: link."),
    ((", link: 1}", "}"), "28:28  chips.link: 'link' stands in no module; expected exactly one module"),
    (("kv_cache: [memory]", "kv_cache: [memory, vector]"), "32:20  kv_cache[1]: found 'vector'; expected a memory. Known: memory."),
    (("kv_cache: [memory]", "kv_cache: memory"), "32:11  kv_cache: found 'memory'; expected a list in [ ]"),
    (("columns: 2", "columns: 0"), "27:37  modules.chip.mesh.columns: found '0'; expected at least 1"),
    (("count: auto", "count: 0"), "28:16  chips.count: found '0'; expected 'auto' or a whole number of at least 1"),
    (("count: auto", "count: ''"), "28:16  chips.count: found nothing; expected 'auto' or a whole number of at least 1"),
]  # fmt: skip
RECIPES = [
    (("  exp: [exp", "  exq: [exp"), "31:3  recipes.exq: unknown operator. Did you mean 'exp'?"),
    (("[exp: vector]", "[]"), "31:8  recipes.exp: is empty; expected steps, such as [exp: vector, sum: vector]"),
    (("[exp: vector]", "[{}]"), "31:8  recipes.exp: is empty; expected steps, such as [exp: vector, sum: vector]"),
    (("[exp: vector]", "exp"), "31:8  recipes.exp: found 'exp'; expected a list in [ ]"),
    (("[exp: vector]", "[exp]"), "31:9  recipes.exp[0]: found 'exp'; expected a mapping of keys to values"),
    (("[exp: vector]", "[exp: ]"), "31:14  recipes.exp[0].exp: found nothing; expected a name"),
    (("[exp: vector]", "[exq: vector]"), "31:9  recipes.exp[0].exq: 'vector' does not do 'exq'. Did you mean 'exp'? Known: absolute, add, argmax, clip, exp, gelu, log, maximum, mean, minimum, multiply, multiply_accumulate, … and 11 more."),
    (("[exp: vector]", "[exp: vectr]"), "31:14  recipes.exp[0].exp: no such part or module: 'vectr'. Did you mean 'vector'?"),
    (("[exp: vector]", "[exp third: vector]"), "31:9  recipes.exp[0].exp third: no operand 'third' before it. Known: input."),
    (("[exp: vector]", "[exp: adc]"), "31:9  recipes.exp[0].exp: 'adc' does not do 'exp'. Known: convert."),
    (("[exp: vector]", "[exp: chip]"), "31:14  recipes.exp[0].exp: 'chip' is a module; expected a part, or the core, 'core'"),
    (("[exp: vector]", "[sigmoid: sigmoid]"), "31:18  recipes.exp[0].sigmoid: 'sigmoid' stands in no module; a part that does steps stands in exactly one module"),
    (("router: 1/4}", "router: 1/4, vector: 1}"), "31:14  recipes.exp[0].exp: 'vector' stands in 'tile' and 'digital'; a part that does steps stands in exactly one module"),
    (("vector: 1}", "vector: 1/2}"), "31:14  recipes.exp[0].exp: 'vector' is shared, 1/2 in each 'digital'; expected a whole one"),
    (("[exp: vector]", "[mvm: core]"), "31:8  recipes.exp: 'mvm' multiplies by what is written into the core's arrays; expected [write: core, mvm: core], in matmul, scores, context alone"),
    (("[exp: vector]", "[exp: vector]\n  matmul: [mvm: core]"), "32:11  recipes.matmul: 'mvm' multiplies by what is written into the core's arrays; expected [write: core, mvm: core], in matmul, scores, context alone"),
    (("[mvm: core]", "[multiply: vector]"), "30:11  recipes.linear: a projection is one product in the core; expected [mvm: core]"),
]  # fmt: skip
SIZES = [
    (("weights: 8 b", "weights: 0 b"), "3:22  precision.weights: found '0 b'; expected a whole number of bits, at least 1"),
    (("weights: 8 b", "weights: 128 b"), "3:22  precision.weights: found '128 b'; expected a whole number of bits, at most 64"),
    (("inputs: 8 b", "inputs: 7.5 b"), "3:35  precision.inputs: found '7.5 b'; expected a whole number of bits, at least 1"),
    (("dac, bits: 4 b", "dac, bits: 0 b"), "6:27  parts.dac.bits: found '0 b'; expected a whole number of bits, at least 1"),
    (("rows: 16", "rows: 0"), "5:33  parts.xbar.rows: found '0'; expected at least 1"),
    (("cell_bits: 4 b", "cell_bits: {value: 0 b}"), "5:66  parts.xbar.cell_bits: found '0 b'; expected a whole number of bits, at least 1"),
    (("hop: {interval: 4 ns", "hop: {interval: 0 ns"), "10:66  parts.router.hop.interval: found '0 ns'; expected more than 0"),
    (("slices: digital", "slices: digtal"), "18:38  modules.core.combine.slices: found 'digtal'; expected 'analog' or 'digital'"),
    (("lanes: 4, ", ""), "12:3  parts.vector.lanes: is missing. Required: lanes, linear, special."),
    (("class: adc, ", ""), "7:3  parts.adc: needs a 'class'. Known: acam, adc, adder,"),
    (("class: adc, ", "class: [adc], "), "7:3  parts.adc: found a list as its class; expected a name. Known: acam, adc, adder,"),
    (("leakage: 1 mW", "leakage: 3 mW"), "9:11  parts.memory: 'leakage' is more than 'power', of which it is a part"),
    (("  sigmoid: {class: function, evaluate: {interval: 4 ns}}\n", "  sigmoid: x\n"), "13:12  parts.sigmoid: found 'x'; expected a mapping of keys to values"),
    (("  sigmoid: {class: function, ", "  sigmoid: {class: function, sorce: x, "), "13:30  parts.sigmoid.sorce: unknown key. Did you mean 'source'? Known: area, evaluate, format, leakage, power, source."),
    (("name: mine", "name: mine\nsorce: x"), "3:1  sorce: unknown key. Did you mean 'source'?"),
    (("name: mine", "name: mine\nsource: shafiee2016"), "3:9  source: source 'shafiee2016' is not in the bibliography. Did you mean 'shafiee2016isaac'?"),
]  # fmt: skip
ALL = [*NAMES, *TREE, *PATHS, *WEIGHTS, *HELPERS, *RECIPES, *SIZES]


@pytest.mark.parametrize(("change", "message"), ALL, ids=[f"{old}->{new}"[:60] for (old, new), _ in ALL])
def test_a_fault_is_one_line_with_its_place(change: tuple[str, str], message: str | None) -> None:
    if message is None:
        assert machine(change).core == "core"
        return
    lines = refusal(change)
    assert [line for line in lines if line.startswith(f"m.yaml:{message}")] == lines[:1]
    assert len(lines) == 1


def test_faults_of_parts_of_shape_and_of_meaning_come_together() -> None:
    changes = [("dac, bits: 4 b", "dac, bitz: 4 b"), ("vector: 1}", "vectr: 1}"), ("  exp: [exp", "  exq: [exp")]
    changes += [("router: router", "router: ruter"), ("name: mine", "name: mine\nstatus: guessed")]
    assert [line.partition("  ")[0] for line in refusal(*changes)] == [
        f"m.yaml:{at}" for at in ("3:9", "7:21", "25:13", "28:20", "32:3")
    ]


def test_nothing_is_said_of_what_hangs_on_a_broken_part() -> None:
    for part in ("xbar", "memory", "router", "link", "vector", "adc"):
        assert len(refusal((f"  {part}: {{class: ", f"  {part}: {{lenght: 1, class: "))) == 1


def test_a_path_of_functions_and_memories_needs_no_lanes() -> None:
    changes = ("memory: 1, router", "memory: 1, sigmoid: 3, router"), (TILE_PATH, "memory + core > sigmoid > memory")
    assert machine(*changes).tile == "tile"


def test_a_memory_that_units_work_with_is_their_own() -> None:
    changes = ("{vector: 1}", "{vector: 1, memory: 1/4}\n    memory: memory"), ("kv_cache: [memory]\n", "")
    assert refusal(*changes) == [
        "m.yaml:25:13  modules.digital.memory: 'memory' is shared, 1/4 in each 'digital'; expected a whole one"
    ]


def test_the_core_may_be_the_outermost_module() -> None:
    text = GOOD.partition("  tile:")[0] + "recipes: {linear: [mvm: core]}\n"
    found = build(parse(text, "m.yaml"))
    assert found.root == found.core == found.tile == "core"
    with pytest.raises(ArchsimError, match=r"chips.link: the core, 'core', is the outermost module; expected chips"):
        build(parse(text.replace("sa: 2}", "sa: 2, link: 1}") + "chips: {link: link}\n", "m.yaml"))
