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
    (5, 20, "found '6', a bare number; expected a number of bits with its unit, such as '8 b'. Try '6 b'."),
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
            HEAD + "axes: {machine: tiny.yaml}\n",
            "is set by 'machine'",
        ),
        (
            HEAD + "axes: {seq: {from: 1, to: 5000, step: 1}, batch: {from: 1, to: 5000, step: 1}}\n",
            "found 25,000,000 points; expected at most 1,000,000",
        ),
        (HEAD.replace("tiny.yaml", "[]"), "2:10  machine: found 0 values"),
        (HEAD + "constraints: [area < 4 mm2, area >= 4 mm2]\n", "4:1  constraints: found 'area >= 4 mm2' and"),
        (HEAD + "constraints: [tops > 3 GOPS]\n", "found '3 GOPS'; expected a number such as '3 TOPS' or '3'"),
        (
            HEAD + "axes: {seq: 128}\n",
            "4:13  axes.seq: found seq 128, but mlp-mnist always has 1 positions. Leave seq out.",
        ),
        (HEAD + "axes: {phase: [prefill, decode]}\n", "axes.phase[1]: mlp-mnist generates nothing. Try phase prefill."),
        (
            HEAD + "axes: {new_tokens: 4}\n",
            "axes.new_tokens: found 4 new tokens in phase 'prefill'. Try phase generate.",
        ),
        (HEAD + "axes: {batch: {zip: {parts.adc.bits: 8 b}}}\n", "4:8  axes.batch: 'batch' has a meaning of its own"),
        (HEAD + "axes: {key: {zip: {parts.adc.bits: 8 b}}}\n", "4:8  axes.key: 'key' has a meaning of its own"),
        (HEAD + "axes: {batch: }\n", "4:15  axes.batch: found nothing; expected a value"),
        ("schema: archsim.study/1\nmachine: tiny.yaml\nmodel:\n", "3:7  model: found nothing; expected a value"),
        ("machine: tiny.yaml\nmodel: mlp-mnist\n", "1:1  'schema' is missing."),
        (
            "schema: archsim.machine/1\nparts: {}\n",
            "1:9  schema: this is a machine; a study is expected, of schema archsim.study/1",
        ),
    ],
)
def test_a_fault(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        load_study(write(tmp_path, text))
    assert said in str(caught.value)
    assert len(caught.value.faults) == 1


def test_jobs_that_some_model_has(tmp_path: Path) -> None:
    """New tokens are tried with the study's phases, each model with its own values."""
    axes = "axes: {phase: [prefill, decode], new_tokens: [1, 4], seq: [16, 2000]}\n"
    with pytest.raises(ArchsimError) as caught:
        load_study(write(tmp_path, HEAD.replace("mlp-mnist", "gpt2") + axes))
    (fault,) = caught.value.faults
    assert "axes.seq[1]: gpt2 has 1024 positions, the job needs 2000. Try seq 1024 or less." in str(fault)


def test_units_that_tables_print(tmp_path: Path) -> None:
    text = HEAD + "constraints: [tops > 3 TOPS, throughput > 3 tokens/s, tops_per_w > 2]\n"
    study, _ = load_study(write(tmp_path, text))
    assert [each.limit for each in study.constraints] == [3.0, 3.0, 2.0]


def test_a_search_wants_one_workload(tmp_path: Path) -> None:
    with pytest.raises(ArchsimError) as caught:
        load_study(write(tmp_path, HEAD + "axes: {batch: [1, 2]}\n"), single=True)
    (fault,) = caught.value.faults
    assert str(fault.place).endswith(":4:15")
    assert "axes.batch: found 2 values; expected one" in fault.message
    assert "archsim sweep" in fault.message


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
