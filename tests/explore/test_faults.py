"""Mistakes in study files: all of them at once, each with its place, before anything runs."""

from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.explore.load import load_study
from tests.explore.small import sweep, write

HEAD = "schema: archsim.study/1\nmachine: tiny.yaml\nmodel: mlp-mnist\n"

BROKEN = """\
schema: archsim.study/1
machine: [tiny.yaml, isaax]
model: mlp-mnis
axes:
  parts.adc.bits: [6, 8 b]
  parts.adc.bitz: [3, 4]
  parts.adcc.bits: 6 b
  modules.core.parts.adcc: 3
  seqq: 4
  seq: [12, 0]
  phase: prefil
  digital: [simdd]
sampling: {random: {number: 0, seed: 1}}
constraints: [area < 4 mJ]
objectives: [latncy, tops up]
"""

EXPECTED = [
    (2, 22, "machine[1]: unknown name 'isaax', and no such file. Did you mean 'isaac'?"),
    (3, 8, "model: unknown name 'mlp-mnis', and no such file. Did you mean 'mlp-mnist'?"),
    (5, 20, "found '6', a bare number; expected an amount of memory with its unit, such as '64 KiB'. Try '6 b'."),
    (6, 3, "unknown key. Did you mean 'bits'?"),
    (7, 3, "no such part: 'adcc'. Did you mean 'adc'?"),
    (8, 3, "no such part or module. Did you mean 'adc'?"),
    (9, 3, "unknown key."),
    (10, 13, "found '0'; expected a whole number from 1"),
    (11, 10, "found 'prefil'. Did you mean 'prefill'?"),
    (12, 13, "no such part: 'simdd'. Did you mean 'simd'?"),
    (13, 29, "found '0'; expected a whole number from 1"),
    (14, 15, "found '4 mJ', an energy; expected an area"),
    (15, 14, "'latncy': no such figure. Did you mean 'latency'?"),
    (15, 22, "found 'up' after 'tops'; expected 'min' or 'max'"),
]


def test_all_faults_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, BROKEN)
    with pytest.raises(ArchsimError) as caught:
        load_study(path)
    found = [(fault.place.line, fault.place.column, fault.message) for fault in caught.value.faults if fault.place]
    assert [(line, column) for line, column, _ in found] == [(line, column) for line, column, _ in EXPECTED]
    for (_, _, message), (_, _, said) in zip(found, EXPECTED, strict=True):
        assert said in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: archsim.study/1\nmachine: tiny.yaml\n", "1:1  'model' is missing"),
        ("schema: archsim.study/1\nmachin: tiny.yaml\nmodel: mlp-mnist\n", "Did you mean 'machine'?"),
        ("- 1\n", "found a list; expected a mapping"),
        ("schema: archsim.study/2\nmachine: tiny.yaml\nmodel: mlp-mnist\n", "expected archsim.study/1"),
        (HEAD + "sampling: random\n", "It needs {random: "),
        (
            HEAD + "axes: {machine: isaac}\n",
            "is set by 'machine'",
        ),
        (
            HEAD + "axes: {seq: {from: 1, to: 5000, step: 1}, batch: {from: 1, to: 5000, step: 1}}\n",
            "found 25,000,000 points; expected at most 1,000,000",
        ),
    ],
)
def test_a_fault(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        load_study(write(tmp_path, text))
    assert said in str(caught.value)


def test_a_value_that_fits_only_with_another_is_left_to_the_points(tmp_path: Path) -> None:
    """3 converters share no 256 columns: a point's failure, not the study's."""
    study, _ = load_study(
        write(
            tmp_path,
            HEAD + "axes: {modules.core.parts.adc: [3, 4]}\n",
        )
    )
    assert len(study) == 2


def test_the_command_says_them_and_starts_nothing(tmp_path: Path) -> None:
    write(tmp_path, BROKEN)
    done = sweep(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == len(EXPECTED)
    assert not (tmp_path / "study.db").exists()
