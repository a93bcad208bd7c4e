"""A user's measurements beside what is modelled."""

import json
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.gpu.measured import elsewhere, errors, find, read_measurements
from archsim.graph.job import Job
from tests.end_to_end.command import archsim

GOOD = """gpu,model,batch,seq,new_tokens,latency_ms,energy_j,note
H100,BERT-tiny,1,16,,0.08,0.02,mine
h100,bert-tiny,4,16,,0.09,,
t4,bert-tiny,1,16,,0.2,,
h100,gpt2,1,16,8,20,,
"""


def test_measurements_are_found_by_their_job(tmp_path: Path) -> None:
    """0.1 ms modelled for 0.08 ms measured is 25 % too slow; 0.01 J for 0.02 J is half."""
    path = tmp_path / "mine.csv"
    path.write_text(GOOD)
    known = read_measurements(path)
    first = find(known, ("h100", "H100 SXM"), ("bert-tiny",), Job("prefill", 16, 0, 1))
    assert first is known[0]
    shown = errors(first, 1e-4, 0.01)
    assert shown["latency_error"] == pytest.approx(0.25)
    assert shown["energy_error"] == pytest.approx(-0.5)
    assert find(known, ("h100",), ("gpt2",), Job("decode", 16, 8, 1)) is known[3]
    assert find(known, ("h100",), ("gpt2",), Job("generate", 16, 8, 1)) is None
    assert find(known, ("h100",), ("bert-tiny",), Job("prefill", 32, 0, 1)) is None
    assert errors(None, 1.0, 1.0)["latency_error"] is None
    assert [line.rpartition("mine.csv:")[2] for line in elsewhere(known, [shown])] == [
        "3: h100, bert-tiny, prefill, batch 4, seq 16",
        "4: t4, bert-tiny, prefill, batch 1, seq 16",
        "5: h100, gpt2, decode, batch 1, seq 16, 8 new tokens",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpu,model,batch,seq\n", "m.csv:1:1  has no column 'latency_ms'"),
        (
            "gpu,model,batch,seq,latency_ms,new_token\n",
            "m.csv:1:1  'new_token': unknown column. Did you mean 'new_tokens'?",
        ),
        ("gpu,model,batch,seq,latency_ms\n", "has no measurements"),
        ("gpu,model,batch,seq,latency_ms\nx,y,0,1,2\n", "m.csv:2:1  batch: found '0'; expected a whole number from 1"),
        (
            "gpu,model,batch,seq,latency_ms\nx,y,1,1,-2\n",
            "m.csv:2:1  latency_ms: found '-2'; expected a number",
        ),
        ("gpu,model,batch,seq,latency_ms\nx,,1,1,2\n", "m.csv:2:1  model: found nothing; expected a name"),
        ("gpu,model,batch,seq,latency_ms,phase\nx,y,1,1,2,prefil\n", "phase: found 'prefil'. Did you mean 'prefill'?"),
        ("gpu,model,batch,seq,latency_ms\nx,y,1,1,2\nX,y,1,1,3\n", "m.csv:3:1  the job of line 2 again"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(ArchsimError) as caught:
        read_measurements(path)
    assert message in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ArchsimError, match="cannot be read"):
        read_measurements(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ArchsimError, match="cannot be read"):
        read_measurements(tmp_path / "bytes.csv")


def test_compare_and_gpu_show_them(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(GOOD)
    words = ("compare", "isaac", "--model", "bert-tiny", "--gpu", "h100", "--seq", "16", "--measured", "mine.csv")
    done = archsim(*words, "--out", "plots", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "of no job here: mine.csv:3: h100, bert-tiny, prefill, batch 4, seq 16" in done.stdout
    assert (tmp_path / "plots" / "compare.png").stat().st_size > 10_000
    data = json.loads(archsim(*words, "--json", folder=tmp_path).stdout)
    machine, gpu = data["rows"]
    assert (machine["measured_latency_s"], gpu["measured_latency_s"]) == (None, 8e-5)
    assert gpu["latency_error"] == pytest.approx(gpu["latency_s"] / 8e-5 - 1)
    assert gpu["energy_error"] == pytest.approx(gpu["energy_j"] / 0.02 - 1)
    assert len(data["measured_elsewhere"]) == 3
    alone = archsim("gpu", "h100", "bert-tiny", "--seq", "16", "--measured", "mine.csv", folder=tmp_path)
    assert "measured_latency" in alone.stdout
    other = archsim("gpu", "h100", "bert-tiny", "--seq", "8", "--measured", "mine.csv", folder=tmp_path)
    assert "nothing of this job" in other.stdout
