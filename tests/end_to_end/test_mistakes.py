"""What a user's mistakes give: a line on standard error that says what to do, and an exit code."""

from pathlib import Path

import pytest

from archsim.errors import did_you_mean
from archsim.resources import find
from tests.end_to_end.command import archsim

RUN = ("run", "isaac", "bert-base")
MACHINES = did_you_mean("", [path.stem for path in find("hw_configs/machines").glob("*.yaml")])
MODELS = did_you_mean("", [path.stem for path in find("workloads/models").glob("*.yaml")])
RATE = "parts.adc.convert.rate"
ADC = "Known: area, bits, convert, errors, leakage, power."
KINDS = "Known: gpus, machines, models, parts."


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "isac", "bert-base"), 1, f"unknown name 'isac', and no such file. Did you mean 'isaac'? {MACHINES}"),
        (
            ("run", "isaac", "bert-bsae"),
            1,
            f"unknown name 'bert-bsae', and no such file. Did you mean 'bert-base'? {MODELS}",
        ),
        (("describe", "isac"), 1, f"unknown name 'isac', and no such file. Did you mean 'isaac'? {MACHINES}"),
        (("cite", "isac"), 1, f"unknown name 'isac', and no such file. Did you mean 'isaac'? {MACHINES}"),
        (("list", "modles"), 2, f"found 'modles'; expected one of them. Did you mean 'models'? {KINDS}"),
        (("plot", "nothing"), 1, "nothing: no such file; expected a result saved with --out"),
        (("check", "nothing.yaml"), 1, "'nothing.yaml': no such file."),
        ((*RUN, "--phase", "decode"), 2, "bert-base generates nothing. Try --phase prefill."),
        (
            (*RUN, "--new-tokens", "4"),
            2,
            "--new-tokens: prefill produces none. Try --phase decode or --phase generate.",
        ),
        ((*RUN, "--seq", "513"), 2, "bert-base has 512 positions, the job needs 513. Try --seq 512 or less."),
        (
            ("run", "isaac", "gpt2", "--phase", "generate", "--seq", "1024", "--new-tokens", "8"),
            2,
            "gpt2 has 1024 positions, the job needs 1031. Try --seq 1017 or less.",
        ),
        (
            (*RUN, "--set", "chips.count=1"),
            1,
            "bert-base does not fit: 85,524,480 weights need 435 tiles, 1 chip has 168. Try chips.count: 3.",
        ),
        (
            (*RUN, "--set", "parts.adc.bitz=6"),
            1,
            f"--set parts.adc.bitz=6:1:11  parts.adc.bitz: unknown key. Did you mean 'bits'? {ADC}",
        ),
        (
            (*RUN, "--set", "parts.adc.bits"),
            2,
            "--set parts.adc.bits: expected KEY=VALUE, such as parts.xbar.rows=64",
        ),
        (
            (*RUN, "--set", f"{RATE}=fast"),
            1,
            f"--set {RATE}=fast:1:24  {RATE}: found 'fast'; expected a frequency such as '1 GHz'",
        ),
        (("run", ".", "bert-base"), 1, ". is a folder; expected a .yaml file."),
        ((*RUN, "--out", "file"), 1, "file: found a file; expected a folder to save results in"),
    ],
)
def test_a_mistake_is_one_line_to_the_letter(words: tuple[str, ...], code: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = archsim(*words, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said + "\n")


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
        ((*RUN, "--seq", "1e3"), "found '1e3'; expected a whole number from 1 to "),
        ((*RUN, "--batch", "-3"), "found '-3'; expected a whole number from 1 to "),
        ((*RUN, "--grain", "cores"), "Did you mean 'core'?"),
        ((*RUN, "--sqe", "4"), "'--seq'"),
        (("run", "isaac"), "Missing argument 'MODEL'"),
        (("check",), "Missing argument 'FILE...'"),
        (("plot",), "Missing argument 'RUN...'"),
    ],
)
def test_a_wrong_command_line_ends_with_2(words: tuple[str, ...], said: str) -> None:
    done = archsim(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_fault_in_a_machine_file_has_its_place(tmp_path: Path) -> None:
    machine = tmp_path / "mine.yaml"
    machine.write_text("schema: archsim.machine/1\nname: mine\nprats: {}\n")
    done = archsim("describe", "mine.yaml", folder=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert all(line.startswith("mine.yaml:") for line in lines)
    assert any(line.startswith("mine.yaml:3:1  ") and "Did you mean 'parts'?" in line for line in lines)
