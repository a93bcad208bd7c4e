import io
import re

import pytest

from archsim.report.blocks import Block
from archsim.report.plain import render_plain
from archsim.report.tables import write_description, write_result
from tests.report.samples import sample_description, sample_result

ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, columns: int = 80, **environment: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", "COLUMNS": str(columns), **environment}.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    write_result(sample_result(operators=50), stream)
    write_description(sample_description(), stream)
    return stream.getvalue()


def test_plain_rows_are_aligned_and_keyed() -> None:
    """Widths: keys 15, numbers 4."""
    rows = (("average power", "55.4", "W"), ("chips", "2", ""))
    assert render_plain([Block("job", "Job", "w><", rows)]) == "job.average_power  55.4  W\njob.chips             2\n"


def test_plain_headers_are_single_words() -> None:
    block = Block("", "", "w><", (("a", "1", "mm²"),), ("part", "total area", ""), keyed=False)
    assert render_plain([block, block]) == "\n".join(["part  total_area  unit\na              1  mm²\n"] * 2)


def test_a_pipe_gets_rows_without_colour_boxes_or_wrapping() -> None:
    stream = io.StringIO()
    write_result(sample_result(operators=50), stream)
    lines = stream.getvalue().splitlines()
    assert all(line.isprintable() and line == line.rstrip() for line in lines)
    assert not re.search(r"[─-╿]", stream.getvalue())
    assert sum(line.startswith("energy_by_operator.op") for line in lines) == 50
    assert next(line.split() for line in lines if line.startswith("latency")) == ["latency", "2.2", "ms"]
    source = next(line for line in lines if line.startswith("sources.doe2020"))
    assert len(source) > 150
    assert "[bold]in[/bold]" in source


def test_a_pipe_gets_a_description_whose_rows_split_as_their_header() -> None:
    stream = io.StringIO()
    write_description(sample_description(), stream)
    tree = stream.getvalue().split("\n\n")[1].splitlines()
    assert {len(line.split()) for line in tree} == {11}


def test_colour_is_not_forced_into_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    write_result(sample_result(), stream)
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_of_80_columns_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    text = ANSI.sub("", shown(monkeypatch))
    assert max(map(len, text.splitlines())) <= 80
    assert "\n".join(line.rstrip() for line in text.splitlines()).count("mm²") >= 11
    assert "        adc" not in text
    assert re.search(r"^      adc +8  0\.0012 mm²  0\.3072 mm² +2 mW +512 mW *$", text, re.MULTILINE)
    assert "… 35 more (see --json)" in text


def test_a_terminal_wraps_long_text_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ANSI.sub("", shown(monkeypatch)).split()
    assert words.count("x") == 61  # 60 of a long note, and "power x 0.78125 ns"


def test_a_terminal_shows_names_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "[bold]in[/bold]" in ANSI.sub("", shown(monkeypatch))


def test_a_terminal_gets_style_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" in shown(monkeypatch)
    assert "\x1b" not in shown(monkeypatch, NO_COLOR="1")


def test_a_narrow_terminal_loses_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = ANSI.sub("", shown(monkeypatch, columns=40, NO_COLOR="1"))
    assert "57603 tokens/s" in text
    assert text.split().count("x") == 61
