import os
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from archsim.errors import ArchsimError, Fault, Place
from archsim.machine import source
from archsim.machine.source import MAX_BYTES, MAX_DEPTH, MAX_FAULTS, MAX_NODES, dotted, parse, read


@pytest.fixture(params=["CBaseLoader", "BaseLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with libyaml, and with the loader that takes its place where it is absent."""
    name = str(request.param)
    monkeypatch.setattr(source, "_LOADER", getattr(yaml, name))
    return name


def _refusal(text: str) -> list[str]:
    with pytest.raises(ArchsimError) as caught:
        parse(textwrap.dedent(text), "m.yaml")
    return str(caught.value).splitlines()


def _unreadable(path: Path) -> str:
    with pytest.raises(ArchsimError) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    return text.replace(str(path), "m.yaml")


@pytest.mark.usefixtures("loader")
def test_every_scalar_stays_text() -> None:
    text = "{a: 1e-9, b: on, c: 010, d: , e: ~, f: null, g: '', h: 2024-01-01, i: 0x1F, <<: x, j: 1_0}"
    assert parse(text, "m.yaml").data == {
        "a": "1e-9",
        "b": "on",
        "c": "010",
        "d": "",
        "e": "~",
        "f": "null",
        "g": "",
        "h": "2024-01-01",
        "i": "0x1F",
        "<<": "x",
        "j": "1_0",
    }


@pytest.mark.usefixtures("loader")
def test_places_of_keys_and_values() -> None:
    document = parse("parts:\n  adc: {bits: 8, rate: }\n  list:\n  - µ: x\n  - - y\n", "m.yaml")
    assert document.data == {"parts": {"adc": {"bits": "8", "rate": ""}, "list": [{"µ": "x"}, ["y"]]}}
    assert document.places == {
        (): Place("m.yaml", 1, 1),
        ("parts",): Place("m.yaml", 2, 3),
        ("parts", "adc"): Place("m.yaml", 2, 8),
        ("parts", "adc", "bits"): Place("m.yaml", 2, 15),
        ("parts", "adc", "rate"): Place("m.yaml", 2, 23 if source._LOADER is yaml.BaseLoader else 24),  # noqa: SLF001
        ("parts", "list"): Place("m.yaml", 4, 3),
        ("parts", "list", 0): Place("m.yaml", 4, 5),
        ("parts", "list", 0, "µ"): Place("m.yaml", 4, 8),
        ("parts", "list", 1): Place("m.yaml", 5, 5),
        ("parts", "list", 1, 0): Place("m.yaml", 5, 7),
    }
    assert document.key_places == {
        ("parts",): Place("m.yaml", 1, 1),
        ("parts", "adc"): Place("m.yaml", 2, 3),
        ("parts", "adc", "bits"): Place("m.yaml", 2, 9),
        ("parts", "adc", "rate"): Place("m.yaml", 2, 18),
        ("parts", "list"): Place("m.yaml", 3, 3),
        ("parts", "list", 0, "µ"): Place("m.yaml", 4, 5),
    }


def test_a_place_that_is_not_there_is_that_of_what_is_around_it() -> None:
    document = parse("a: {b: [x]}", "m.yaml")
    assert document.place(("a", "b", 0)) == Place("m.yaml", 1, 9)
    assert document.place(("a", "b", 7, "c")) == document.place(("a", "b")) == Place("m.yaml", 1, 8)
    assert document.place(("z",)) == Place("m.yaml", 1, 1)
    assert document.key_place(("a", "b")) == Place("m.yaml", 1, 5)
    assert document.key_place(("a", "b", 0)) == Place("m.yaml", 1, 9)
    assert document.key_place(("a", "z")) == Place("m.yaml", 1, 4)


@pytest.mark.usefixtures("loader")
def test_an_alias_repeats_its_anchor() -> None:
    document = parse("a: &x {b: 1}\nc: *x\n", "m.yaml")
    assert document.data == {"a": {"b": "1"}, "c": {"b": "1"}}
    assert document.place(("c", "b")) == document.place(("a", "b")) == Place("m.yaml", 1, 11)


def test_the_way_to_a_value_in_words() -> None:
    assert dotted(("parts", "adc", 0, "bits")) == "parts.adc[0].bits"
    assert dotted(()) == ""
    assert dotted((0, "a")) == "[0].a"


@pytest.mark.usefixtures("loader")
def test_all_faults_of_a_file_are_told_at_once() -> None:
    text = """\
        parts:
          adc: {bits: 8, bits: 9}
          dac: !python/object [ls]
          ? [a, b]
          : 3
          adc: *nothing
          bits: &one 1
          more: &one 2
          str: !!str 5
          list: [{a: 1, a: 2}]
        """
    assert _refusal(text) == [
        "m.yaml:2:18  parts.adc.bits: duplicate key; first written at m.yaml:2:9. Keep one of them",
        "m.yaml:3:8  parts.dac: found the tag '!python/object'; expected plain YAML without tags",
        "m.yaml:4:5  parts.?: found a key that is not plain text; expected a name",
        "m.yaml:6:3  parts.adc: duplicate key; first written at m.yaml:2:3. Keep one of them",
        "m.yaml:6:8  parts.adc: unknown alias '*nothing'. Known: none.",
        "m.yaml:8:9  parts.more: anchor '&one' is already used at m.yaml:7:9",
        "m.yaml:9:8  parts.str: found the tag 'tag:yaml.org,2002:str'; expected plain YAML without tags",
        "m.yaml:10:17  parts.list[0].a: duplicate key; first written at m.yaml:10:11. Keep one of them",
    ]


@pytest.mark.usefixtures("loader")
def test_a_syntax_error_is_told_with_the_faults_before_it() -> None:
    assert _refusal("a: 1\na: 2\nb: [1\n") == [
        "m.yaml:2:1  a: duplicate key; first written at m.yaml:1:1. Keep one of them",
        "m.yaml:4:1  the '[' opened at m.yaml:3:4 is not closed; expected ',' or ']'",
    ]


def test_the_list_of_faults_ends_somewhere() -> None:
    lines = _refusal("a: 1\n" * 1000)
    assert len(lines) == MAX_FAULTS + 1
    assert lines[-1] == "too many faults; the rest is not read."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "1:5  found ':' where no key can be; write one 'key: value' a line"),
        ("a: 1\nbits 8\nc: 3", "2:1  found text without ':'; expected 'key: value'"),
        ("a:\n  b: 1\n c: 2", "3:2  found what does not belong to the mapping that begins at m.yaml:1:1"),
        ("- 1\na: 2", "2:1  found what does not belong to the list that begins at m.yaml:1:1"),
        ("a: 'x' y", "1:8  found what does not belong to the mapping that begins at m.yaml:1:1"),
        ("a: {b: 1\nc: 2", "2:2  the '{' opened at m.yaml:1:4 is not closed; expected ',' or '}'"),
        ("a: [1,,2]", "1:7  found ',' where a value is expected"),
        ("a: ]", "1:4  found ']' where a value is expected"),
        ("a: 'xyz\n", "2:1  the quote opened at m.yaml:1:4 is not closed"),
        ("'a\n---\nb'", "2:1  the quote opened at m.yaml:1:1 is not closed"),
        ("\ta: 1", "1:1  found a tab where spaces are expected; indent with spaces"),
        ("a:\n\tb: 1", "2:1  found a tab where spaces are expected; indent with spaces"),
        ("a: 1\n\tb: 2", "2:1  found a tab where spaces are expected; indent with spaces"),
        ("a: >\n\tx", "2:1  found a tab where spaces are expected; indent with spaces"),
        ("a: @x", "1:4  found '@', which plain text cannot start with; quote it"),
        ("a: %x", "1:4  found '%', which plain text cannot start with; quote it"),
        ("a: - b", "1:4  found a list item here; expected '- ' on a line of its own"),
        ("a: *", "1:5  found '&' or '*' without a name; quote text that begins so"),
        ('a: "\\xzz"', "1:7  found a broken escape in double quotes; expected hexadecimal digits"),
        ("a: |3x\n foo", "1:6  found 'x' after '|' or '>'; expected the end of the line"),
        ("a: !f!foo 1", "1:4  found a tag; expected plain YAML without tags"),
        ("%YAML 3.0\n---\na: 1", "1:1  found a '%' directive; expected none"),
        ("{a: 1} b", "1:8  found text after the end of the document; expected one document a file"),
        ("a: 1\n---\nb: 2", "2:1  found a second document; expected one a file"),
        ("a: x\x01y", "1:5  found the control character '\\x01'; expected text"),
        ("a: 1\r\nb: \x7f", "2:4  found the control character '\\x7f'; expected text"),
        ("a: \ud800", "1:4  found the control character '\\ud800'; expected text"),
        ("", "1:1  the file is empty; expected keys and values"),
        ("# only a comment\n", "1:1  the file is empty; expected keys and values"),
    ],
)
@pytest.mark.usefixtures("loader")
def test_syntax_errors_are_said_plainly(text: str, message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        parse(text, "m.yaml")
    assert str(caught.value).startswith(f"m.yaml:{message}")
    assert len(caught.value.faults) == 1


def test_an_unknown_escape_is_said_plainly() -> None:
    assert _refusal('a: "\\q"') == [
        "m.yaml:1:5  found an unknown escape in double quotes; use single quotes, or write '\\\\'"
    ]


@pytest.mark.usefixtures("loader")
def test_a_document_that_is_only_a_marker_is_empty() -> None:
    (line,) = _refusal("---\n")
    assert line.endswith("the file is empty; expected keys and values")


@pytest.mark.usefixtures("loader")
def test_an_alias_inside_its_own_anchor_is_refused() -> None:
    assert _refusal("a: &x [1, {b: *x}]") == [
        "m.yaml:1:15  a[1].b: found the alias '*x' inside its own anchor; expected no circle"
    ]


def test_an_unknown_alias_is_answered_with_the_known() -> None:
    assert _refusal("a: &base 1\nb: *bsae\n") == [
        "m.yaml:2:4  b: unknown alias '*bsae'. Did you mean '*base'? Known: *base."
    ]


@pytest.mark.usefixtures("loader")
def test_depth_is_bounded() -> None:
    parse("[" * MAX_DEPTH + "]" * MAX_DEPTH, "m.yaml")
    assert _refusal("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == [
        f"m.yaml:1:{MAX_DEPTH + 1}  nested more than {MAX_DEPTH} deep"
    ]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "- ? "])
def test_endless_nesting_stops_early(opening: str) -> None:
    (line, *_) = _refusal(opening * (MAX_BYTES // len(opening)))
    assert "deep" in line or "not plain text" in line


@pytest.mark.usefixtures("loader")
def test_depth_through_aliases_is_bounded() -> None:
    links = [f"a{i}: &a{i} [[[[*a{i - 1}]]]]\n" for i in range(1, 1000)]
    (line,) = _refusal("a0: &a0 x\n" + "".join(links))
    assert line.endswith(f"nested more than {MAX_DEPTH} deep through aliases")


@pytest.mark.usefixtures("loader")
def test_a_billion_laughs_are_not_laughed() -> None:
    names = "abcdefghij"
    links = [f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n" for old, new in pairwise(names)]
    (line,) = _refusal("a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(links))
    assert "more than 100,000 values, those under aliases counted at each use; expected fewer" in line


def test_the_number_of_values_is_bounded() -> None:
    row = ",".join(["x"] * (MAX_NODES - 1))
    assert len(parse(f"[{row}]", "m.yaml").places) == MAX_NODES
    (line,) = _refusal(f"[{row},x]")
    assert "more than 100,000 values" in line
    (line,) = _refusal("- a\n" * 1_000_000)
    assert "more than 200,000 keys, values and ends of collections; expected fewer" in line


@given(st.text(alphabet="ab:-?&*!|>%@`'\"{}[], \n\t#\\0x\x00é", max_size=60))
def test_any_text_is_data_or_faults_with_places(text: str) -> None:
    faults: tuple[Fault, ...] = ()
    try:
        assert () in parse(text, "m.yaml").places
    except ArchsimError as error:
        faults = error.faults
    for fault in faults:
        assert fault.place is not None or "too many" in fault.message
        assert "\n" not in fault.message


def test_a_file_is_read_with_its_name_and_without_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\n\xc3\xa9: 2\r\n")
    document = read(path)
    assert document.file == str(path)
    assert document.data == {"a": "1", "é": "2"}
    assert document.key_place(("é",)) == Place(str(path), 2, 1)


def test_a_file_that_is_not_there_or_not_a_file(tmp_path: Path) -> None:
    assert _unreadable(tmp_path / "m.yaml") == "m.yaml: no such file."
    assert _unreadable(tmp_path) == "m.yaml: is a folder; expected a YAML file."
    (tmp_path / "file").touch()
    assert _unreadable(tmp_path / "file" / "m.yaml") == "m.yaml: cannot be read (not a directory)."
    assert _unreadable(tmp_path / ("x" * 300)) == "m.yaml: cannot be read (file name too long)."
    assert "cannot be read (" in _unreadable(tmp_path / "a\0b")
    os.mkfifo(tmp_path / "fifo")
    assert _unreadable(tmp_path / "fifo") == "m.yaml: is no regular file; expected a YAML file."


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("a: 1", encoding="utf-8")

    def refuse(*_: object) -> None:  # the superuser may read everything
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert _unreadable(path) == "m.yaml: cannot be read (permission denied)."


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a: 1\nb: \x00", "2:4  found a NUL byte, so a binary file or UTF-16; expected UTF-8 text"),
        ("a: 1".encode("utf-16"), "1:4  found a NUL byte, so a binary file or UTF-16; expected UTF-8 text"),
        (b"a: 1\nn: caf\xe9", "2:7  found the byte 0xe9, which is not UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbf\xff", "1:1  found the byte 0xff, which is not UTF-8; save the file as UTF-8"),
        (b"", "1:1  the file is empty; expected keys and values"),
    ],
)
def test_a_file_that_is_no_text(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(raw)
    assert _unreadable(path) == f"m.yaml:{message}"


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.yaml"
    with path.open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)  # takes no space on the disk
    monkeypatch.setattr(source, "_decode", lambda *_: pytest.fail("it was decoded"))
    assert _unreadable(path) == "m.yaml: is larger than 4 MB; expected a YAML file."


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(b"a: 1\n#" + b"x" * (MAX_BYTES - 6))
    assert read(path).data == {"a": "1"}
