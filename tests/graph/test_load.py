"""Model files: what is wrong with them, to the letter; and digests."""

import random

import pytest

from archsim.errors import ArchsimError, Fault
from archsim.graph.load import build, load_model
from archsim.machine.source import parse

GOOD = """\
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


def refusal(text: str) -> list[str]:
    with pytest.raises(ArchsimError) as caught:
        build(parse(text, "m.yaml"))
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("heads: 2", "heads: 3", "6:8  heads: 'hidden' 32 is not a multiple of 'heads' 3"),
        ("heads: 2", "heads: 0", "6:8  heads: found '0'; expected at least 1"),
        ("heads: 2", "heads: [2]", "6:8  heads: found a list; expected one value"),
        ("heads: 2", "heads:", "6:7  heads: found nothing; expected a whole number such as '8'"),
        ("name: tiny", "name: ''", "2:7  name: found nothing; expected a name"),
        ("layers: 2", "layers: 1000000", "4:9  layers: found 1000000 layers; expected at most 400"),
        (
            "heads: 2",
            "heads: 2\nhead_dim: 1000000000",
            "7:11  head_dim: found 1000000000 values of a head; expected at most 65536",
        ),
        ("encoder", "encodr", "3:15  architecture: found 'encodr'; expected 'encoder', 'decoder' or 'encoder-decoder'"),
        ("ffn: 64", "pooler: yes", None),
        (
            "encoder",
            "decoder\npooler: true",
            "4:9  pooler: found 'pooler' or 'segments' in a decoder; only",
        ),
        ("model/1", "model/2", "1:9  schema: found 'archsim.model/2'; expected 'archsim.model/1'"),
        (
            "name: tiny",
            "name: tiny\nsource: devlin2018bert",
            "3:9  source: source 'devlin2018bert' is not in the bibliography. Did you mean 'devlin2019bert'?",
        ),
    ],
)
def test_a_fault_has_its_place(old: str, new: str, message: str | None) -> None:
    assert GOOD.count(old) == 1
    lines = refusal(GOOD.replace(old, new))
    if message is None:
        required = "schema, name, architecture, layers, hidden, ffn"
        assert lines == [
            f"m.yaml:1:1  ffn: is missing. Required: {required}.",
            "m.yaml:7:9  pooler: found 'yes'; expected 'true' or 'false'. Did you mean 'true'?",
        ]
    else:
        assert len(lines) == 1
        assert lines[0].startswith(f"m.yaml:{message}")


def test_a_misspelt_key_is_one_fault() -> None:
    lines = refusal(GOOD.replace("heads:", "haeds:"))
    assert len(lines) == 1
    assert lines[0].startswith("m.yaml:6:1  haeds: unknown key. Did you mean 'heads'? Known: ")


@pytest.mark.parametrize("text", ["[a, b]", "just text", "schema: [x]"])
def test_what_is_no_model_is_refused(text: str) -> None:
    assert all(line.startswith("m.yaml:") for line in refusal(text))


def test_an_unknown_name_has_a_suggestion() -> None:
    with pytest.raises(ArchsimError, match=r"unknown name 'bert-bas', and no such file. Did you mean 'bert-base'"):
        load_model("bert-bas")


def test_the_digest_is_of_what_the_file_says() -> None:
    digest = build(parse(GOOD, "a.yaml")).digest
    assert build(parse(f"# a remark\n{GOOD}", "b.yaml")).digest == digest
    assert build(parse(GOOD.replace("layers: 2", "layers: 3"), "a.yaml")).digest != digest


@pytest.mark.parametrize("seed", range(60))
def test_a_file_broken_at_random_is_refused_or_read(seed: int) -> None:
    dice = random.Random(seed)
    lines = GOOD.splitlines()
    for _ in range(2):
        at = dice.randrange(len(lines))
        key, _, value = lines[at].partition(": ")
        new = dice.choice(["", "[]", "{}", "0", "-1", "x", "1e18", f"[{value}]", f"{{value: {value}}}"])
        lines[at] = dice.choice(["", f"{key}x: {value}", f"  {lines[at]}", f"{key}: {new}", lines[0]])
    for fault in faults_of("\n".join(lines)):
        assert fault.place is not None
        assert "\n" not in fault.message


def faults_of(text: str) -> tuple[Fault, ...]:
    """What is wrong with a file; anything but an ArchsimError is a bug."""
    try:
        build(parse(text, "m.yaml"))
    except ArchsimError as error:
        return error.faults
    return ()
