"""Messages of a wrong machine file, to the letter; and files broken at random, which must never show a traceback."""
# ruff: noqa: E501 - messages stand in one line, as they are printed

import random
from pathlib import Path

import pytest

from archsim.errors import ArchsimError, Fault
from archsim.machine.load import build, load_machine
from archsim.machine.source import parse
from archsim.resources import find

GOOD = """\
schema: archsim.machine/1
name: mine
source: made up for tests
status: assumed
parts:
  xbar: {class: crossbar, rows: 8, cols: 8, read: {interval: 10 ns}}
  adc:
    class: adc
    bits: 4 b
    convert: {rate: 1 GHz}
  vector: {class: vector, lanes: 4, linear: {interval: 1 ns}, special: {interval: 1 ns}}
modules:
  core: {parts: {xbar: 1, adc: 1}, path: xbar > adc, combine: {bits: analog, slices: analog, signs: analog}}
  chip:
    parts: {core: 4, vector: 1}
recipes:
  linear: [mvm: core]
  exp: [exp: vector]
"""

CASES = [
    (
        "bits: 4 b",
        "bitz: 4 b",
        "9:5  parts.adc.bitz: unknown key. Did you mean 'bits'? Known: area, bits, convert, errors, leakage, power.",
    ),
    (
        "bits: 4 b",
        "bits: 4",
        "9:11  parts.adc.bits: found '4', a bare number; expected a number of bits with its unit, such as '8 b'",
    ),
    (
        "rate: 1 GHz",
        "rate: 1 mW",
        "10:21  parts.adc.convert.rate: found '1 mW', a power; expected a frequency such as '1 GHz'",
    ),
    (
        "rate: 1 GHz",
        "rate: 1 GHx",
        "10:21  parts.adc.convert.rate: found '1 GHx'; unknown unit 'GHx'. Did you mean 'GHz'?",
    ),
    (
        "rate: 1 GHz",
        "rate: 1 GHz, interval: 1 ns",
        "10:14  parts.adc.convert: found both 'interval' and 'rate'; expected one of them",
    ),
    ("class: adc", "class: acd", None),
    (
        "schema: archsim.machine/1",
        "schema: archsim.machine/2",
        "1:9  schema: found 'archsim.machine/2'; expected 'archsim.machine/1'",
    ),
    ("xbar: 1, adc: 1", "xbar: 1, acd: 1", None),
    (
        "xbar > adc",
        "xbar > dac",
        "13:42  modules.core.path: 'dac' is not in this module. Did you mean 'adc'? Known: adc, xbar.",
    ),
    ("xbar > adc", "xbar > vector", None),
    ("exp: vector", "exq: vector", None),
    (
        "exp: vector",
        "exp: vectr",
        "18:14  recipes.exp[0].exp: no such part or module: 'vectr'. Did you mean 'vector'? Known: adc, chip, core, vector, xbar.",
    ),
    ("  exp: [exp", "  exq: [exp", None),
    ("core: 4, vector", "core: 1/2, vector", None),
    (
        "status: assumed",
        "status: guessed",
        "4:9  status: found 'guessed', which is no status. Known: assumed, derived, measured, simulated.",
    ),
    ("source: made up for tests", "source: shafiee2016", None),
    (
        "parts: {core: 4, vector: 1}",
        "parts: [core, vector]",
        "15:12  modules.chip.parts: found a list; expected a mapping of keys to values",
    ),
    ("rows: 8, ", "", "6:3  parts.xbar.rows: is missing. Required: rows, cols, read."),
    ("rows: 8", "rows: 0", None),
    ("rows: 8", "rows: [8]", None),
]


@pytest.mark.parametrize(("old", "new", "message"), CASES, ids=[new or "left out" for _, new, _ in CASES])
def test_a_fault_is_said_in_one_line_with_its_place(old: str, new: str, message: str | None) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(ArchsimError) as caught:
        build(parse(GOOD.replace(old, new), "mine.yaml"))
    lines = str(caught.value).splitlines()
    assert all(line.startswith("mine.yaml:") for line in lines), lines
    if message is not None:
        assert lines[0] == f"mine.yaml:{message}"


def test_all_faults_come_at_once_in_order() -> None:
    text = GOOD.replace("bits: 4 b", "bitz: 4 b").replace("rows: 8", "rows: eight").replace("lanes: 4", "lines: 4")
    with pytest.raises(ArchsimError) as caught:
        build(parse(text, "mine.yaml"))
    places = [fault.place for fault in caught.value.faults]
    assert None not in places
    assert places == sorted(place for place in places if place)
    assert len({place.line for place in places if place}) == 3


def test_the_good_file_is_good() -> None:
    assert build(parse(GOOD, "mine.yaml")).core == "core"


TEXTS = [path.read_text() for path in sorted((find("hw_configs") / "machines").glob("*.yaml"))]


@pytest.mark.parametrize("seed", range(150))
def test_a_file_broken_at_random_is_refused_or_read(seed: int) -> None:
    dice = random.Random(seed)
    lines = dice.choice(TEXTS).splitlines()
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(lines))
        line = lines[at]
        key, _, value = line.partition(": ")
        lines[at] = dice.choice(
            [
                "",
                line[1:],
                "  " + line,
                line + ": x",
                f"{key}: []",
                f"{key}: {{}}",
                f"{key}:",
                f"{key}x: {value}",
                line.replace("1", "0"),
                line.replace("m", "q"),
                f"{key}: {{value: {value}}}",
                line.replace("{", "["),
                dice.choice(lines),
                line.replace(" b", ""),
                line.replace("core", "tile"),
                line.replace(">", "+"),
            ]
        )
    for fault in faults_of("\n".join(lines)):
        assert "\n" not in fault.message
        assert fault.place is not None


def faults_of(text: str) -> tuple[Fault, ...]:
    """What is wrong with a file; anything but an ArchsimError is a bug."""
    try:
        build(parse(text, "broken.yaml"))
    except ArchsimError as error:
        return error.faults
    return ()


def test_extends_keeps_places_sources_and_refuses_circles(tmp_path: Path) -> None:
    child = tmp_path / "child.yaml"
    child.write_text("schema: archsim.machine/1\nextends: isaac\nname: child\nparts:\n  adc: {bits: 6 b}\n")
    machine = load_machine(child)
    assert machine.parts["adc"].bits == 6  # type: ignore[attr-defined]
    assert machine.provenance["parts", "adc", "bits"].source == "changed in child.yaml"
    assert machine.provenance["parts", "adc", "power"].source == "shafiee2016isaac"
    child.write_text(f"extends: {child.name}\n")
    with pytest.raises(ArchsimError, match=r"child.yaml:1:10  extends: 'child.yaml' extends this file in turn"):
        load_machine(child)
    child.write_text("extends: isaac\nname: child\nparts:\n  adc: {bitz: 6 b}\n")
    with pytest.raises(ArchsimError, match=r"child.yaml:4:9  parts.adc.bitz: unknown key. Did you mean 'bits'"):
        load_machine(child)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("parts.adc.bitz=6", "--set parts.adc.bitz=6:1:11  parts.adc.bitz: unknown key. Did you mean 'bits'?"),
        ("parts.adc.bits=6", "--set parts.adc.bits=6:1:16  parts.adc.bits: found '6', a bare number"),
        ("parts.adc", "--set parts.adc: expected KEY=VALUE, such as parts.xbar.rows=64"),
    ],
)
def test_settings_have_places_of_their_own(setting: str, message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        load_machine("isaac", [setting])
    assert str(caught.value).startswith(message)
