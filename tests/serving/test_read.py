"""Traces of requests."""

from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.serving.read import read_requests

JSON = """{"arrival_s": 10.25, "prompt_tokens": 5, "output_tokens": 2}

{"arrival_s": 10, "prompt_tokens": 7, "output_tokens": 3, "id": "x"}
"""
HEADER = "arrival_s,prompt_tokens,output_tokens\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "trace.csv"
    path.write_text(text)
    return path


def test_both_forms_and_azures_are_the_same(tmp_path: Path) -> None:
    """Two requests, the later one first in the file: 0.25 s apart."""
    texts = (
        HEADER + "10.25,5,2\n10,7,3\n",
        JSON,
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799609,5,2\n2023-11-16 18:17:03.7299600,7,3\n",
    )
    for text in texts:
        found = read_requests(write(tmp_path, text))
        assert found.arrival.tolist() == pytest.approx([0, 250_000_000_000], abs=1e6)
        assert (found.prompt.tolist(), found.output.tolist()) == ([7, 5], [3, 2])


def test_the_published_trace(data_dir: Path) -> None:
    found = read_requests(data_dir / "traces" / "AzureLLMInferenceTrace_code.csv")
    assert len(found) == 8819
    assert (int(found.prompt.sum()), int(found.output.sum())) == (18_059_974, 245_896)
    assert found.rate == pytest.approx(2.57, abs=0.01)
    assert found.longest == 7841


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected a header"),
        (HEADER, "has no requests below its header"),
        (
            "a,b,c\n1,2,3\n",
            ":1:1  found the columns 'a', 'b', 'c'; expected arrival_s, prompt_tokens,",
        ),
        (HEADER + "1,2,3\nsoon,2,3\n", ":3:1  arrival_s: found 'soon'; expected a time"),
        (HEADER + "nan,2,3\n", ":2:1  arrival_s: found 'nan'; expected a time"),
        (HEADER + "-1,2,3\n", ":2:1  arrival_s: found '-1'; expected a time"),
        (HEADER + "1,-2,3\n", ":2:1  prompt_tokens: found '-2'; expected a whole number of tokens"),
        (HEADER + "1,0,3\n", ":2:1  prompt_tokens: found 0; expected from 1 to"),
        (HEADER + "1,2," + "9" * 40 + "\n", ":2:1  output_tokens: found '99999"),
        (HEADER + "1,2\n", ":2:1  output_tokens: found ''; expected a whole number of tokens"),
        (HEADER + "x,1,1\n" * 90, "90 lines are wrong in all"),
        ('{"arrival_s": 1\n', ":1:1  found '{\"arrival_s\": 1'; expected a JSON object"),
        (
            '{"arrival": 1, "prompt_tokens": 1, "output_tokens": 1}\n',
            "'arrival': unknown key. Did you mean 'arrival_s'?",
        ),
        (HEADER + "1,2," + "x" * 70_000, ":2:1  a line of more than 65,536 characters"),
    ],
)
def test_a_wrong_trace_is_told_with_its_lines(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ArchsimError) as caught:
        read_requests(path)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 4


def test_a_trace_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArchsimError, match="No such file"):
        read_requests(tmp_path / "none.csv")
