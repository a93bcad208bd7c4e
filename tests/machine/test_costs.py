"""Costs that parts take from models: what wins, what gives way, how they are told, what is refused and where."""
# ruff: noqa: E501 - messages stand in one line, as they are printed

from fractions import Fraction
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.machine import Machine, load_machine
from archsim.machine.load import build
from archsim.machine.source import parse
from archsim.parts.adc import Adc
from archsim.parts.base import Cost
from archsim.report.figures import figures
from archsim.testing import check_part

TEXT = """\
schema: archsim.machine/1
name: mine
source: a paper
status: simulated
parts:
  xbar: {class: crossbar, rows: 8, cols: 8, cell_bits: 8 b, read: {interval: 10 ns}}
  adc:
    class: adc
    bits: 8 b
    convert: {rate: 1.2 GS/s}
    costs: {model: survey, node: 32 nm}
  mem: {class: edram, size: 64 KiB, width: 256 b, read: {rate: 1 GHz}, write: {rate: 1 GHz}, costs: {model: pumasim}}
  tree: {class: adder, add: {rate: 1 GHz}, costs: {model: zigzag, bits: 8 b, inputs: 4}}
modules:
  core: {parts: {xbar: 1, adc: 8}, path: xbar > adc, combine: {bits: analog, slices: analog, signs: analog}}
  tile: {parts: {core: 4, mem: 1, tree: 1}, path: mem > core > tree > mem, memory: mem}
recipes: {linear: [mvm: core]}
"""


def machine(*changes: tuple[str, str], text: str = TEXT) -> Machine:
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return build(parse(text, "m.yaml"))


def refusal(*changes: tuple[str, str]) -> list[str]:
    with pytest.raises(ArchsimError) as caught:
        machine(*changes)
    return str(caught.value).splitlines()


def test_a_model_gives_what_the_part_does_not() -> None:
    """The survey's 1.849 pJ and 6313 um2 at 8 b, 1.2 GS/s, 32 nm; it says nothing of leakage."""
    adc = machine().parts["adc"]
    cost = adc.cost("convert")
    assert cost.energy == pytest.approx(1.849e9, rel=1e-3)
    assert cost.energy % 1000 == 0, "six digits are counted, as they are printed"
    assert cost.derivation == "survey(bits 8 b, rate 1.2 GS/s, node 32 nm)"
    assert adc.area == pytest.approx(6313, abs=0.5)
    assert adc.leakage == 0
    check_part(adc)


def test_a_memory_gets_leakage_too() -> None:
    """17.2 pJ a word of 256 b, 0.46 mW, 0.086 mm2; a model of one node needs no node."""
    mem = machine().parts["mem"]
    assert [mem.cost(action).energy for action in ("read", "write")] == [17_200_000_000] * 2
    assert mem.static_power() == 460_000
    assert mem.area == 86_000


def test_what_no_field_of_the_part_says_stands_in_costs() -> None:
    """A tree of 4 inputs of 8 b: 25 full adders, 0.0212625 pJ for each value."""
    assert machine().parts["tree"].cost("add").energy == 21_262_500
    assert machine(("inputs: 4", "inputs: 4, voltage: 0.6 V")).parts["tree"].cost("add").energy == 9_450_000


@pytest.mark.parametrize(
    ("given", "energy", "area"),
    [
        ("power: 12 mW", 10**10, 6313),  # 12 mW at 1.2 GS/s: 10 pJ
        ("area: 7 um2", 1.849e9, 7),
        ("power: 12 mW\n    area: 7 um2", 10**10, 7),
    ],
)
def test_what_the_part_gives_itself_wins(given: str, energy: float, area: float) -> None:
    adc = machine(("    convert: {rate: 1.2 GS/s}\n", f"    convert: {{rate: 1.2 GS/s}}\n    {given}\n")).parts["adc"]
    assert adc.cost("convert").energy == pytest.approx(energy, rel=1e-3)
    assert adc.area == pytest.approx(area, abs=0.5)


def test_an_energy_that_is_given_wins_alone() -> None:
    read = machine(("read: {rate: 1 GHz}", "read: {rate: 1 GHz, energy: 3 pJ}")).parts["mem"]
    assert [read.cost(action).derivation for action in ("read", "write")] == [
        "given",
        "pumasim(node 32 nm, size 64 KiB, width 256 b)",
    ]
    assert read.cost("read").energy == 3_000_000_000


def test_computed_figures_say_their_model_and_its_source() -> None:
    rows = {row["figure"]: row for row in figures(machine())}
    energy, area = rows["parts.adc.convert.energy"], rows["parts.adc.area"]
    assert energy["value"] == "1.84861 pJ = survey(bits 8 b, rate 1.2 GS/s, node 32 nm)"
    assert area["value"].startswith("0.00631")
    for row in (energy, area):
        assert (row["status"], row["source"], row["place"]) == ("derived", "andrulis2024adc", "m.yaml:11:20")
    assert rows["parts.adc.costs.node"]["source"] == "a paper"
    assert "parts.adc.costs.model" not in rows


def test_a_computed_cost_is_part_of_the_digest() -> None:
    assert machine().digest != machine(("node: 32 nm", "node: 22 nm")).digest
    assert machine().digest == machine(("name: mine", "name: mine\nnote: a remark")).digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bits: 8 b\n", "bits: 3 b\n", "9:11  parts.adc.bits: found 3 b; cost model 'survey' holds for bits 4 b to 17 b."),
        ("convert: {rate: 1.2 GS/s}\n    costs: {model: survey, node: 32 nm}", "convert: {rate: 1.3 GS/s}\n    costs: {model: saberi}", "10:21  parts.adc.convert.rate: found 1.3 GS/s; cost model 'saberi' holds for rate at most 1.28 GS/s. In range: survey."),
        ("1.2 GS/s", "20 GS/s", "10:21  parts.adc.convert.rate: found 20 GS/s; cost model 'survey' holds for rate 1 kS/s to 10 GS/s."),
        ("32 nm", "3 nm", "11:34  parts.adc.costs.node: found 3 nm; cost model 'survey' holds for node 4 nm to 1 um."),
        ("64 KiB", "1 MiB", "12:29  parts.mem.size: found 1 MiB; cost model 'pumasim' holds for size 64 KiB to 128 KiB."),
        ("256 b", "2048 b", "12:44  parts.mem.width: found 2048 b; cost model 'pumasim' holds for width 64 b to 1024 b."),
        ("model: survey, node: 32 nm", "model: zigzag, rows: 128", "10:21  parts.adc.convert.rate: found 1.2 GS/s; cost model 'zigzag' holds for rate at most 84.7 MS/s. In range: saberi, survey."),
        ("survey", "surveys", "11:20  parts.adc.costs.model: found 'surveys'. Did you mean 'survey'? Known: saberi, survey, zigzag."),
        ("model: survey, ", "", "11:12  parts.adc.costs: needs a 'model'. Known: saberi, survey, zigzag."),
        (", node: 32 nm", "", "11:5  parts.adc.costs: model 'survey' needs 'node', 4 nm to 1 um"),
        ("node: 32 nm", "node: 32", "11:34  parts.adc.costs.node: found '32', a bare number; expected a length with its unit, such as '32 nm'"),
        ("node: 32 nm", "node: {rate: 1 GHz}", "11:34  parts.adc.costs.node: found a mapping; expected one value"),
        ("node: 32 nm", "noed: 32 nm", "11:28  parts.adc.costs.noed: unknown key. Did you mean 'node'? Known: model, node."),
        ("node: 32 nm", "node: 32 nm, bits: 8 b", "11:41  parts.adc.costs.bits: the part says it itself, parts.adc.bits; leave it out here"),
        ("{model: survey, node: 32 nm}", "survey", "11:12  parts.adc.costs: found 'survey'; expected keys and values, such as {model: survey, node: 32 nm}"),
        ("read: {interval: 10 ns}}", "read: {interval: 10 ns}, costs: {model: zigzag, node: 22 nm}}", "6:115  parts.xbar.costs.node: found 22 nm; cost model 'zigzag' holds for node 28 nm."),
        ("costs: {model: survey", "cost: {model: survey", "11:5  parts.adc.cost: unknown key. Did you mean 'costs'? Known: area, bits, convert, costs, errors, leakage, power."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, message: str) -> None:
    assert refusal((old, new)) == [f"m.yaml:{message}"]


def test_a_class_of_which_no_model_speaks() -> None:
    lines = refusal(("  tree:", "  sig: {class: function, evaluate: {rate: 1 GHz}, costs: {model: survey}}\n  tree:"))
    assert any("parts.sig.costs: no cost model speaks of this class; expected one of: adc, adder," in x for x in lines)


class Narrow(Adc):
    """A class of a user's, with nothing of its own."""


class Halved(Adc):
    """A class that makes its costs itself."""

    def cost(self, action: str) -> Cost:
        """Half of what stands in the file."""
        whole = super().cost(action)
        return Cost(whole.latency, whole.interval, whole.energy // 2, whole.derivation)


@pytest.mark.parametrize(("kind", "refused"), [("Narrow", False), ("Halved", True)])
def test_a_user_s_class_may_take_the_models_of_the_class_that_it_extends(kind: str, *, refused: bool) -> None:
    """Unless it makes its costs itself: a model speaks of whole conversions, the class of parts of them."""
    change = ("class: adc\n", f"class: tests.machine.test_costs:{kind}\n")
    if refused:
        expected = "m.yaml:11:5  parts.adc.costs: the part's class makes its costs itself; leave it out"
        assert refusal(change) == [expected]
    else:
        assert machine(change).parts["adc"].cost("convert").derivation.startswith("survey(")


SURVEY = "parts.adc.costs={model: survey, node: 32 nm}"


def test_a_model_put_over_a_machine_takes_the_place_of_its_printed_costs() -> None:
    """ISAAC prints 2 mW and 1200 um2; the survey says 1.929 pJ and 6469 um2 at 1.28 GS/s; what comes later wins."""
    adc = load_machine("isaac", [SURVEY]).parts["adc"]
    assert adc.cost("convert").energy == pytest.approx(1.929e9, rel=1e-3)
    assert adc.area == pytest.approx(6469, abs=1)
    printed = load_machine("isaac", [SURVEY, "parts.adc.area=5 um2", "parts.adc.power=1 mW"]).parts["adc"]
    assert printed.area == 5
    assert printed.power == 1_000_000
    again = load_machine("isaac", [SURVEY, "parts.adc.area=5 um2", "parts.adc.costs.node=22 nm"]).parts["adc"]
    assert again.area == 5, "another node is no other model"


def test_a_model_that_says_no_area_leaves_the_printed_one() -> None:
    bus = load_machine("isaac", ["parts.bus.costs={model: wire, length: 2 mm}"]).parts["bus"]
    assert bus.area == 90_000
    assert bus.cost("transfer").energy == pytest.approx(0.0404e9 * 384 * 2)


def test_bits_move_energy_and_area_of_an_alternative() -> None:
    chosen = "parts.adc.alternative=survey"
    eight, six = (load_machine("isaac", [chosen, f"parts.adc.bits={bits} b"]).parts["adc"] for bits in (8, 6))
    assert six.cost("convert").energy < 0.6 * eight.cost("convert").energy
    assert Fraction(six.area or 0) < Fraction(eight.area or 0)
    by_hand = load_machine("isaac", ["parts.adc.area=5 um2", chosen]).parts["adc"]
    assert by_hand.area == 5
    assert by_hand.cost("convert").derivation.startswith("survey(")


def test_a_setting_goes_into_the_model_of_an_alternative_or_takes_its_place() -> None:
    """At 22 nm, 8 b and 1.28 GS/s the survey says 0.953776 pJ; 1.67 pJ is ISAAC's own converter."""
    chosen = "parts.adc.alternative=survey"
    adc = load_machine("isaac", [chosen, "parts.adc.costs.node=22 nm"]).parts["adc"]
    assert adc.cost("convert").derivation == "survey(bits 8 b, rate 1.28 GS/s, node 22 nm)"
    assert adc.cost("convert").energy == 953_776_000
    other = load_machine("isaac", [chosen, "parts.adc.costs={model: saberi}"]).parts["adc"]
    assert other.cost("convert").energy == 1_670_000_000
    with pytest.raises(
        ArchsimError, match=r"--set parts\.adc\.costs\.node=3 nm:1:22  parts\.adc\.costs\.node: found 3 nm"
    ):
        load_machine("isaac", [chosen, "parts.adc.costs.node=3 nm"])


def test_an_alternative_that_nobody_chose_may_be_out_of_its_range() -> None:
    assert (
        load_machine("isaac", ["parts.adc.bits=12 b"]).parts["adc"].cost("convert").derivation == "power x 0.78125 ns"
    )
    with pytest.raises(
        ArchsimError, match=r"parts\.adc\.bits: found 12 b; cost model 'saberi' holds for bits 4 b to 10 b"
    ):
        load_machine("isaac", ["parts.adc.bits=12 b", "parts.adc.alternative=saberi"])


def test_a_fault_beside_alternatives_is_said_once() -> None:
    with pytest.raises(ArchsimError) as caught:
        load_machine(
            "isaac", ["parts.adc.costs={model: zigzag, rows: 128, voltage: 2 V}", "parts.adc.convert.rate=1 MHz"]
        )
    found = "parts.adc.costs.voltage: found 2 V; cost model 'zigzag' holds for voltage 0.6 V to 1.1 V."
    assert [fault.message for fault in caught.value.faults] == [found]


def test_an_alternative_that_nobody_chose_must_be_well_formed() -> None:
    lines = refusal(("    bits: 8 b\n", "    bits: 8 b\n    alternatives: {other: {costs: {model: sabri}}}\n"))
    assert lines == [
        "m.yaml:10:43  parts.adc.costs.model: found 'sabri'. Did you mean 'saberi'? Known: saberi, survey, zigzag."
    ]


def test_a_file_that_extends_another_may_bring_a_model(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: isaac\nname: mine\nparts:\n  edram: {size: 128 KiB, costs: {model: pumasim}}\n")
    edram = load_machine(path).parts["edram"]
    assert edram.cost("read").energy == 25_350_000_000
    assert edram.area == 121_000
    assert edram.leakage == 770_000
