"""Where numbers come from: labels are inherited, overridden, and taken out of what is checked."""

import pytest

from archsim.errors import ArchsimError
from archsim.machine.load import build
from archsim.machine.overlay import LABELLED
from archsim.machine.provenance import Provenance, separate
from archsim.machine.source import parse

TEXT = """\
source: a paper
status: simulated
note: of the file
name: mine
precision: {weights: 8 b, inputs: {value: 4 b, status: assumed}}
parts:
  adc:
    class: adc
    note: of the part
    bits: 8 b
    convert:
      source: another paper
      rate: {value: 1 GHz, status: derived, note: of the number}
      energy: 1 pJ
  value: {class: dac, bits: 1 b}
modules: {core: {status: assumed, parts: {adc: 1, dac: {value: 8, source: a third paper}}}}
recipes: {linear: [{mvm: core}]}
"""


def test_labels_are_inherited_and_overridden() -> None:
    _, table, faults = separate(parse(TEXT, "m.yaml"), LABELLED)
    assert faults == []
    assert table == {
        ("precision", "weights"): Provenance("8 b", "a paper", "simulated", None),
        ("precision", "inputs"): Provenance("4 b", "a paper", "assumed", None),
        ("parts", "adc", "class"): Provenance("adc", "a paper", "simulated", "of the part"),
        ("parts", "adc", "bits"): Provenance("8 b", "a paper", "simulated", "of the part"),
        ("parts", "adc", "convert", "rate"): Provenance("1 GHz", "another paper", "derived", "of the number"),
        ("parts", "adc", "convert", "energy"): Provenance("1 pJ", "another paper", "simulated", "of the part"),
        ("parts", "value", "class"): Provenance("dac", "a paper", "simulated", None),
        ("parts", "value", "bits"): Provenance("1 b", "a paper", "simulated", None),
        ("modules", "core", "parts", "adc"): Provenance("1", "a paper", "assumed", None),
        ("modules", "core", "parts", "dac"): Provenance("8", "a third paper", "assumed", None),
    }


def test_what_is_left_has_no_labels() -> None:
    data, _, _ = separate(parse(TEXT, "m.yaml"), LABELLED)
    assert data == {
        "name": "mine",
        "precision": {"weights": "8 b", "inputs": "4 b"},
        "parts": {
            "adc": {"class": "adc", "bits": "8 b", "convert": {"rate": "1 GHz", "energy": "1 pJ"}},
            "value": {"class": "dac", "bits": "1 b"},
        },
        "modules": {"core": {"parts": {"adc": "1", "dac": "8"}}},
        "recipes": {"linear": [{"mvm": "core"}]},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source:", "1:8  source: found nothing; expected text"),
        ("source: [a]", "1:9  source: found a list; expected text"),
        ("parts: {source: {class: adc}}", "1:17  parts.source: found a mapping; expected text"),
        (
            "status: simulate",
            (
                "1:9  status: found 'simulate', which is no status. Did you mean 'simulated'? "
                "Known: assumed, derived, measured, simulated."
            ),
        ),
        (
            "parts: {adc: {bits: {value: 8 b, stat: derived}}}",
            "1:34  parts.adc.bits.stat: unknown key. Did you mean 'status'? Known: note, source, status, value.",
        ),
        (
            "parts: {adc: {convert: {value: {rate: 1 GHz}}}}",
            "1:32  parts.adc.convert.value: found a mapping; expected one value",
        ),
    ],
)
def test_what_is_wrong_with_a_label(text: str, message: str) -> None:
    _, _, faults = separate(parse(text, "m.yaml"), LABELLED)
    assert [str(fault) for fault in faults] == [f"m.yaml:{message}"]


@pytest.mark.parametrize(("text", "found"), [("[a]", "a list"), ("a", "'a'")])
def test_a_file_that_is_no_mapping_is_refused(text: str, found: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        build(parse(text, "m.yaml"))
    assert str(caught.value) == f"m.yaml:1:1  found {found}; expected a mapping of keys to values"
