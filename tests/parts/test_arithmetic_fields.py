"""Number formats and ranges of functions in machine files, and the messages for mistakes in them."""

import pytest

from archsim import load_machine
from archsim.errors import ArchsimError
from archsim.parts.acam import Acam
from archsim.parts.mac import Mac
from archsim.parts.vector import Vector
from archsim.steps.arithmetic import Setting
from archsim.steps.formats import FORMATS, InFormat


def message(machine: str, setting: str) -> str:
    with pytest.raises(ArchsimError) as caught:
        load_machine(machine, [setting])
    return str(caught.value).partition("  ")[2]


@pytest.mark.parametrize(
    ("settings", "form", "accumulator"),
    [
        ((), "fp32", "fp32"),
        (("parts.vector.format=bf16",), "bf16", "fp32"),
        (("parts.vector.format=int8",), "int8", "int32"),
        (("parts.vector.format=int8", "parts.vector.accumulator=int16"), "int8", "int16"),
        (("parts.vector.format=fp8_e4m3", "parts.vector.accumulator=bf16"), "fp8_e4m3", "bf16"),
    ],
)
def test_sums_are_fp32_or_int32_unless_a_file_says_otherwise(
    settings: tuple[str, ...], form: str, accumulator: str
) -> None:
    part = load_machine("isaac", settings).parts["vector"]
    assert isinstance(part, Vector)
    assert part.arithmetic(Setting("vector")) == InFormat(FORMATS[form], FORMATS[accumulator])


def test_a_mac_array_has_formats_too() -> None:
    given = {"lanes": "4", "mac": {"interval": "1 ns"}, "format": "int4"}
    assert Mac.model_validate(given).arithmetic(Setting("mac")) == InFormat(FORMATS["int4"], FORMATS["int32"])


def test_a_wrong_format_is_named_with_what_was_meant() -> None:
    found = message("isaac", "parts.vector.format=bf61")
    assert found.startswith("parts.vector.format: found 'bf61'; expected one of them. Did you mean 'bf16'? Known: bf16")
    assert "Did you mean 'int32'?" in message("isaac", "parts.vector.accumulator=in32")


def test_ranges_are_read() -> None:
    part = load_machine("nl_dpe", ["parts.acam.ranges={exp: [-8, 0], log: [0.25, 2e3]}"]).parts["acam"]
    assert isinstance(part, Acam)
    assert dict(part.ranges) == {"exp": (-8.0, 0.0), "log": (0.25, 2000.0)}


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        (
            "{exp: [0, 1000]}",
            "exp: found 0.0 to 1000.0, in which it is too large for a number; expected a narrower range",
        ),
        ("{exp: [0, -8]}", "exp: found 0.0 to -8.0; expected the lower number first"),
        ("{log: [-1, 1]}", "log: found -1.0 to 1.0; expected above 0 and the lower number first"),
        ("{tanhh: [0, 1]}", "found 'tanhh', which no table is made of. Did you mean 'tanh'?"),
        ("{exp: 3}", "exp: expected two numbers, such as [-8, 0]"),
        ("{exp: [-8, 0, 1]}", "exp: expected two numbers, such as [-8, 0]"),
        ("{exp: [a, b]}", "exp: found 'a'; expected a plain number"),
        ("[1]", "found a list; expected functions with two numbers, such as {exp: [-8, 0]}"),
        ("wide", "found 'wide'; expected functions with two numbers, such as {exp: [-8, 0]}"),
    ],
)
@pytest.mark.parametrize("part", ["nl_dpe acam", "race_it race"])
def test_wrong_ranges(part: str, ranges: str, said: str) -> None:
    machine, name = part.split()
    assert said in message(machine, f"parts.{name}.ranges={ranges}")
