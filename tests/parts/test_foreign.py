"""Part classes of a user's own come in by the door that archsim's own take; a broken one is refused in words."""
# ruff: noqa: E501 - messages stand in one line, as they are printed

from fractions import Fraction

import pytest

from archsim import registry
from archsim.errors import ArchsimError
from archsim.machine import Machine
from archsim.machine.load import build
from archsim.machine.source import parse
from archsim.parts.base import Part
from archsim.parts.wellformed import flaws

MACHINE = """\
schema: archsim.machine/1
name: mine
parts:
  xbar: {class: crossbar, rows: 8, cols: 8, cell_bits: 8 b, read: {interval: 10 ns}}
  mine: CLASS
modules:
  core: {parts: {xbar: 1, adc: 8}, path: xbar > adc, combine: {bits: analog, slices: analog, signs: analog}}
recipes: {linear: [mvm: core]}
"""
FILE = "tests.parts.my_parts"


def machine(fields: str, text: str = MACHINE) -> Machine:
    return build(parse(text.replace("mine: CLASS", f"adc: {{{fields}}}"), "m.yaml"))


def refusal(fields: str) -> list[str]:
    with pytest.raises(ArchsimError) as caught:
        machine(fields)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("name", [f"{FILE}:MyAdc", f"{FILE}.MyAdc"])
def test_a_class_of_one_s_own_is_used_like_any_other(name: str) -> None:
    """1 mW over two lanes at 1 GS/s: 0.5 pJ an action, 5 actions in 3 turns."""
    part = machine(f"class: '{name}', bits: 8 b, slices: 3, convert: {{rate: 1 GHz}}, power: 1 mW").parts["adc"]
    assert type(part).__name__ == "MyAdc"
    assert part.cost("convert").energy == 500_000_000
    assert part.burst("convert", 5).occupancy == 3000


def test_costs_may_be_made_of_something_else() -> None:
    text = MACHINE.replace("adc: 8}, path: xbar > adc", "adc: 8}, path: xbar").replace("[mvm: core]", "[mvm: core]")
    part = machine(f"class: {FILE}.Computing, guesses: 3", text).parts["adc"]
    assert part.cost("guess").interval == 500
    assert part.peak_power() == Fraction(7, 500)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("bits: 7 b, convert: {rate: 1 GHz}", "5:8  parts.adc: 'bits' is odd; expected an even number"),
        (
            "bits: 8 b, slices: x, convert: {rate: 1 GHz}",
            "5:63  parts.adc.slices: found 'x'; input should be a valid integer, unable to parse string as an integer",
        ),
        (
            "bitz: 8 b, convert: {rate: 1 GHz}",
            "5:44  parts.adc.bitz: unknown key. Did you mean 'bits'? Known: area, bits, convert, leakage, power, slices.",
        ),
    ],
)
def test_its_parameters_are_checked_as_archsim_s_own(fields: str, message: str) -> None:
    assert refusal(f"class: {FILE}.MyAdc, {fields}") == [f"m.yaml:{message}"]


PLACES = "drive, array, hold, convert, decode, combine, memory, wire, function, compute, route, link"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("Placeless", [f"has no 'place'; expected a class variable 'place', one of: {PLACES}"]),
        ("Displaced", [f"found place 'somewhere'; expected a class variable 'place', one of: {PLACES}"]),
        ("Idle", ["has no 'actions'; expected a class variable 'actions', a tuple of names such as ('convert',)"]),
        (
            "Listed",
            [
                "found actions ['convert']; expected a class variable 'actions', a tuple of names such as ('convert',)",
            ],
        ),
        (
            "Promising",
            [
                "has a field 'convert' that need not be an Action; expected 'convert: Action'",
                "names the action 'sleep', but has no field 'sleep: Action'",
                "does the step 'exp' by 'search', which is not among its actions: convert, sleep",
            ],
        ),
        (
            "Stepless",
            ["found steps ('convert',); expected a mapping of steps to actions, such as {'add': 'add'}"],
        ),
        (
            "Labelled",
            ["has a field 'source', a key that machine files use for something else; give it another name"],
        ),
        ("Array", ["is of place 'array'; expected a subclass of archsim.parts.crossbar.Crossbar"]),
        (
            "Memory",
            [
                "is of place 'memory' without the action 'write'",
                "has no field 'width: Bits', which it needs at place 'memory'",
            ],
        ),
    ],
)
def test_a_class_that_is_not_well_formed_is_refused(name: str, wrong: list[str]) -> None:
    lines = refusal(f"class: {FILE}.{name}")
    assert lines == [f"m.yaml:5:16  parts.adc.class: part class '{FILE}.{name}' {flaw}" for flaw in wrong]


def test_a_class_that_fails_is_refused_in_one_line() -> None:
    assert refusal(f"class: {FILE}.Computing, guesses: 1") == [
        f"m.yaml:5:16  parts.adc.class: part class '{FILE}.Computing' fails (ZeroDivisionError: Fraction(1000, 0))"
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (f"{FILE}.MyDac", f"{FILE} has no 'MyDac'. Did you mean 'MyAdc'?"),
        (f"{FILE}.Fraction", "fractions.Fraction is no subclass of archsim.parts.base.Part."),
        ("tests.parts.nowhere.MyAdc", "cannot import tests.parts.nowhere (ModuleNotFoundError: "),
        ("adcc", "unknown part class 'adcc'. Did you mean 'adc'?"),
        ("archsim.parts.base.Stream", "part class 'archsim.parts.base.Stream' has no 'place'; "),
    ],
)
def test_a_class_that_cannot_be_had_is_refused(name: str, message: str) -> None:
    lines = refusal(f"class: {name}")
    assert len(lines) == 1
    assert lines[0].startswith("m.yaml:5:16  parts.adc.class: ")
    assert message in lines[0]


@pytest.mark.parametrize("name", registry.known())
def test_archsim_s_own_classes_are_well_formed_and_described(name: str) -> None:
    kind = registry.part_class(name, Part)
    assert list(flaws(kind)) == []
    text = " ".join(str(kind.__doc__).split())
    above = {field for base in kind.__bases__ if issubclass(base, Part) for field in base.model_fields}
    for field in set(kind.model_fields) - above:
        assert field in text, f"{name} does not say what '{field}' is"
    as_another = "are those of" in text or "All else is as of" in text
    assert as_another or ("Actions: " in text and "Steps: " in text)
