"""Named alternatives: chosen by name, with provenance of their own; the others are checked too."""
# ruff: noqa: E501 - messages stand in one line, as they are printed

from fractions import Fraction
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.machine import Machine, load_machine
from archsim.machine.alternatives import others
from archsim.machine.bibliography import bibliography
from archsim.machine.load import build
from archsim.machine.overlay import LABELLED
from archsim.machine.provenance import STATUSES, separate
from archsim.machine.source import parse, read
from archsim.resources import find

TEXT = """\
schema: archsim.machine/1
name: mine
source: a paper
status: simulated
parts:
  xbar: {class: crossbar, rows: 8, cols: 8, cell_bits: 8 b, read: {interval: 10 ns}}
  adc:
    class: adc
    bits: 4 b
    convert: {interval: 1 ns, energy: 2 pJ}
    alternatives:
      slow:
        source: another paper
        convert.rate: {value: 500 MHz, status: derived}
        area: 2 um2
      whole: {convert: {latency: 3 ns}}
CHOICE
modules:
  core: {parts: {xbar: 1, adc: 8}, path: xbar > adc, combine: {bits: analog, slices: analog, signs: analog}}
recipes: {linear: [mvm: core]}
"""


def machine(choice: str = "", text: str = TEXT) -> Machine:
    return build(parse(text.replace("CHOICE\n", f"    {choice}\n" if choice else ""), "m.yaml"))


def refusal(choice: str, text: str = TEXT) -> list[str]:
    with pytest.raises(ArchsimError) as caught:
        machine(choice, text)
    return str(caught.value).splitlines()


def test_without_a_choice_the_part_is_as_it_stands() -> None:
    found = machine()
    assert found.parts["adc"].cost("convert").interval == 1000
    assert found.parts["adc"].area is None
    assert not any("alternatives" in loc for loc in found.provenance)


def test_a_choice_changes_what_it_names_and_keeps_the_rest() -> None:
    """A rate takes the place of an interval."""
    found = machine("alternative: slow")
    cost = found.parts["adc"].cost("convert")
    assert cost.interval == 2000
    assert cost.energy == 2 * 10**9
    assert found.parts["adc"].area == 2


def test_a_choice_brings_its_labels() -> None:
    found = machine("alternative: slow").provenance
    rate, area = found["parts", "adc", "convert", "rate"], found["parts", "adc", "area"]
    assert (rate.text, rate.source, rate.status) == ("500 MHz", "another paper", "derived")
    assert (area.text, area.source, area.status) == ("2 um2", "another paper", "simulated")
    energy = found["parts", "adc", "convert", "energy"]
    assert (energy.text, energy.source, energy.status) == ("2 pJ", "a paper", "simulated")


def test_a_mapping_takes_the_place_of_a_mapping() -> None:
    cost = machine("alternative: whole").parts["adc"].cost("convert")
    assert (cost.interval, cost.energy, cost.derivation) == (Fraction(3000), 0, "not given: counted as 0")


def test_a_choice_changes_the_digest() -> None:
    assert machine().digest == machine("note: a remark").digest != machine("alternative: slow").digest


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("alternative: slov", "'slov', which is not among the alternatives. Did you mean 'slow'? Known: slow, whole."),
        ("alternative:", "nothing, which is not among the alternatives. Known: slow, whole."),
        ("alternative: [slow]", "a list, which is not among the alternatives. Known: slow, whole."),
    ],
)
def test_a_choice_that_is_none_is_refused(choice: str, message: str) -> None:
    lines = refusal(choice)
    assert len(lines) == 1
    assert lines[0].startswith("m.yaml:17:")
    assert lines[0].endswith(f"  parts.adc.alternative: found {message}")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "500 MHz",
            "500 MHx",
            "14:31  parts.adc.convert.rate: found '500 MHx'; unknown unit 'MHx'. Did you mean 'MHz'?",
        ),
        (
            "area: 2 um2",
            "area: 2 um",
            "15:15  parts.adc.area: found '2 um', a length; expected an area such as '0.37 mm2'",
        ),
        (
            "area:",
            "aria:",
            "15:9  parts.adc.aria: unknown key. Did you mean 'area'? Known: area, bits, convert, errors, leakage, power.",
        ),
        (
            "status: derived",
            "status: known",
            "14:48  parts.adc.convert.rate.status: found 'known', which is no status.",
        ),
        (
            "source: another paper",
            "source: anotherpaper",
            "13:17  parts.adc.alternatives.slow.source: source 'anotherpaper' is not in the bibliography.",
        ),
        (
            "{convert: {latency: 3 ns}}",
            "3 ns",
            "16:14  parts.adc.alternatives.whole: found '3 ns'; expected keys and values, such as {convert.rate: 1 GHz}",
        ),
    ],
)
def test_an_alternative_is_checked_though_nobody_chose_it(old: str, new: str, message: str) -> None:
    assert TEXT.count(old) == 1
    lines = refusal("", TEXT.replace(old, new))
    assert len(lines) == 1
    assert lines[0].startswith(f"m.yaml:{message}")


def test_a_fault_of_the_part_itself_is_said_once() -> None:
    assert len(refusal("", TEXT.replace("bits: 4 b", "bits: 4"))) == 1


def test_alternatives_must_have_names() -> None:
    text = TEXT.partition("    alternatives:")[0] + "    alternatives: [slow]\n" + TEXT.partition("CHOICE\n")[2]
    expected = "found a list; expected names, each with keys and values, such as {convert.rate: 1 GHz}"
    assert refusal("", text) == [f"m.yaml:11:19  parts.adc.alternatives: {expected}"]


MACHINES = sorted((find("hw_configs") / "machines").glob("*.yaml"))


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.stem)
def test_every_alternative_that_comes_with_archsim_has_a_source_and_a_status(path: Path) -> None:
    for document in others(read(path)):
        _, table, faults = separate(document, LABELLED)
        assert faults == []
        machine = load_machine(path)
        default = next(iter(machine.provenance.values()))
        for loc, origin in table.items():
            assert (origin.source or default.source) in bibliography(), loc
            assert (origin.status or default.status) in STATUSES, loc


def test_isaac_s_table_rate_brings_its_energy() -> None:
    """Table I: 1.2 GS/s at 2 mW, 1.667 pJ; `derived`, in the paper's name."""
    machine = load_machine("isaac", ["parts.adc.alternative=table_i"])
    cost = machine.parts["adc"].cost("convert")
    assert (cost.interval, cost.energy) == (Fraction(2500, 3), 1_667_000_000)
    origin = machine.provenance["parts", "adc", "convert", "energy"]
    assert (origin.text, origin.source, origin.status) == ("1.667 pJ", "shafiee2016isaac", "derived")


def test_a_setting_wins_over_the_alternative_that_is_chosen() -> None:
    """The ramp of the table keeps its rate, the energy is what was asked for; and the other way round."""
    both = ["parts.adc.alternative=table_i", "parts.adc.convert.energy=3 pJ"]
    cost = load_machine("isaac", both).parts["adc"].cost("convert")
    assert cost.energy == 3_000_000_000
    assert cost.interval == Fraction(2500, 3)
    slow = load_machine("isaac", ["parts.adc.alternative=table_i", "parts.adc.convert.interval=2 ns"]).parts["adc"]
    assert slow.cost("convert").interval == 2_000
    assert slow.cost("convert").energy == 1_667_000_000
