"""Broken machine and model files, each with one thing wrong: what `archsim check` says of all of them, to the letter."""
# ruff: noqa: E501 - messages stand in one line, as they are printed

from pathlib import Path

from archsim.errors import did_you_mean
from archsim.machine.bibliography import bibliography
from tests.end_to_end.command import archsim

Case = tuple[str, str, list[str]]
"""What is replaced in a good file, by what, and the messages after the file's name."""

MACHINE = """\
schema: archsim.machine/1
name: mine
source: made up for tests
status: assumed
precision: {weights: 4 b, inputs: 4 b, outputs: 8 b}
parts:
  xbar: {class: crossbar, rows: 64, cols: 64, cell_bits: 4 b, read: {interval: 10 ns}, power: 1 mW}
  dac: {class: dac, bits: 4 b, drive: {interval: 10 ns}, power: 1 mW of 64}
  adc: {class: adc, bits: 8 b, convert: {rate: 1 GHz}, power: 2 mW}
  sa: {class: shift_add, add: {rate: 1 GHz}, power: 0.1 mW}
  unit: {class: vector, lanes: 4, linear: {interval: 1 ns}, special: {interval: 1 ns}, power: 1 mW}
  mac: {class: mac, lanes: 4, mac: {rate: 1 GHz}, power: 1 mW}
modules:
  core:
    parts: {dac: 64, xbar: 1, adc: 4, sa: 4}
    path: dac + xbar > adc > sa
    combine: {bits: digital, slices: digital, signs: digital}
  chip: {parts: {core: 64, unit: 1, mac: 1}}
recipes:
  linear: [mvm: core]
  matmul: [multiply_accumulate: mac]
  softmax: [exp: unit, sum: unit, reciprocal: unit, multiply: unit]
  layernorm: [mean: unit, subtract: unit, square: unit, mean: unit, rsqrt: unit, multiply subtract rsqrt: unit, multiply multiply weight: unit, add multiply.2 bias: unit]
  gelu: [gelu: unit]
  tanh: [tanh: unit]
  add: [add: unit]
  embedding: [add: unit]
"""

MODEL = """\
schema: archsim.model/1
name: tiny
architecture: encoder
layers: 2
hidden: 32
heads: 2
ffn: 64
vocabulary: 100
positions: 64
"""

MACHINES: list[Case] = [
    (
        "schema: archsim.machine/1",
        "schema: archsim.machine/2",
        ["1:9  schema: found 'archsim.machine/2'; expected 'archsim.machine/1'"],
    ),
    (
        "schema: archsim.machine/1\n",
        "",
        [
            "1:1  has no 'schema'; expected archsim.machine/1, archsim.mapping/1, archsim.model/1, archsim.network/1 or archsim.study/1"
        ],
    ),
    (
        "name: mine",
        "nmae: mine",
        [
            "2:1  nmae: unknown key. Did you mean 'name'? Known: chips, description, digital, digital_weights, function_cores, fusion, kv_cache, mapping, modules, name, parts, precision, … and 2 more."
        ],
    ),
    (
        "bits: 8 b, convert",
        "bitz: 8 b, convert",
        ["9:21  parts.adc.bitz: unknown key. Did you mean 'bits'? Known: area, bits, convert, errors, leakage, power."],
    ),
    (
        "power: 2 mW",
        "power: 2",
        ["9:63  parts.adc.power: found '2', a bare number; expected a power with its unit, such as '2 mW'"],
    ),
    (
        "power: 2 mW",
        "power: 2 mV",
        ["9:63  parts.adc.power: found '2 mV', a voltage; expected a power such as '2 mW'"],
    ),
    (
        "power: 2 mW",
        "power: -2 mW",
        ["9:63  parts.adc.power: found '-2 mW'; it must not be negative"],
    ),
    (
        "power: 2 mW",
        "power: two mW",
        ["9:63  parts.adc.power: found 'two mW'; expected a power such as '2 mW'"],
    ),
    (
        "rate: 1 GHz}, power: 2 mW",
        "rate: 1 GHz, interval: 1 ns}, power: 2 mW",
        ["9:41  parts.adc.convert: found both 'interval' and 'rate'; expected one of them"],
    ),
    (
        "rows: 64",
        "rows: 64.5",
        ["7:33  parts.xbar.rows: found '64.5'; expected a whole number such as '8', digits only"],
    ),
    (
        "rows: 64",
        "rows: 0",
        ["7:33  parts.xbar.rows: found '0'; expected at least 1"],
    ),
    (
        "class: adc,",
        "class: acd,",
        [
            "9:16  parts.adc.class: unknown part class 'acd'. Did you mean 'adc'? Known: acam, adc, adder, buffer, bus, crossbar, dac, dram, edram, flex_sfu, function, gray_decoder, … and 10 more."
        ],
    ),
    (
        "class: adc,",
        "class: my_parts:MyAdc,",
        [
            "9:16  parts.adc.class: part class 'my_parts:MyAdc': cannot import my_parts (ModuleNotFoundError: No module named 'my_parts'). Is it installed, or on PYTHONPATH?"
        ],
    ),
    (
        "{class: adc, ",
        "{",
        [
            "9:3  parts.adc: needs a 'class'. Known: acam, adc, adder, buffer, bus, crossbar, dac, dram, edram, flex_sfu, function, gray_decoder, … and 10 more."
        ],
    ),
    (
        "adc: 4, sa: 4",
        "adc: 5, sa: 4",
        [
            "16:11  modules.core.path: 'xbar' gives 64 lanes, 'adc' takes 5; expected a whole number of the first for each of the second",
            "16:11  modules.core.path: 'adc' gives 5 lanes, 'sa' takes 4; expected a whole number of the first for each of the second",
        ],
    ),
    (
        "adc: 4, sa: 4",
        "acd: 4, sa: 4",
        [
            "15:31  modules.core.parts.acd: no such part or module. Did you mean 'adc'? Known: adc, chip, core, dac, mac, sa, unit, xbar.",
            "16:11  modules.core.path: 'adc' is not in this module. Did you mean 'acd'? Known: acd, dac, sa, xbar.",
        ],
    ),
    (
        "path: dac + xbar > adc > sa",
        "path: dac + xbar > acd > sa",
        ["16:11  modules.core.path: 'acd' is not in this module. Did you mean 'adc'? Known: adc, dac, sa, xbar."],
    ),
    (
        "path: dac + xbar > adc > sa",
        "path: dac + xbar > > sa",
        ["16:11  modules.core.path: found nothing between two marks; expected names joined by '>' and '+'"],
    ),
    (
        "path: dac + xbar > adc > sa",
        "path: adc > xbar + dac > sa",
        [
            "16:11  modules.core.path: 'adc' gives 4 lanes, 'xbar' takes 64; expected a whole number of the first for each of the second"
        ],
    ),
    (
        "path: dac + xbar > adc > sa",
        "path: dac > adc > sa",
        ["14:3  modules: expected one module whose path goes through a crossbar, the core; found none"],
    ),
    (
        "bits: digital, slices",
        "bits: digitl, slices",
        ["17:21  modules.core.combine.bits: found 'digitl'; expected 'analog' or 'digital'"],
    ),
    (
        "softmax: [exp: unit,",
        "softmax: [exq: unit,",
        [
            "22:13  recipes.softmax[0].exq: 'unit' does not do 'exq'. Did you mean 'exp'? Known: absolute, add, argmax, clip, exp, gelu, log, maximum, mean, minimum, multiply, multiply_accumulate, … and 11 more."
        ],
    ),
    (
        "softmax: [exp: unit,",
        "softmax: [exp: unti,",
        [
            "22:18  recipes.softmax[0].exp: no such part or module: 'unti'. Did you mean 'unit'? Known: adc, chip, core, dac, mac, sa, unit, xbar."
        ],
    ),
    (
        "softmax: [exp: unit,",
        "softmax: [exp: xbar,",
        ["22:13  recipes.softmax[0].exp: 'xbar' does not do 'exp'. Known: mvm."],
    ),
    (
        "chip: {parts: {core: 64, unit: 1, mac: 1}}",
        "chip: {parts: {core: 64, unit: 1, mac: 1, chip: 1}}",
        ["18:3  modules.chip: holds itself"],
    ),
    (
        "chip: {parts: {core: 64, unit: 1, mac: 1}}",
        "chip: {parts: {core: 64, unit: 1}}",
        [
            "21:33  recipes.matmul[0].multiply_accumulate: 'mac' stands in no module; a part that does steps stands in exactly one module"
        ],
    ),
    (
        "name: mine",
        "name: mine\nname: yours",
        ["3:1  name: duplicate key; first written at FILE:2:1. Keep one of them"],
    ),
    (
        "    path:",
        "\tpath:",
        ["16:1  found a tab where spaces are expected; indent with spaces"],
    ),
    (
        "source: made up for tests",
        "source: shafiee2061isaac",
        [
            f"3:9  source: source 'shafiee2061isaac' is not in the bibliography. {did_you_mean('shafiee2061isaac', bibliography())} A reference in words is welcome too."
        ],
    ),
    (
        "status: assumed",
        "status: guessed",
        ["4:9  status: found 'guessed', which is no status. Known: assumed, derived, measured, simulated."],
    ),
    (
        "parts: {dac: 64,",
        "parts: {dac: 64",
        ["15:25  the '{' opened at FILE:15:12 is not closed; expected ',' or '}'"],
    ),
    (
        "adc: 4, sa: 4",
        "adc: 1/0, sa: 4",
        ["15:36  modules.core.parts.adc: found '1/0'; a ratio cannot be over 0"],
    ),
]

MODELS: list[Case] = [
    (
        "layers: 2",
        "layers: two",
        ["4:9  layers: found 'two'; expected a whole number such as '8'"],
    ),
    (
        "heads: 2",
        "heads: 3",
        ["6:8  heads: 'hidden' 32 is not a multiple of 'heads' 3"],
    ),
    (
        "ffn: 64\n",
        "",
        ["1:1  ffn: is missing. Required: schema, name, architecture, layers, hidden, ffn."],
    ),
    (
        "architecture: encoder",
        "architecture: encodr",
        ["3:15  architecture: found 'encodr'; expected 'encoder', 'decoder' or 'encoder-decoder'"],
    ),
    (
        "vocabulary: 100",
        "vocabulary: 100\nvocabulry: 100",
        [
            "9:1  vocabulry: unknown key. Did you mean 'vocabulary'? Known: activation, architecture, attention_pooler, audio, bias, buckets, causal, classes, decoder_layers, description, embedding, embedding_norm, … and 72 more."
        ],
    ),
    (
        "name: tiny",
        "name: [tiny]",
        ["2:7  name: found a list; expected one value"],
    ),
    (
        "layers: 2",
        "layers: 1000000",
        ["4:9  layers: found 1000000 layers; expected at most 400"],
    ),
]


def broken(folder: Path, good: str, cases: list[Case], prefix: str) -> list[str]:
    """Write a file for each case; the messages that are expected."""
    expected = []
    for number, (old, new, messages) in enumerate(cases):
        assert good.count(old) == 1, old
        name = f"{prefix}{number:02}.yaml"
        (folder / name).write_text(good.replace(old, new))
        expected += [f"{name}:{message}".replace("FILE", name) for message in messages]
    return expected


def test_good_files_are_good(tmp_path: Path) -> None:
    (tmp_path / "machine.yaml").write_text(MACHINE)
    (tmp_path / "model.yaml").write_text(MODEL)
    done = archsim("check", "machine.yaml", "model.yaml", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "machine.yaml: machine mine, 6 parts",
        "model.yaml: model tiny, 22,400 parameters",
    ]


def test_all_faults_of_all_files_are_said_to_the_letter(tmp_path: Path) -> None:
    expected = broken(tmp_path, MODEL, MODELS, "d") + broken(tmp_path, MACHINE, MACHINES, "m")
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len(files) >= 39
    done = archsim("check", *files, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == expected
