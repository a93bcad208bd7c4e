import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.report.samples import sample_result

Archsim = Callable[..., Result]


def test_a_run_prints_rows_and_host_times(archsim: Archsim) -> None:
    result = archsim("run", "isaac", "bert-base")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["latency", "2.2", "ms"] in rows
    assert ["energy_by_part.adc", "2.0000", "J", "50.00", "%"] in rows
    assert result.stderr.startswith("host: load ")
    assert ", map 0.250 s, play 0.500 s, total " in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "host" not in result.stdout


def test_json_is_alone_on_standard_output(archsim: Archsim) -> None:
    result = archsim("run", "isaac", "bert-base", "--json")
    assert json.loads(result.stdout) == sample_result()
    assert list(json.loads(result.stdout)) == list(sample_result())
    assert "host" in result.stderr


def test_out_saves_what_json_prints(archsim: Archsim, tmp_path: Path) -> None:
    out = tmp_path / "new folder"
    result = archsim("run", "isaac", "bert-base", "--json", "--out", str(out))
    assert (out / "result.json").read_text() == result.stdout
    seconds = json.loads((out / "timing.json").read_text())["seconds"]
    assert list(seconds) == ["load", "map", "play", "total"]


@pytest.mark.parametrize(
    ("words", "job"),
    [
        ([], ("prefill", 128, 0, 1)),
        (["--seq", "64", "--batch", "8"], ("prefill", 64, 0, 8)),
        (["--phase", "decode"], ("decode", 128, 1, 1)),
        (["--phase", "generate", "--new-tokens", "32"], ("generate", 128, 32, 1)),
        (["--seq", "1048576", "--batch", "65536"], ("prefill", 1048576, 0, 65536)),
    ],
)
def test_options_become_the_job(archsim: Archsim, words: list[str], job: tuple[str, int, int, int]) -> None:
    data = json.loads(archsim("run", "isaac", "bert-base", "--json", *words).stdout)
    assert (data["phase"], data["seq"], data["new_tokens"], data["batch"]) == job


@pytest.mark.parametrize("option", ["--seq", "--batch", "--new-tokens"])
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "many", "1_000", "²", "1048577", "9" * 10_000])
def test_what_is_no_count_is_refused(archsim: Archsim, option: str, text: str) -> None:
    result = archsim("run", "isaac", "bert-base", "--phase", "decode", option, text)
    assert result.exit_code == 2
    assert f"Invalid value for '{option}': found '" in result.stderr
    assert "expected a whole number from 1 to " in result.stderr
    assert len(result.stderr) < 400


def test_a_phase_with_a_typo_gets_a_suggestion(archsim: Archsim) -> None:
    result = archsim("run", "isaac", "bert-base", "--phase", "decod")
    assert result.exit_code == 2
    assert "found 'decod'. Did you mean 'decode'? Known: decode, generate, prefill." in result.stderr


def test_prefill_produces_no_tokens(archsim: Archsim) -> None:
    result = archsim("run", "isaac", "bert-base", "--new-tokens", "5")
    assert result.exit_code == 2
    assert result.stderr == ("--new-tokens: prefill produces none. Try --phase decode or --phase generate.\n")


def test_a_missing_model_is_a_usage_error(archsim: Archsim) -> None:
    result = archsim("run", "isaac")
    assert result.exit_code == 2
    assert "Missing argument 'MODEL'" in result.stderr


def test_faults_of_machine_and_model_come_together_in_order(archsim: Archsim) -> None:
    result = archsim("run", "faulty.yaml", "bert-bse")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "faulty.yaml:2:3  first",
        "faulty.yaml:9:1  second",
        "no model 'bert-bse'. Did you mean 'bert-base'? Known: bert-base.",
    ]


def test_a_fault_of_the_model_alone(archsim: Archsim) -> None:
    result = archsim("run", "isaac", "bert-bse")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


def test_an_out_that_is_a_file_is_met_before_the_run(archsim: Archsim, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    # This machine's run would be reported as a bug.
    result = archsim("run", "buggy", "bert-base", "--out", str(file))
    assert result.exit_code == 1
    assert result.stderr == f"{file}: found a file; expected a folder to save results in\n"
    assert file.read_text() == "kept"


def test_a_run_that_fails_saves_nothing(archsim: Archsim, tmp_path: Path) -> None:
    assert archsim("run", "buggy", "bert-base", "--out", str(tmp_path / "new")).exit_code == 1
    assert list(tmp_path.iterdir()) == []
