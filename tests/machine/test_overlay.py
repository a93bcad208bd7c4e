"""Files over files and settings over files: what is changed, whose file it then is, and what is refused."""

from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.machine import Machine, load_machine
from archsim.machine.load import change


def child(folder: Path, text: str, name: str = "child.yaml") -> Machine:
    file = folder / name
    file.write_text(f"schema: archsim.machine/1\nextends: isaac\n{text}")
    return load_machine(file)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ArchsimError) as caught:
        child(folder, text)
    return str(caught.value).replace(str(folder), "")


def test_a_file_over_another_changes_what_it_names(tmp_path: Path) -> None:
    parts = "parts:\n  adc: {convert: {interval: 1 ns}}\n  sa: {power: 1 mW}\n"
    found = child(tmp_path, f"name: child\nsource: a thesis\nstatus: measured\n{parts}")
    assert (found.name, found.file) == ("child", str(tmp_path / "child.yaml"))
    assert found.parts["adc"].cost("convert").interval == 1000
    assert found.parts["sa"].power == 1_000_000
    assert found.parts["dac"] == load_machine("isaac").parts["dac"]
    origin = found.provenance["parts", "sa", "power"]
    assert (origin.text, origin.source, origin.status) == ("1 mW", "a thesis", "measured")


def test_a_file_over_a_file_over_another(tmp_path: Path) -> None:
    child(tmp_path, "name: below\nparts: {adc: {bits: 6 b}, sa: {power: 1 mW}}\n", "below.yaml")
    (tmp_path / "child.yaml").write_text("extends: below.yaml\nparts: {adc: {bits: 5 b}}\n")
    found = load_machine(tmp_path / "child.yaml")
    assert found.name == "below"
    assert found.provenance["parts", "adc", "bits"].text == "5 b"
    assert found.provenance["parts", "sa", "power"].text == "1 mW"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("status: guessed\n", "/child.yaml:3:9  status: found 'guessed', which is no status."),
        ("source: [a]\n", "/child.yaml:3:9  source: found a list; expected text"),
        ("parts: x\n", "/child.yaml:3:8  parts: found 'x'; expected a mapping of keys to values"),
        ("parts: {adc: {class: adcc}}\n", "/child.yaml:3:22  parts.adc.class: unknown part class 'adcc'."),
        ("extends: isaac\n", "/child.yaml:3:1  extends: duplicate key;"),
    ],
)
def test_what_is_wrong_with_it_has_its_place_there(tmp_path: Path, text: str, message: str) -> None:
    lines = refusal(tmp_path, text).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(message)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("isaak", "extends: unknown name 'isaak', and no such file. Did you mean 'isaac'?"),
        ("", "extends: expected a name, or the path of a file"),
        ("[isaac]", "extends: expected a name, or the path of a file"),
        ("nowhere/a.yaml", "extends: 'nowhere/a.yaml': no such file."),
        ("x" * 5000, "extends: unknown name 'xxx"),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, base: str, message: str) -> None:
    file = tmp_path / "child.yaml"
    file.write_text(f"extends: {base}\n")
    with pytest.raises(ArchsimError) as caught:
        load_machine(file)
    line = str(caught.value).replace(str(file), "child.yaml")
    assert line.startswith(("child.yaml:1:9 ", "child.yaml:1:10 "))
    assert message in line


def test_settings_go_one_over_the_other() -> None:
    found = load_machine("isaac", ["parts.adc.bits=6 b", "parts.adc.bits=7 b", "parts.adc.convert.interval=1 ns"])
    origin = found.provenance["parts", "adc", "bits"]
    assert (origin.text, origin.source, origin.status) == ("7 b", "set on the command line", "assumed")
    assert found.parts["adc"].cost("convert").interval == 1000


def test_what_is_empty_empties(tmp_path: Path) -> None:
    """Key by key where there are keys; a whole section is not emptied."""
    copies = ["mapping.copies={layer 0: 2}", "mapping.copies={layer 1: 3}"]
    assert load_machine("isaac", copies).choices.copies == {"layer 0": 2, "layer 1": 3}
    assert load_machine("isaac", [*copies, "mapping.copies={}"]).choices.copies == {}
    assert load_machine("isaac", [*copies, "mapping={}"]).choices.copies == {"layer 0": 2, "layer 1": 3}
    found = child(tmp_path, "mapping: {copies: {layer 0: 2}}\n")
    assert change(found, ["mapping.copies={}"]).choices.copies == {}


def test_a_setting_is_told_in_one_line() -> None:
    with pytest.raises(ArchsimError) as caught:
        load_machine("isaac", ["parts.adc.bits=six\nbits"])
    assert str(caught.value).splitlines() == [str(caught.value)]
