"""What a user's mistakes give: a line on standard error that says what to do, and an exit code."""

from pathlib import Path

import pytest

from tests.end_to_end.command import archsim

RUN = ("run", "isaac", "bert-base")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "isac", "bert-base"), 1, "Did you mean 'isaac'?"),
        (("run", "isaac", "bert-bsae"), 1, "Did you mean 'bert-base'?"),
        (("describe", "isac"), 1, "Did you mean 'isaac'?"),
        (("run", "no/such/isac.yaml", "bert-base"), 1, "no such file. Did you mean 'isaac'"),
        ((*RUN, "--phase", "decode"), 2, "is an encoder: it generates nothing. Try --phase prefill."),
        ((*RUN, "--phase", "generate", "--new-tokens", "4"), 2, "is an encoder"),
        ((*RUN, "--new-tokens", "4"), 2, "prefill produces none"),
        ((*RUN, "--seq", "513"), 2, "bert-base has 512 positions, the job needs 513. Try --seq 512 or less."),
        ((*RUN, "--set", "chips.count=1"), 1, "need 435 tiles, 1 chip has 168. Try chips.count: 3"),
        (("run", ".", "bert-base"), 1, ". is a folder; expected a .yaml file."),
        ((*RUN, "--out", __file__), 1, "found a file; expected a folder"),
    ],
)
def test_a_mistake_is_one_line(words: tuple[str, ...], code: int, said: str) -> None:
    done = archsim(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_two_mistakes_are_two_lines() -> None:
    done = archsim("run", "isac", "bert-bsae")
    assert done.returncode == 1
    assert ["isaac" in line or "bert-base" in line for line in done.stderr.splitlines()] == [True, True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rnu", "isaac"), "Did you mean 'run'?"),
        ((*RUN, "--phase", "prefil"), "Did you mean 'prefill'?"),
        ((*RUN, "--bacth", "2"), "--batch"),
        ((*RUN, "--seq", "0"), "expected a whole number from 1 to "),
        (("run", "isaac"), "Missing argument 'MODEL'"),
    ],
)
def test_a_wrong_command_line_ends_with_2(words: tuple[str, ...], said: str) -> None:
    done = archsim(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]


def test_a_fault_in_a_machine_file_has_its_place(tmp_path: Path) -> None:
    machine = tmp_path / "mine.yaml"
    machine.write_text("schema: archsim.machine/1\nname: mine\nprats: {}\n")
    done = archsim("describe", "mine.yaml", folder=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith("mine.yaml:") for line in lines)
    assert any(line.startswith("mine.yaml:3:1  ") and "Did you mean 'parts'?" in line for line in lines)
